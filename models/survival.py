"""How long customers stay who stay now: discrete-time hazards learned from the model's own points.

A customer's labelled points form a chain: it was there at one cutoff, and the label of each later
one tells whether it left then. So every point and every later lead make a row: what was known at
the point, how many steps ahead, and whether who was still there left (person-periods, Singer and
Willett 1993; Tutz and Schmid 2016). A small booster learns the hazard from the model's log-odds,
the lead, and the columns that speak of later departures. Columns in days are shown as they will
stand at the lead, too, so that a term that ends in ten months is seen to end at the tenth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models.training import parameters

if TYPE_CHECKING:
    import lightgbm as lgb

DAYS_A_YEAR = 365.25
DAYS_A_MONTH = DAYS_A_YEAR / 12

MOST_CELLS = 400_000
"""Customers times cutoffs that are looked at; of more customers some are drawn."""
MOST_ROWS = 150_000
"""Person-periods that are learned from; of more some are drawn."""
FEWEST_EVENTS = 100
"""Later departures without which nothing is learned of when they come."""
FEWEST_AT_LEAD = 200
"""Rows of a lead that count as covering it."""
TREES = 60
OWN = {"learning_rate": 0.08, "min_data_in_leaf": 200, "feature_fraction": 0.7}
ROWS_AT_A_TIME = 32_768
GROUPS = ("profile", "subscription", "price")
"""Driver groups that tell of departures to come: what is used or failed now is in the log-odds."""


@dataclass(frozen=True)
class Chains:
    """Labelled points.

    Attributes
    ----------
    customer, day
        Whose each is, and its cutoff in days.
    churned
        Its label, 0 or 1.
    known
        Points x columns, as `Survival.columns` names them: what is known at the point.
    """

    customer: np.ndarray
    day: np.ndarray
    churned: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class Window:
    """What a label looks at: so many days, from so many days after the cutoff."""

    days: float
    lead: float = 0.0


@dataclass(frozen=True)
class Survival:
    """The hazards of those who stay in the coming window.

    Attributes
    ----------
    booster_text
        In LightGBM's text format.
    columns, in_days
        The columns that are known of a point beside the model's log-odds, which come first, and
        whether each is in days.
    window
        What the label looks at.
    step_days
        From one lead to the next.
    leads
        How many leads the histories cover; later hazards are the mean of the last year's.
    """

    booster_text: str
    columns: tuple[str, ...]
    in_days: tuple[bool, ...]
    window: Window
    step_days: float
    leads: int

    @cached_property
    def booster(self) -> lgb.Booster:
        import lightgbm as lgb

        return lgb.Booster(model_str=self.booster_text)

    @cached_property
    def used(self) -> frozenset[str]:
        """The columns that some split looks at."""
        days = [place for place, is_days in enumerate(self.in_days) if is_days]
        # As `_matrix` lays them out; the log-odds and the lead are no columns.
        names = ["", *self.columns, "", *(self.columns[place - 1] for place in [*days, *days])]
        splits = self.booster.feature_importance("split")
        return frozenset(n for n, count in zip(names, splits, strict=True) if n and count)

    def hazards(self, known: np.ndarray) -> np.ndarray:
        """The chance to leave in the window at each lead, of those still there: points x leads."""
        found = np.empty((len(known), self.leads))
        size = max(1, ROWS_AT_A_TIME // self.leads)
        for start in range(0, len(known), size):
            rows = np.repeat(known[start : start + size], self.leads, axis=0)
            lead = np.tile(np.arange(1, self.leads + 1), len(rows) // self.leads)
            matrix = _matrix(rows, lead, self.step_days, self.in_days)
            told = np.asarray(self.booster.predict(matrix))
            found[start : start + size] = told.reshape(-1, self.leads)
        return found

    def curves(self, known: np.ndarray, months: int) -> np.ndarray:
        """The chance to be there in each of the coming months, of those who stay in the window.

        The mean of a month's beginning and end. Points x months, falling, within [0, 1].
        """
        rates = -np.log1p(-np.clip(self.hazards(known), 0.0, 1 - 1e-9)) / self.window.days
        edges = self._edges((months + 1) * DAYS_A_MONTH)
        last = max(1, round(DAYS_A_YEAR / self.step_days))
        later = rates[:, -last:].mean(axis=1, keepdims=True)
        none = np.zeros((len(known), 2))
        gone = np.concatenate(
            [none, np.concatenate([rates, later], axis=1) * np.diff(edges)[1:]], 1
        )
        # All rows have the same edges, so reading between them is one product.
        wanted = np.arange(months + 1) * DAYS_A_MONTH
        between = np.stack([np.interp(wanted, edges, unit) for unit in np.eye(len(edges))])
        there = np.exp(-(gone.cumsum(axis=1) @ between))
        return np.asarray((there[:, :-1] + there[:, 1:]) / 2)

    def _edges(self, end: float) -> np.ndarray:
        """Days: now, the end of the coming window, and of the time that each lead stands for."""
        kept = self.window.lead + self.window.days
        leads = (np.arange(1, self.leads + 1) + 1) * self.step_days + self.window.lead
        leads = np.maximum(leads, kept)
        return np.array([0.0, kept, *leads, max(end, leads[-1])])

    def as_dict(self) -> dict[str, Any]:
        """All but the booster, as JSON values."""
        values = asdict(self)
        del values["booster_text"]
        return values

    @staticmethod
    def from_dict(values: Mapping[str, Any], booster_text: str) -> Survival:
        return Survival(
            booster_text=booster_text,
            columns=tuple(values["columns"]),
            in_days=tuple(values["in_days"]),
            window=Window(**values["window"]),
            step_days=values["step_days"],
            leads=values["leads"],
        )


def wanted_columns(features: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places of the features that tell of departures to come, by their driver group."""
    return [place for place, one in enumerate(features) if one["group"] in GROUPS]


