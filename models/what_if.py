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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.model import ChurnModel
from models.nearness import Ranks
from models.takeover import Donors, Search, Taken, tied
from models.together import Rules, learn

if TYPE_CHECKING:
    import pandas as pd

MOST_PEERS = 10_000
"""Of more peers, so many are drawn by the seed."""
RULE_PEERS = 2_000
"""So many of them tell what goes together."""
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
    """A subject that cannot be changed and raises the risk, by so many log-odds."""

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


@dataclass(frozen=True)
class Peers:
    """Customers at the same date, made ready for any number of questions.

    Attributes
    ----------
    frame, matrix
        Their vectors, and these as the model reads them.
    probability
        Their risk.
    ranks, ranked
        How far values are apart, and the peers' own ranks.
    rules
        What goes together.
    owner, subjects
        For each feature its subject, by position; -1 for one that is not actionable.
    """

    frame: pd.DataFrame
    matrix: np.ndarray
    probability: np.ndarray
    ranks: Ranks
    ranked: np.ndarray
    rules: Rules
    owner: np.ndarray
    subjects: tuple[str, ...]


def prepare(model: ChurnModel, peers: pd.DataFrame, *, seed: int = 7) -> Peers:
    """What `smallest_change` needs of the peers, which takes longer than one question.

    Raises
    ------
    ValueError
        When the vectors lack features of the model.
    """
    random = np.random.default_rng(seed)
    if len(peers) > MOST_PEERS:
        peers = peers.iloc[np.sort(random.choice(len(peers), MOST_PEERS, replace=False))]
    matrix = model.matrix(peers)
    texts = np.array([name in model.levels for name in model.names], dtype=bool)
    owner, subjects = _subjects(model)
    told = matrix
    if len(matrix) > RULE_PEERS:
        told = matrix[np.sort(random.choice(len(matrix), RULE_PEERS, replace=False))]
    ranks = Ranks.among(matrix, np.flatnonzero(owner >= 0), texts)
    return Peers(
        frame=peers,
        matrix=matrix,
        probability=model.calibrated(model.raw_log_odds(matrix)) if len(matrix) else np.empty(0),
        ranks=ranks,
        ranked=ranks.of(matrix),
        rules=learn(told, texts, owner >= 0, random),
        owner=owner,
        subjects=subjects,
    )


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
        search = self._search(everyone.some(chosen))
        found = search.find()
        if found.enough is None:
            if found.lowest is None:
                return self._failed("not_enough")
            changes = self._changes(search, found.lowest, candidates[chosen], members)
            return self._failed("not_enough", Lowest(found.lowest.probability, changes))
        search, enough, which = self._nearer(everyone, chosen, search, found.enough)
        return WhatIf(
            self.before,
            enough.probability,
            self.threshold,
            True,
            self._changes(search, enough, candidates[which], members),
            fixed=_fixed(self.model, self.customer),
        )

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
        return Donors(row[0], matrix, apart, self.peers.owner, len(self.peers.subjects))

    def _joined(self, everyone: Donors, some: Donors) -> tuple[Donors, list[list[str]]]:
        """The donors with the final bundles, and the subjects of each bundle."""
        groups = [_group_of(self.model, subject) for subject in self.peers.subjects]
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

    def _nearer(
        self, everyone: Donors, chosen: np.ndarray, search: Search, found: Taken
    ) -> tuple[Search, Taken, np.ndarray]:
        """The same bundles from whichever donor is nearest in just these, of all donors."""
        costs = everyone.costs()[:, found.bundles].sum(axis=1)
        moved = everyone.moved()[:, found.bundles].all(axis=1)
        limit = float(search.costs[found.donor, found.bundles].sum())
        nearer = np.flatnonzero(moved & (costs < limit))
        nearer = nearer[np.argsort(costs[nearer], kind="stable")][:MOST_NEARER]
        if not len(nearer):
            return search, found, chosen
        # One by one only where the model says that they are enough.
        mixed = everyone.mixed(nearer, np.repeat(found.bundles[None], len(nearer), axis=0))
        probability = self.model.calibrated(self.model.raw_log_odds(mixed))
        enough = nearer[probability < self.threshold]
        if not len(enough):
            return search, found, chosen
        among = self._search(everyone.some(enough))
        best = among.first_allowed(found.bundles)
        return (among, best, enough) if best is not None else (search, found, chosen)

    def _changes(
        self, search: Search, taken: Taken, candidates: np.ndarray, members: list[list[str]]
    ) -> tuple[Change, ...]:
        """The bundles as they are told."""
        donor = self.peers.frame.iloc[[candidates[taken.donor]]]
        bundles = np.flatnonzero(taken.bundles)
        alone = np.eye(search.donors.bundles, dtype=bool)[bundles]
        fall = self.before - taken.probability
        shares = (self.before - search.probability(taken.donor, alone)) / fall
        swapped = taken.bundles[search.donors.owner] & (search.donors.owner >= 0)
        names = self.model.names
        differing = [
            (name, search.donors.owner[at], old, new)
            for at, name in enumerate(names)
            if swapped[at] and (old := _value(self.customer, name)) != (new := _value(donor, name))
        ]
        weights = self._weights({name: new for name, _, _, new in differing})
        differing.sort(key=lambda each: -weights[each[0]])
        subject = {each["name"]: _says(each) for each in self.model.features}
        changes = []
        for at in np.argsort(-shares, kind="stable"):
            own = [each for each in differing if each[1] == bundles[at]]
            told = dict.fromkeys([subject[each[0]] for each in own])
            group = _group_of(self.model, members[bundles[at]][0])
            features = tuple((name, old, new) for name, _, old, new in own)
            changes.append(Change(tuple(told), group, features, float(shares[at])))
        return tuple(changes)

    def _weights(self, changed: dict[str, Value]) -> dict[str, float]:
        """By feature, how far its contribution falls with the changes."""
        import pandas as pd

        now = self.customer[self.model.names].astype(object)
        then = now.assign(**{name: [value] for name, value in changed.items()})
        found = self.model.contributions(pd.concat([now, then], ignore_index=True))
        return dict(zip(self.model.names, (found[0] - found[1])[:-1].tolist(), strict=True))


