"""The lever of onboarding: what newcomers do in their first days, and whether they stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.beginnings import Beginnings, beginnings
from features.recovery import next_departure
from features.timeline import day_number
from models.exposure import Excess
from models.many import holm
from models.strata import Difference, difference
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, Rate, fields_of

FIRST, LAST, THIRDS = 14, 120, ("least", "middle", "most")
"""Depth is that of the first 14 days; who stays is looked at from then to day 120."""
LEVEL = 0.05
FEWEST = 20
EVIDENCE = Evidence(
    ASSOCIATION,
    "Customers who begin well may be those who wanted to stay anyway. Behaviours that part those "
    "who stay from those who leave are candidates for a programme, not proof that it would work.",
)


@dataclass(frozen=True)
class Third:
    """Customers by how much they did: how many, and how many of them left by day 120."""

    depth: str
    events: float
    days: float
    kinds: float
    left: Rate

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Behaviour:
    """Leaving by day 120 of those who did something in their first days, and who did not.

    Attributes
    ----------
    difference
        Within groups of the same attributes and plan.
    p
        Corrected for how many kinds were looked at (Holm).
    clear
        Whether that is below 0.05.
    """

    event: str
    difference: Difference
    p: float
    clear: bool

    def as_json(self) -> dict[str, Any]:
        found = fields_of(self.difference)
        return {"event": self.event, **found, "p_corrected": self.p, "clear": self.clear}


@dataclass(frozen=True)
class Onboarding:
    """First days and later survival.

    Attributes
    ----------
    thirds
        Customers by depth: those who were there at a cutoff after their first 14 days, and who
        are known for 120.
    excess
        Excess churn within the horizon of the third that did least over the others, at cutoffs
        14 to 120 days after sign-up; None: too few to tell.
    behaviours
        Kinds of events, those that part most first.
    """

    thirds: tuple[Third, ...]
    excess: Excess | None
    behaviours: tuple[Behaviour, ...]
    told: str
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


def onboarding(panel: Panel) -> Onboarding | None:
    """None without usage, or where nobody is new while the histories last."""
    found = beginnings(panel.histories, FIRST)
    if found is None:
        return None
    seen = seen_from_the_start(panel, found)
    third = thirds(found, seen)
    if third is None:
        return None
    shallow, others = newcomers(panel, third)
    gone, cohort = _left(panel, found, seen)
    return Onboarding(
        thirds=tuple(_third(n, third, found, gone, cohort) for n in range(len(THIRDS))),
        excess=panel.excess(shallow, others, without=("onboarding", "usage")),
        behaviours=_behaviours(panel, found, gone, cohort),
        told=panel.told,
    )


def thirds(found: Beginnings, seen: np.ndarray) -> np.ndarray | None:
    """0 for the third of the seen customers that did least, to 2; -1 for those not seen.

    Depth is the mean rank in events, days with one and kinds.
    """
    from scipy.stats import rankdata

    if seen.sum() < FEWEST:
        return None
    depth = sum(rankdata(one[seen]) for one in (found.events, found.days, found.kinds))
    edges = np.quantile(depth, [1 / 3, 2 / 3])
    result = np.full(len(seen), -1)
    result[seen] = np.searchsorted(edges, depth, side="left")
    return result


def newcomers(panel: Panel, third: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points 14 to 120 days after sign-up of the third that did least, and of the others."""
    tenure = panel.column("customers_tenure_days")
    assert tenure is not None
    new = (tenure >= FIRST) & (tenure < LAST)
    mine = third[panel.customers]
    return new & (mine == 0), new & (mine > 0)


def seen_from_the_start(panel: Panel, found: Beginnings) -> np.ndarray:
    """Customers who signed up while usage was recorded, and are points after their first days."""
    first = np.datetime64(str(panel.histories.accounts["usage"].first)[:10], "D")
    there = np.zeros(len(found.signed_up), bool)
    tenure = panel.column("customers_tenure_days")
    assert tenure is not None
    there[panel.customers[tenure >= FIRST]] = True
    return there & (found.signed_up >= first.astype(int))


def _left(panel: Panel, found: Beginnings, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who left by day 120, and the seen customers who are known until then.

    Where nothing tells the day on which customers left, churn at the cutoffs up to then counts.
    """
    end = day_number(panel.histories.observed_until.date())
    cohort = seen & (found.signed_up + LAST <= end)
    if panel.definition.kind != "inactivity":
        everybody = np.arange(len(seen))
        left = next_departure(panel.histories, panel.definition, everybody, found.signed_up + FIRST)
        return left < found.signed_up + LAST, cohort
    tenure = panel.column("customers_tenure_days")
    assert tenure is not None
    new = (tenure >= FIRST) & (tenure + panel.horizon_days <= LAST) & (panel.churned == 1)
    return np.bincount(panel.customers[new], minlength=len(seen)) > 0, cohort


def _third(
    number: int, third: np.ndarray, found: Beginnings, gone: np.ndarray, cohort: np.ndarray
) -> Third:
    here = cohort & (third == number)

    def mean(values: np.ndarray) -> float:
        return float(values[here].mean()) if here.any() else 0.0

    left = Rate(int(gone[here].sum()), int(here.sum()))
    return Third(THIRDS[number], mean(found.events), mean(found.days), mean(found.kinds), left)


def _behaviours(
    panel: Panel, found: Beginnings, gone: np.ndarray, cohort: np.ndarray
) -> tuple[Behaviour, ...]:
    """Each kind that some did and some did not, within groups of the same text attributes."""
    strata = _strata(panel, len(gone))[cohort]
    told = {}
    for event, did in found.did.items():
        count = int(did[cohort].sum())
        if min(count, int(cohort.sum()) - count) >= FEWEST:
            one = difference(gone[cohort], did[cohort], strata)
            if one is not None:
                told[event] = one
    corrected = holm([one.p for one in told.values()])
    all_ = [
        Behaviour(event, one, p, p < LEVEL)
        for (event, one), p in zip(told.items(), corrected, strict=True)
        if p is not None
    ]
    return tuple(sorted(all_, key=lambda one: one.difference.adjusted.estimate))


def _strata(panel: Panel, count: int) -> np.ndarray:
    """Customers of the same text attributes (and plan), as one text."""
    found = np.full(count, "", dtype=object)
    for texts in panel.texts.values():
        by_customer = np.full(count, "", dtype=object)
        by_customer[panel.customers] = [one if isinstance(one, str) else "" for one in texts]
        found = found + "|" + by_customer
    return found.astype(str)
