"""What would change it: the smallest change of what a team can move that goes with less risk.

The vectors' numbers are linked, so none is changed alone: the unit of change is a bundle, all
actionable features of one subject, and its values are taken together from a real customer of the
same date (a donor) whose risk is below the threshold. All bundles of a change come from one donor,
so they were seen together, and mixing them with what stays must break no rule that all peers keep
(`models.together`); where one subject cannot move without another of its driver group, the two are
one bundle. There is no moving part of the way: halfway between two customers is nobody, and the
nearest donors are the small steps there are.

This tells what the model associates with less risk among customers alike. It is no promise that
bringing the change about would keep the customer: no model of histories can know that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.model import ChurnModel
from models.peers import Peers, group_of, prepare, says
from models.takeover import Donors, Search, Taken, keeping, tied

if TYPE_CHECKING:
    import pandas as pd

MOST_DONORS = 256
"""Half of them the nearest, half spread over all others."""
MOST_NEARER = 1_024
"""So many further donors are asked once the bundles are known."""

Value = float | str | None
"""Of a feature; None where there is none."""
WhyNot = Literal["", "nothing_actionable", "no_peer_below", "not_enough"]


@dataclass(frozen=True)
class Change:
    """A bundle that changes.

    Attributes
    ----------
    subjects
        What it is about, the one that matters most first; several where they go together.
    group
        The driver group.
    features
        Name, value now and value then of each that differs, the one that matters most first.
    share
        Of the whole fall in probability, what this change brings by itself; the shares of several
        changes need not add up to 1.
    """

    subjects: tuple[str, ...]
    group: str
    features: tuple[tuple[str, Value, Value], ...]
    share: float

    @property
    def subject(self) -> str:
        return self.subjects[0]


@dataclass(frozen=True)
class Lowest:
    """The lowest probability found, and the changes that go with it."""

    probability: float
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Fixed:
    """A subject that cannot be changed and raises the risk, by so many log-odds more than usual."""

    subject: str
    group: str
    contribution: float


@dataclass(frozen=True)
class WhatIf:
    """The smallest change that goes with a risk below the threshold, if one was found.

    Attributes
    ----------
    before, after
        The probability now, and with the changes; the same where there are none.
    reached
        Whether `after` is below the threshold.
    changes
        The change that brings most by itself first; none where the threshold is not reached.
    lowest
        How far one gets where it is not; None where nothing lowers the risk.
    fixed
        What of the risk stays in any case, the strongest first.
    why_not
        Why it is not reached. ``nothing_actionable``: the model knows no such feature.
        ``no_peer_below``: no peer's risk is below the threshold. ``not_enough``: no donor's
        values bring it there, given what cannot be changed.
    """

    before: float
    after: float
    threshold: float
    reached: bool
    changes: tuple[Change, ...] = ()
    lowest: Lowest | None = None
    fixed: tuple[Fixed, ...] = ()
    why_not: WhyNot = ""


def smallest_change(
    model: ChurnModel,
    customer: pd.DataFrame,
    peers: pd.DataFrame | Peers,
    threshold: float,
    *,
    seed: int = 7,
) -> WhatIf:
    """The fewest bundles, and of those the nearest, with which the risk is below the threshold.

    Parameters
    ----------
    model
        Its features may say, beside what they mean, `says` (their subject; their name by default)
        and `actionable` (whether a team can move them; no by default).
    customer
        One vector.
    peers
        The vectors of customers at the same cutoff, or what `prepare` made of them.
    threshold
        A probability, such as `models.risk.at_risk_from` gives.
    seed
        Draws the peers where there are too many for all.

    Raises
    ------
    ValueError
        When there is not one customer, the threshold is no probability between 0 and 1, or the
        vectors lack features of the model.
    """
    if len(customer) != 1:
        raise ValueError(f"what would change it is asked of one customer, not of {len(customer)}")
    if not 0 < threshold < 1:
        raise ValueError(f"the threshold is {threshold}; allowed: more than 0 and less than 1")
    before = float(model.predict(customer)[0])
    if before < threshold:
        return WhatIf(before, before, threshold, True, fixed=_fixed(model, customer))
    ready = peers if isinstance(peers, Peers) else prepare(model, peers, seed=seed)
    question = _Question(model, customer, ready, threshold, before)
    return question.answer()


@dataclass(frozen=True)
class _Question:
    """One customer that is at risk, among its peers."""

    model: ChurnModel
    customer: pd.DataFrame
    peers: Peers
    threshold: float
    before: float

    def answer(self) -> WhatIf:
        candidates = np.flatnonzero(self.peers.probability < self.threshold)
        if not self.peers.subjects:
            return self._failed("nothing_actionable")
        if not len(candidates):
            return self._failed("no_peer_below")
        everyone = self._donors(candidates)
        chosen = _spread(everyone.apart.sum(axis=1))
        everyone, members = self._joined(everyone, everyone.some(chosen))
        found = self._search(everyone.some(chosen)).find()
        if found.enough is not None:
            enough = self._nearest(everyone, chosen[found.enough.donor], found.enough.bundles)
            changes = self._changes(everyone, candidates, enough, members)
            fixed = _fixed(self.model, self.customer)
            return WhatIf(
                self.before, enough.probability, self.threshold, True, changes, fixed=fixed
            )
        if found.lowest is None:
            return self._failed("not_enough")
        lowest = replace(found.lowest, donor=int(chosen[found.lowest.donor]))
        changes = self._changes(everyone, candidates, lowest, members)
        return self._failed("not_enough", Lowest(lowest.probability, changes))

    def _failed(self, why_not: WhyNot, lowest: Lowest | None = None) -> WhatIf:
        fixed = _fixed(self.model, self.customer)
        return WhatIf(self.before, self.before, self.threshold, False, (), lowest, fixed, why_not)

    def _donors(self, candidates: np.ndarray) -> Donors:
        """All of them, with a bundle for each subject."""
        row = self.model.matrix(self.customer)
        ranks = self.peers.ranks
        apart = np.zeros((len(candidates), row.shape[1]), dtype=np.float32)
        own = ranks.of(row)[0]
        apart[:, ranks.columns] = ranks.distances(own, self.peers.ranked[candidates])
        apart /= len(ranks.columns)
        matrix = self.peers.matrix[candidates]
        for subject in range(len(self.peers.subjects)):
            # What would be for the worse is not taken over: nobody advises less use.
            columns = self.peers.owner == subject
            worse = self._votes(matrix[:, columns], row[0, columns], columns) < 0
            matrix[np.ix_(worse, columns)] = row[0, columns]
            apart[np.ix_(worse, columns)] = 0.0
        return Donors(row[0], matrix, apart, self.peers.owner, len(self.peers.subjects))

    def _votes(self, theirs: np.ndarray, own: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Of each donor, how many features of a subject are better than the customer's, less how
        many are worse.
        """
        better = np.array([feature.get("better", 0) for feature in self.model.features])[columns]
        return np.nansum(better * np.sign(theirs - own), axis=1)

    def _joined(self, everyone: Donors, some: Donors) -> tuple[Donors, list[list[str]]]:
        """The donors with the final bundles, and the subjects of each bundle."""
        groups = [group_of(self.model, subject) for subject in self.peers.subjects]
        codes = np.unique(groups, return_inverse=True)[1]
        heads, bundle = np.unique(tied(some, self.peers.rules, codes), return_inverse=True)
        owner = np.where(everyone.owner >= 0, bundle[everyone.owner], -1)
        members: list[list[str]] = [[] for _ in heads]
        for subject, at in zip(self.peers.subjects, bundle, strict=True):
            members[at].append(subject)
        donors = Donors(everyone.customer, everyone.matrix, everyone.apart, owner, len(heads))
        return donors, members

    def _search(self, donors: Donors) -> Search:
        model = self.model
        return Search(
            donors, self.peers.rules, model.raw_log_odds, model.calibrated, self.threshold
        )

    def _nearest(self, everyone: Donors, donor: int, bundles: np.ndarray) -> Taken:
        """The bundles from whichever donor is nearest in just these, of all donors."""
        costs = everyone.costs()[:, bundles].sum(axis=1)
        moved = everyone.moved()[:, bundles].all(axis=1)
        nearer = np.flatnonzero(moved & (costs < costs[donor]))
        nearer = nearer[np.argsort(costs[nearer], kind="stable")][:MOST_NEARER]
        nearer = nearer[self._risk(everyone, nearer, bundles) < self.threshold]
        nearer = nearer[keeping(self.peers.rules, everyone.some(nearer), bundles)]
        best = int(nearer[0]) if len(nearer) else donor
        # Of another donor, fewer of them may do.
        single = self._search(everyone.some(np.array([best])))
        probability = float(self._risk(everyone, np.array([best]), bundles)[0])
        return replace(single.pruned(Taken(0, bundles, probability)), donor=best)

    def _risk(self, everyone: Donors, which: np.ndarray, bundles: np.ndarray) -> np.ndarray:
        """The probability with these bundles of each of those donors."""
        if not len(which):
            return np.empty(0)
        mixed = everyone.mixed(which, np.repeat(bundles[None], len(which), axis=0))
        return self.model.calibrated(self.model.raw_log_odds(mixed))

    def _changes(
        self, everyone: Donors, candidates: np.ndarray, taken: Taken, members: list[list[str]]
    ) -> tuple[Change, ...]:
        """The bundles as they are told, what brings most by itself first."""
        donor = self.peers.frame.iloc[[candidates[taken.donor]]]
        same = np.isclose(everyone.matrix[taken.donor], everyone.customer, rtol=0, equal_nan=True)
        taken_over = {name for name, kept in zip(self.model.names, same, strict=True) if not kept}
        differing = {
            name: (old, new)
            for name, bundle in zip(self.model.names, everyone.owner, strict=True)
            if bundle >= 0 and taken.bundles[bundle]
            if (old := _value(self.customer, name)) != (new := _value(donor, name))
            and name in taken_over
        }
        weights = self._weights({name: new for name, (_, new) in differing.items()})
        subject = {each["name"]: says(each) for each in self.model.features}
        found = []
        for bundle in np.flatnonzero(taken.bundles):
            alone = self._risk(everyone, np.array([taken.donor]), np.arange(len(members)) == bundle)
            share = (self.before - float(alone[0])) / (self.before - taken.probability)
            own = [name for name in differing if subject[name] in members[bundle]]
            own.sort(key=lambda name: -weights[name])
            told = tuple(dict.fromkeys(subject[name] for name in own))
            features = tuple((name, *differing[name]) for name in own)
            found.append(Change(told, group_of(self.model, told[0]), features, share))
        return tuple(sorted(found, key=lambda change: -change.share))

    def _weights(self, changed: dict[str, Value]) -> dict[str, float]:
        """By feature, how far its contribution falls with the changes."""
        import pandas as pd

        now = self.customer[self.model.names].astype(object)
        then = now.assign(**{name: [value] for name, value in changed.items()})
        found = self.model.contributions(pd.concat([now, then], ignore_index=True))
        return dict(zip(self.model.names, (found[0] - found[1])[:-1].tolist(), strict=True))