def _spread(distance: np.ndarray) -> np.ndarray:
    """The nearest, and as many spread over all others: who is far may be low enough."""
    order = np.argsort(distance, kind="stable")
    if len(order) <= MOST_DONORS:
        return order
    near, far = order[: MOST_DONORS // 2], order[MOST_DONORS // 2 :]
    return np.concatenate([near, far[np.linspace(0, len(far) - 1, MOST_DONORS // 2).astype(int)]])


def _says(feature: Any) -> str:
    return str(feature.get("says") or feature["name"])


def _subjects(model: ChurnModel) -> tuple[np.ndarray, tuple[str, ...]]:
    """For each feature the position of its subject, -1 if not actionable; and the subjects."""
    told = [_says(each) if each.get("actionable", False) else None for each in model.features]
    subjects = list(dict.fromkeys(each for each in told if each is not None))
    owner = [-1 if each is None else subjects.index(each) for each in told]
    return np.array(owner, dtype=np.int64), tuple(subjects)


def _group_of(model: ChurnModel, subject: str) -> str:
    """The driver group that most features of a subject are of; the first of equals."""
    groups: Sequence[str] = [each["group"] for each in model.features if _says(each) == subject]
    return max(dict.fromkeys(groups), key=groups.count)


def _fixed(model: ChurnModel, customer: pd.DataFrame) -> tuple[Fixed, ...]:
    """The subjects of what is not actionable that raise the risk, the strongest first."""
    sums: dict[str, float] = {}
    for feature, value in zip(model.features, model.contributions(customer)[0], strict=False):
        if not feature.get("actionable", False):
            sums[_says(feature)] = sums.get(_says(feature), 0.0) + float(value)
    raising = sorted((each for each in sums.items() if each[1] > 0), key=lambda each: -each[1])
    return tuple(Fixed(subject, _group_of(model, subject), value) for subject, value in raising)


def _value(row: pd.DataFrame, name: str) -> Value:
    """As a float or a text; None where there is none."""
    import pandas as pd

    value = row[name].iloc[0]
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)
