"""What customers pay a month: the run-rate that their value is computed from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from features.cut import Measure
from features.histories import Histories
from features.past import Past
from features.plan import Plan
from features.points import LabelledPoints
from features.subscription import subscription
from features.timeline import day_number

YEAR = 365
DAYS_A_MONTH = 365.25 / 12
SHORTEST_DAYS = 30.0
"""Less history than this is taken for a whole month: one purchase is no daily habit."""


def monthly_revenue(histories: Histories, plan: Plan, points: LabelledPoints) -> np.ndarray | None:
    """Money a month for each point; None where the histories hold neither prices nor payments.

    The price of the running subscriptions where it is known, otherwise what was paid, less
    refunds, in the year before the cutoff (or since sign-up or the first payment on record, where
    that is shorter).
    """
    past = Past(histories, replace(plan, windows=(YEAR,)), points.cutoffs, points.points)
    priced = _price(past) if plan.has("subscriptions", "price") else None
    paid = _paid(past) if plan.has("payments") else None
    if priced is None:
        return paid
    return priced if paid is None else np.where(np.isnan(priced), paid, priced)


def _price(past: Past) -> np.ndarray:
    found = {feature.name: values for feature, values in subscription(past)}
    return found["subscription_monthly_price"]


def _paid(past: Past) -> np.ndarray:
    def amount(rows: Any) -> Any:
        value = rows["amount"].cast("float64")
        return (rows["status"] == "paid").ifelse(
            value, (rows["status"] == "refunded").ifelse(-value.abs(), 0.0)
        )

    rolled = past.roll(past.table("payments"), [Measure("net", "sum", amount)], time="occurred_at")
    tenure = -past.days_from_cutoff(past.customers("signed_up_at"))
    first = past.histories.accounts["payments"].first
    told = past.cutoff_days - (day_number(date.fromisoformat(first[:10])) if first else 0)
    days = np.clip(np.minimum(tenure, told), SHORTEST_DAYS, YEAR)
    return rolled.last("net", YEAR) / days * DAYS_A_MONTH