def _fixed(model: ChurnModel, customer: pd.DataFrame) -> tuple[Fixed, ...]:
    """The subjects with nothing actionable that raise the risk, the strongest first.

    Held against what is usual, as drivers are.
    """
    movable = {says(feature) for feature in model.features if feature.get("actionable", False)}
    sums: dict[str, float] = {}
    for feature, value in zip(model.features, model.contributions(customer)[0], strict=False):
        if says(feature) not in movable:
            excess = float(value) - model.usual.features.get(feature["name"], 0.0)
            sums[says(feature)] = sums.get(says(feature), 0.0) + excess
    raising = sorted((each for each in sums.items() if each[1] > 0), key=lambda each: -each[1])
    return tuple(Fixed(subject, group_of(model, subject), value) for subject, value in raising)


def _value(row: pd.DataFrame, name: str) -> Value:
    """As a float or a text; None where there is none."""
    import pandas as pd

    value = row[name].iloc[0]
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)


def _spread(distance: np.ndarray) -> np.ndarray:
    """The nearest, and as many spread over all others: who is far may be low enough."""
    order = np.argsort(distance, kind="stable")
    if len(order) <= MOST_DONORS:
        return order
    near, far = order[: MOST_DONORS // 2], order[MOST_DONORS // 2 :]
    return np.concatenate([near, far[np.linspace(0, len(far) - 1, MOST_DONORS // 2).astype(int)]])
