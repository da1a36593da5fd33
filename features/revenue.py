"""What customers pay a month: the run-rate that their value is computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np

from features import profile, subscription
from features.catalogue import Feature
from features.compute import Column, Family, compute, timeline_of
from features.histories import Histories
from features.past import Past, Present
from features.plan import Plan
from features.points import LabelledPoints
from features.reads import Measure, Read, Roll
from features.receipts import net_amount
from features.timeline import day_number

YEAR = 365
DAYS_A_MONTH = 365.25 / 12
NET = Measure("net", "sum", net_amount)
"""What was paid, less what was refunded."""
SHORTEST_DAYS = 30.0
"""Less history than this is taken for a whole month: one purchase is no daily habit."""


def monthly_revenue(histories: Histories, plan: Plan, points: LabelledPoints) -> np.ndarray | None:
    """Money a month for each point; None where the histories hold neither prices nor payments.

    The price of the running subscriptions where it is known, otherwise what was paid, less
    refunds, in the year before the cutoff (or since sign-up or the first payment on record, where
    that is shorter).
    """
    families = []
    if plan.has("subscriptions", "price"):
        families.append(Family("subscriptions", subscription.reads, subscription.columns))
    if plan.has("payments"):
        families += [
            Family("customers", profile.reads, profile.columns),
            Family("payments", _payments, _net),
        ]
    if not families:
        return None
    plan = replace(plan, windows=(YEAR,))
    timeline = timeline_of(plan, points.cutoffs)
    found = compute(histories, plan, timeline, points.points, families)
    by_name = {feature.name: values for feature, values in found}
    priced = by_name.get("subscriptions_monthly_price")
    if "paid_net" not in by_name:
        return priced
    cutoff_days = timeline.days[points.points.cutoff]
    paid = _a_month(histories, by_name["paid_net"], by_name["customers_tenure_days"], cutoff_days)
    return paid if priced is None else np.where(np.isnan(priced), paid, priced)


def _payments(present: Present) -> dict[str, Read]:
    return {"net payments": Roll(present.table("payments"), "occurred_at", [NET])}


def _net(past: Past) -> Iterator[Column]:
    feature = Feature("paid_net", "money paid, less refunds", "money", "usage", "payments", YEAR)
    yield feature, past.rolled("net payments").last("net", YEAR)


def _a_month(
    histories: Histories, net: np.ndarray, tenure: np.ndarray, cutoff_days: np.ndarray
) -> np.ndarray:
    first = histories.accounts["payments"].first
    told = cutoff_days - (day_number(date.fromisoformat(first[:10])) if first else 0)
    days = np.clip(np.minimum(tenure, told), SHORTEST_DAYS, YEAR)
    return net / days * DAYS_A_MONTH