def learn_survival(
    chains: Chains,
    window: Window,
    *,
    columns: Sequence[str],
    in_days: Sequence[bool],
    categorical: Sequence[bool],
    seed: int,
) -> Survival | str:
    """The hazards, or a sentence that says why there are too few rows to learn them from.

    Parameters
    ----------
    columns, in_days, categorical
        What the columns of `chains.known` after the first are: their names, whether they are in
        days, and whether they hold codes.
    """
    import lightgbm as lgb

    days = np.unique(chains.day)
    if len(days) < 2:
        return "there is only one labelled cutoff"
    spacing = float(np.diff(days).mean())
    stride = max(1, round(window.days / spacing))
    point, later, lead = person_periods(chains, stride, seed=seed)
    covered = int((np.bincount(lead) >= FEWEST_AT_LEAD).sum()) if len(lead) else 0
    events = int(chains.churned[later].sum()) if len(lead) else 0
    if not covered or events < FEWEST_EVENTS:
        return (
            f"only {events:,} customers are seen to leave in a later window than the coming one; "
            f"{FEWEST_EVENTS} are needed"
        )
    in_days = (False, *in_days)
    matrix = _matrix(chains.known[point], lead, stride * spacing, in_days)
    settings = parameters(seed, len(matrix), OWN)
    table = lgb.Dataset(
        matrix,
        chains.churned[later],
        categorical_feature=[1 + place for place, is_code in enumerate(categorical) if is_code],
        params=settings,
    )
    booster = lgb.train(settings, table, num_boost_round=TREES)
    return Survival(
        booster_text=booster.model_to_string(),
        columns=tuple(columns),
        in_days=in_days,
        window=window,
        step_days=stride * spacing,
        leads=covered,
    )


def person_periods(
    chains: Chains, stride: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn from: a point, a later point of its customer, and the lead between them.

    The customer stayed in the windows of all points between, every `stride` cutoffs, and was there
    at the later one. At most `MOST_ROWS`, drawn from all leads alike, in the order of leads.
    """
    random = np.random.default_rng(seed)
    place, churned = _by_customer(chains, random)
    width = place.shape[1]
    stayed = (place >= 0) & (churned[place] == 0)
    intact, found = stayed, []
    for lead in range(1, (width - 1) // stride + 1):
        behind = lead * stride
        before, after = place[:, : width - behind], place[:, behind:]
        here = intact[:, : width - behind] & (after >= 0)
        found.append(np.stack([before[here], after[here], np.full(here.sum(), lead)]))
        intact = here & stayed[:, behind:]
    if not found:
        return (np.empty(0, np.int64),) * 3
    rows = np.concatenate(found, axis=1).astype(np.int64)
    if rows.shape[1] > MOST_ROWS:
        rows = rows[:, np.sort(random.permutation(rows.shape[1])[:MOST_ROWS])]
    return rows[0], rows[1], rows[2]


def _by_customer(chains: Chains, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The points of each customer by cutoff, -1 for none; and the labels, one more for that."""
    people, who = np.unique(chains.customer, return_inverse=True)
    days, when = np.unique(chains.day, return_inverse=True)
    place = np.full((len(people), len(days)), -1)
    place[who, when] = np.arange(len(who))
    most = max(1, MOST_CELLS // len(days))
    if len(people) > most:
        place = place[np.sort(random.permutation(len(people))[:most])]
    return place, np.append(chains.churned, 1)


def _matrix(
    known: np.ndarray, lead: np.ndarray, step_days: float, in_days: Sequence[bool]
) -> np.ndarray:
    """What is known of points, the lead, and columns in days as they will stand then."""
    ahead = (lead * step_days).astype(np.float32)[:, None]
    days = known[:, np.asarray(in_days, dtype=bool)]
    return np.concatenate(
        [known, lead.astype(np.float32)[:, None], days - ahead, days + ahead], axis=1
    ).astype(np.float32)
