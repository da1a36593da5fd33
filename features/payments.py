"""How customers pay: how much, how regularly, and what failed, came late or is still open.

That somebody buys, how often and how lately, is use; what it costs them is price; only what goes
wrong with a payment is a matter of payments, for which there are other actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs, spoken
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import Measure, Read, Roll, Value, count, count_by
from features.telling import TENURE, Subject

Column = tuple[Feature, np.ndarray]

PAID = Subject(
    "paid",
    {
        "now": "payments_paid_sum_{window}",
        "trend": "payments_paid_trend_{window}",
        "count": "payments_paid_count_{window}",
        "tenure": TENURE,
    },
)
PAID_EVER = Subject(
    "paid_ever", {"now": "payments_paid_sum_ever", "count": "payments_paid_count_ever"}
)
SIZE = Subject(
    "payment_size",
    {
        "mean": "payments_paid_mean_{window}",
        "largest": "payments_paid_max_{window}",
        "vs_own": "payments_last_amount_vs_own",
    },
)
REFUNDS = Subject(
    "refunds",
    {"sum": "payments_refunded_sum_{window}", "share": "payments_refunded_share_ever"},
)
FAILED = Subject(
    "payments_failed",
    {
        "failed": "payments_failed_count_{window}",
        "paid": "payments_paid_count_{window}",
        "open": "payments_last_failed",
        "since": "payments_days_since_failed",
        "run": "payments_failed_run",
        "run_days": "payments_failed_run_days",
        "longest_run": "payments_failed_run_max",
    },
)
LATE = Subject(
    "payments_late",
    {
        "share": "payments_late_share_{window}",
        "mean": "payments_days_late_mean_{window}",
        "largest": "payments_days_late_max_{window}",
    },
)
SILENCE = Subject(
    "payments_silence",
    {
        "since": "payments_days_since_last",
        "gap": "payments_gap_mean",
        "longest": "payments_gap_max",
    },
)
FIRST = Subject("payments_first", {"now": "payments_days_since_first"})
METHOD = Subject("payment_method", {"share": "payments_method_{slug}_share"})


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
        meaning, word = f"share of payments, tried or made, by {quoted(method)}", spoken(method)
        yield (
            _feature(METHOD, f"method_{name}_share", meaning, "share", slug=name, method=word),
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
    subject: Subject,
    what: str,
    meaning: str,
    unit: str,
    days: int | None = None,
    group: Group = "payments",
    **told: Any,
) -> Feature:
    window = f"_{days}d" if days else ""
    meaning += f" in the last {days} days" if days else ""
    feature = Feature(f"payments_{what}{window}", meaning, unit, group, "payments", days)
    return subject.of(feature, **told)


def _amounts(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        paid, total = rolled.last("paid", days), rolled.last("paid_sum", days)
        yield _use(PAID, "paid_count", "payments", "payments", days), paid
        yield _use(PAID, "paid_sum", "money paid", "money", days), total
        yield (
            _feature(SIZE, "paid_mean", "mean payment", "money", days, "price"),
            ratio(total, paid),
        )
        yield (
            _feature(SIZE, "paid_max", "largest payment", "money", days, "price"),
            rolled.last("paid_max", days),
        )
        yield (
            _use(
                PAID, "paid_trend", "change of money paid against as long before", "log ratio", days
            ),
            rolled.trend("paid_sum", days),
        )
        yield (
            _feature(REFUNDS, "refunded_sum", "money refunded", "money", days),
            rolled.last("refunded_sum", days),
        )
    paid, total = rolled.ever("paid"), rolled.ever("paid_sum")
    yield _so_far("paid_count_ever", "payments since the beginning", "payments"), paid
    yield _so_far("paid_sum_ever", "money paid since the beginning", "money"), total
    meaning = "the last payment against the mean of all"
    yield (
        _feature(SIZE, "last_amount_vs_own", meaning, "ratio", None, "price"),
        ratio(rolled.ever("last_amount"), np.abs(ratio(total, paid))),
    )
    refunded = rolled.ever("refunded_sum")
    yield (
        _feature(
            REFUNDS, "refunded_share_ever", "share of the money paid that was refunded", "share"
        ),
        ratio(refunded, np.maximum(total, refunded)),
    )


def _use(subject: Subject, what: str, meaning: str, unit: str, days: int | None = None) -> Feature:
    """That somebody buys: as with all use, what is bought in the weeks to come moves it."""
    return _feature(subject, what, meaning, unit, days, "usage", actionable=True)


def _so_far(what: str, meaning: str, unit: str) -> Feature:
    return _feature(PAID_EVER, what, meaning, unit, None, "usage")


def _failures(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        failed = rolled.last("failed", days)
        yield _feature(FAILED, "failed_count", "failed payments", "payments", days), failed
        meaning = "share of failed payments"
        yield (
            _feature(FAILED, "failed_share", meaning, "share", days, actionable=True),
            ratio(failed, failed + rolled.last("paid", days)),
        )
    since_failed = rolled.days_since("failed_at")
    since_paid = rolled.days_since("paid_at")
    meaning = "days since the last failed payment"
    yield _feature(FAILED, "days_since_failed", meaning, "days"), since_failed
    open_failure = (since_failed < since_paid) | (~np.isnan(since_failed) & np.isnan(since_paid))
    meaning = "1 when the last payment failed and none came after"
    yield (
        _feature(FAILED, "last_failed", meaning, "0 or 1", actionable=True),
        open_failure.astype(np.float64),
    )


def _lateness(past: Past, rolled: Rolled) -> Iterator[Column]:
    for days in past.windows:
        dated = rolled.last("with_due", days)
        meaning = "share of payments a day or more late"
        yield (
            _feature(LATE, "late_share", meaning, "share", days, actionable=True),
            ratio(rolled.last("late", days), dated),
        )
        yield (
            _feature(LATE, "days_late_mean", "mean days late", "days", days, actionable=True),
            ratio(rolled.last("days_late_sum", days), dated),
        )
        yield (
            _feature(LATE, "days_late_max", "most days late", "days", days),
            rolled.last("days_late_max", days),
        )


def _rhythm(rolled: Rolled) -> Iterator[Column]:
    since = rolled.days_since("paid_at")
    yield _use(SILENCE, "days_since_last", "days since the last payment", "days"), since
    first, paid = rolled.days_since("first_paid_at"), rolled.ever("paid")
    meaning = "days since the first payment"
    yield _feature(FIRST, "days_since_first", meaning, "days", None, "usage"), first
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(paid > 1, (first - since) / (paid - 1), np.nan)
        meaning = "mean days between payments"
        yield _feature(SILENCE, "gap_mean", meaning, "days", None, "usage"), gap
        meaning = "days since the last payment, in usual gaps"
        yield (
            _use(SILENCE, "days_since_last_vs_gap", meaning, "ratio"),
            since / np.maximum(gap, 1.0),
        )
