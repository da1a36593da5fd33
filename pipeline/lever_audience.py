"""The lever of audience: churn and value by what was known at sign-up: where not to acquire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from features.contacted import paid_after
from features.cut import Points
from features.points import UNKNOWN, LabelledPoints
from features.timeline import EPOCH
from models.exposure import Range
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, fields_of, rate_range

ATTRIBUTE = "customers_profile_"
VALUE_DAYS = 180
FEWEST, MOST = 20, 12
_Z = NormalDist().inv_cdf(0.975)
EVIDENCE = Evidence(
    ASSOCIATION,
    "Channels and segments bring different customers; what is counted is what those who came were "
    "worth, not what more money spent there would bring. The cost of winning them is not in it: "
    "compare it with the value.",
)


@dataclass(frozen=True)
class Origin:
    """Customers of one value of an attribute.

    Attributes
    ----------
    churn
        Share of points that churned within the horizon.
    against_others
        Churn of its points less that of all others.
    acquired
        Customers known for 180 days since sign-up.
    value
        Margin of what each of them paid in these days, less refunds; None without payments.
    """

    name: str
    customers: int
    churn: Range
    against_others: Range
    acquired: int
    value: Range | None

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Audience:
    """By attribute, its values; the worst first: lowest value, or highest churn without money."""

    by: dict[str, tuple[Origin, ...]]
    value_days: int
    told: str
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


def audience(panel: Panel, *, margin: float) -> Audience | None:
    """None where customers have no text attributes that tell them apart.

    Parameters
    ----------
    margin
        Share of what is paid that is left after direct costs.
    """
    names = [name for name in panel.texts if name.startswith(ATTRIBUTE)]
    signed_up, paid = first_payments(panel)
    paid = None if panel.no_money else paid
    by = {}
    for name in names:
        found = _origins(panel, name, signed_up, None if paid is None else paid * margin)
        if len(found) > 1:
            by[name.removeprefix(ATTRIBUTE)] = found
    return Audience(by, VALUE_DAYS, panel.told) if by else None


def first_payments(panel: Panel) -> tuple[np.ndarray, np.ndarray | None]:
    """Customers known for 180 days since sign-up, and what each paid in them, less refunds."""
    from features.arrays import days
    from features.tables import CUSTOMER

    histories = panel.histories
    rows = histories.tables["customers"].order_by(CUSTOMER).select("signed_up_at")
    signed_up = days(histories.engine.to_pyarrow(rows)["signed_up_at"], null=0)
    first = (histories.observed_from.date() - EPOCH).days
    last = (histories.observed_until.date() - EPOCH).days
    who = np.flatnonzero((signed_up >= first) & (signed_up + VALUE_DAYS <= last))
    if not len(who):
        return who, None
    found, where = np.unique(signed_up[who], return_inverse=True)
    dates = tuple(EPOCH + timedelta(days=int(day)) for day in found)
    unknown = np.full(len(who), UNKNOWN, np.int8)
    points = LabelledPoints(
        dates, Points(where.astype(np.int32), who.astype(np.int32)), unknown, ()
    )
    return who, paid_after(histories, points, within=VALUE_DAYS)


def _origins(
    panel: Panel, name: str, acquired: np.ndarray, worth: np.ndarray | None
) -> tuple[Origin, ...]:
    kind = np.full(panel.histories.customers, "", dtype=object)
    kind[panel.customers] = [one if isinstance(one, str) else "" for one in panel.texts[name]]
    found = []
    for value, mask in panel.parts_of(name):
        customers = len(np.unique(panel.customers[mask]))
        if customers < FEWEST or mask.all():
            continue
        here = kind[acquired] == value
        found.append(
            Origin(
                name=value,
                customers=customers,
                churn=churn_of(panel, mask),
                against_others=_against(panel, mask),
                acquired=int(here.sum()),
                value=None if worth is None else mean_of(worth[here]),
            )
        )
    common = sorted(found, key=lambda one: (-one.customers, one.name))[:MOST]
    return tuple(sorted(common, key=_worst))


def _worst(one: Origin) -> tuple[float, str]:
    return (one.value.estimate if one.value else -one.churn.estimate, one.name)


def churn_of(panel: Panel, mask: np.ndarray) -> Range:
    """The share of points that churned, its interval by customers, whose points belong together.

    Wilson's of so many points as tell as much as these do.
    """
    churned, customers = panel.churned[mask], panel.customers[mask]
    share, points = float(churned.mean()), float(len(churned))
    by_customer = float((np.bincount(customers, churned - share) ** 2).sum())
    if by_customer:
        points = min(points, share * (1 - share) * points**2 / by_customer)
    return rate_range(share, points)


def _against(panel: Panel, mask: np.ndarray) -> Range:
    """The difference of two shares, its interval from theirs (MOVER: Zou and Donner 2008)."""
    here, others = churn_of(panel, mask), churn_of(panel, ~mask)
    gap = here.estimate - others.estimate
    below = hypot(here.estimate - here.low, others.high - others.estimate)
    above = hypot(here.high - here.estimate, others.estimate - others.low)
    return Range(gap, gap - below, gap + above)


def mean_of(values: np.ndarray) -> Range | None:
    """The mean of customers' values with its interval; None of fewer than 20."""
    if len(values) < FEWEST:
        return None
    mean, reach = float(values.mean()), _Z * float(values.std(ddof=1)) / sqrt(len(values))
    return Range(mean, mean - reach, mean + reach)
