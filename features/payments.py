"""How customers pay: how much, how regularly, and what failed, came late or is still open.

That somebody buys, how often and how lately, is use; what it costs them is price; only what goes
wrong with a payment is a matter of payments, for which there are other actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import Measure, Read, Roll, Value, count, count_by

Column = tuple[Feature, np.ndarray]


def reads(present: Present) -> dict[str, Read]:
    """Every payment, once."""
    measures = _measures(present.plan.has("payments", "due_at"))
    methods = _method_names(present.plan)
    if methods:
        named = {method: f"method_{name}" for method, name in methods.items()}
        measures.append(count_by("method", named, ever=True))
    return {"payments": Roll(present.table("payments"), "occurred_at", measures)}


def _method_names(plan: Plan) -> dict[str, str]:
    return slugs(plan.levels.get("payments.method", ()))


def columns(past: Past) -> Iterator[Column]:
    """Counts and sums by status, shares of failed and late payments, recency and rhythm."""
    has_due = past.plan.has("payments", "due_at")
    methods = _method_names(past.plan)
    rolled = past.rolled("payments")
    yield from _amounts(past, rolled)
    yield from _failures(past, rolled)
    if has_due:
        yield from _lateness(past, rolled)
    yield from _rhythm(rolled)
    for method, name in methods.items():
        yield (
            _feature(
                f"method_{name}_share",
                f"share of payments, tried or made, by {quoted(method)}",
                "share",
            ),
            ratio(rolled.ever(f"method_{name}"), rolled.ever("count")),
        )


def _measures(has_due: bool) -> list[Measure]:
    def of(status: str, value: Value) -> Value:
        return lambda t: (t["status"] == status).ifelse(value(t), None)

    def amount(t: Any) -> Any:
        return t["amount"].cast("float64")

    statuses = ("paid", "failed")
    measures = [count(), count_by("status", {status: status for status in statuses})]
    for status in statuses:
        moment = of(status, lambda t: t["occurred_at"])
        measures.append(Measure(f"{status}_at", "max", moment, ever=True))
    measures += [
        Measure("first_paid_at", "min", of("paid", lambda t: t["occurred_at"]), ever=True),
        Measure("paid_sum", "sum", of("paid", amount)),
        Measure("refunded_sum", "sum", of("refunded", lambda t: amount(t).abs())),
        Measure("paid_max", "max", of("paid", amount)),
        Measure("last_amount", "last", of("paid", amount), ever=True),
    ]
    if has_due:
        late = _days_late
        measures += [
            Measure("days_late_sum", "sum", late),
            Measure("days_late_max", "max", late),
            count("late", lambda t: late(t) >= 1),
            count("with_due", lambda t: late(t).notnull()),
        ]
    return measures


def _days_late(rows: Any) -> Any:
    """Days between the due date and the payment, early ones as 0; only for what was paid."""
    days = rows["occurred_at"].date().delta(rows["due_at"].date(), unit="day")
    paid = (rows["status"] == "paid") & rows["due_at"].notnull()
    return paid.ifelse((days > 0).ifelse(days, 0), None)


def _feature(
    what: str, meaning: str, unit: str, days: int | None = None, group: Group = "payments"
) -> Feature:
    window = f"_{days}d" if days else ""
    spoken = f" in the last {days} days" if days else ""
    return Feature(f"payments_{what}{window}", meaning + spoken, unit, group, "payments", days)


def _amounts(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        paid, total = rolled.last("paid", days), rolled.last("paid_sum", days)
        yield _feature("paid_count", "payments", "payments", days, "usage"), paid
        yield _feature("paid_sum", "money paid", "money", days, "usage"), total
        yield _feature("paid_mean", "mean payment", "money", days, "price"), ratio(total, paid)
        yield (
            _feature("paid_max", "largest payment", "money", days, "price"),
            rolled.last("paid_max", days),
        )
        yield (
            _feature(
                "paid_trend",
                "change of money paid against as long before",
                "log ratio",
                days,
                "usage",
            ),
            rolled.trend("paid_sum", days),
        )
        yield (
            _feature("refunded_sum", "money refunded", "money", days),
            rolled.last("refunded_sum", days),
        )
    paid, total = rolled.ever("paid"), rolled.ever("paid_sum")
    yield (
        _feature("paid_count_ever", "payments since the beginning", "payments", group="usage"),
        paid,
    )
    yield _feature("paid_sum_ever", "money paid since the beginning", "money", group="usage"), total
    yield (
        _feature(
            "last_amount_vs_own", "the last payment against the mean of all", "ratio", group="price"
        ),
        ratio(rolled.ever("last_amount"), np.abs(ratio(total, paid))),
    )
    refunded = rolled.ever("refunded_sum")
    yield (
        _feature("refunded_share_ever", "share of the money paid that was refunded", "share"),
        ratio(refunded, np.maximum(total, refunded)),
    )


def _failures(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        failed = rolled.last("failed", days)
        yield _feature("failed_count", "failed payments", "payments", days), failed
        yield (
            _feature("failed_share", "share of failed payments", "share", days),
            ratio(failed, failed + rolled.last("paid", days)),
        )
    since_failed = rolled.days_since("failed_at")
    since_paid = rolled.days_since("paid_at")
    yield _feature("days_since_failed", "days since the last failed payment", "days"), since_failed
    open_failure = (since_failed < since_paid) | (~np.isnan(since_failed) & np.isnan(since_paid))
    yield (
        _feature("last_failed", "1 when the last payment failed and none came after", "0 or 1"),
        open_failure.astype(np.float64),
    )


def _lateness(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        dated = rolled.last("with_due", days)
        yield (
            _feature("late_share", "share of payments a day or more late", "share", days),
            ratio(rolled.last("late", days), dated),
        )
        yield (
            _feature("days_late_mean", "mean days late", "days", days),
            ratio(rolled.last("days_late_sum", days), dated),
        )
        yield (
            _feature("days_late_max", "most days late", "days", days),
            rolled.last("days_late_max", days),
        )


def _rhythm(rolled: Rolled) -> Iterator[Column]:
    since = rolled.days_since("paid_at")
    yield _feature("days_since_last", "days since the last payment", "days", group="usage"), since
    first, paid = rolled.days_since("first_paid_at"), rolled.ever("paid")
    yield _feature("days_since_first", "days since the first payment", "days", group="usage"), first
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(paid > 1, (first - since) / (paid - 1), np.nan)
        yield _feature("gap_mean", "mean days between payments", "days", group="usage"), gap
        yield (
            _feature(
                "days_since_last_vs_gap",
                "days since the last payment, in usual gaps",
                "ratio",
                group="usage",
            ),
            since / np.maximum(gap, 1.0),
        )
