"""The lever of renewals: churn around the term's end, by whether the term renews itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.exposure import Excess, Range
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, Rate, fields_of, rate_of

DAYS_BEFORE = ((0, 8), (8, 15), (15, 31), (31, 61), (61, 91), (91, 367))
"""Days to the term's end at a cutoff, the last one left out."""
REMINDERS = (7, 14, 30)
MOVED = (0.10, 0.25, 0.50)
EVIDENCE = Evidence(
    ASSOCIATION,
    "Who switched automatic renewal off had reasons; customers are compared with others of the "
    "same use, payments, tickets, prices, plan and tenure, but nobody drew lots. What moving "
    "customers would keep holds if nothing else sets them apart.",
)


@dataclass(frozen=True)
class NearEnd:
    """Churn of the points so many days before their term ends, by renewal."""

    first: int
    last: int
    by_itself: Rate
    by_hand: Rate

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Moved:
    """What moving a share of those without automatic renewal to it would have kept."""

    share: float
    leavers: Range
    margin: Range | None

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Renewals:
    """Churn around the term's end.

    Attributes
    ----------
    near
        By billing period, churn by days before the end.
    excess
        By billing period: excess churn of terms that end within the horizon and do not renew
        themselves, over terms that end and do. None: too few to tell.
    reached
        By days: customers without automatic renewal whose term ended within so many days, at the
        mean cutoff: whom a reminder would reach.
    moved
        By billing period, what moving customers would have kept.
    years
        The time all this took place in.
    """

    near: dict[str, tuple[NearEnd, ...]]
    excess: dict[str, Excess | None]
    reached: dict[int, float]
    moved: dict[str, tuple[Moved, ...]]
    years: float
    told: str
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


def renewals(panel: Panel) -> Renewals | None:
    """None where the histories do not tell terms and their renewal."""
    renews = panel.column("subscriptions_auto_renew")
    left = panel.column("subscriptions_days_to_renewal")
    if renews is None or left is None:
        return None
    by_hand, by_itself = renews == 0, renews == 1
    excess, near = {}, {}
    for period, billed in _periods(panel).items():
        ends = billed & ends_within(panel)
        excess[period] = panel.excess(by_hand & ends, by_itself & ends, without=("subscription",))
        near[period] = _near(panel, left, billed & by_itself, billed & by_hand)
    reached = {
        days: float((by_hand & (left < days)).sum() / len(panel.cutoffs) / panel.share)
        for days in REMINDERS
    }
    moved = {period: _moved(one) for period, one in excess.items() if one is not None}
    return Renewals(near, excess, reached, moved, panel.years, panel.told)


def ends_within(panel: Panel) -> np.ndarray:
    """Points whose term ends within the horizon."""
    left = panel.column("subscriptions_days_to_renewal")
    if left is None:
        return np.zeros(len(panel.points), bool)
    return np.nan_to_num(left, nan=np.inf) < panel.horizon_days


def _periods(panel: Panel) -> dict[str, np.ndarray]:
    """Those billed by the year and by the month apart: the ends of their terms are no likes."""
    yearly = panel.column("subscriptions_is_yearly")
    if yearly is None:
        return {"all": np.ones(len(panel.points), bool)}
    found = {"year": yearly == 1, "month": yearly == 0}
    return {name: mask for name, mask in found.items() if mask.any()}


def _near(
    panel: Panel, left: np.ndarray, by_itself: np.ndarray, by_hand: np.ndarray
) -> tuple[NearEnd, ...]:
    found = []
    for first, last in DAYS_BEFORE:
        here = (left >= first) & (left < last)
        if here[by_itself | by_hand].any():
            rates = (rate_of(panel.churned, here & one) for one in (by_itself, by_hand))
            found.append(NearEnd(first, last - 1, *rates))
    return tuple(found)


def _moved(found: Excess) -> tuple[Moved, ...]:
    return tuple(
        Moved(share, found.leavers.times(share), found.money and found.money.times(share))
        for share in MOVED
    )
