"""What customers bought: plan, price, term, renewal, notice given, and changes of the price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.catalogue import Feature, Group
from features.departures import KNOWN_FROM, KNOWN_UNTIL, first_versions, in_turn, versions_of
from features.past import Past, Present
from features.reads import CUTOFF, Measure, Read, Roll, State, count
from features.tables import CUSTOMER
from features.telling import Subject

Column = tuple[Feature, np.ndarray]
MONTHS = {"month": 1, "year": 12}

RUNNING = Subject("subscriptions_running", {"now": "subscriptions_running_count"})
AGE = Subject("subscription_age", {"now": "subscriptions_days_since_start"})
PLAN = Subject("plan", {"plan": "subscriptions_plan"})
BILLING = Subject("billing", {"yearly": "subscriptions_is_yearly"})
RENEWAL = Subject(
    "renewal",
    {
        "renews": "subscriptions_auto_renew",
        "until": "subscriptions_days_to_renewal",
        "phase": "subscriptions_term_phase",
        "overdue": "subscriptions_renewal_overdue",
    },
)
NOTICE = Subject(
    "notice", {"given": "subscriptions_notice_given", "until": "subscriptions_days_to_known_end"}
)
PRICE = Subject("price", {"now": "subscriptions_monthly_price"})
BEGUN = Subject(
    "subscriptions_begun",
    {"now": "subscriptions_begun_count_ever", "since": "subscriptions_days_since_first"},
)
CHANGE = Subject(
    "price_change",
    {
        "step": "subscriptions_last_price_change",
        "since": "subscriptions_days_since_price_change",
    },
)


def reads(present: Present) -> dict[str, Read]:
    """The running subscriptions at the cutoffs, all that began, and changes of the price."""
    begun = present.table("subscriptions")
    if "valid_from" in begun.columns:
        # As the first version told, from when it was there.
        begun = first_versions(begun).mutate(available_at=lambda t: t["valid_from"])
    first = Measure("first", "min", lambda t: t["started_at"], ever=True)
    found: dict[str, Read] = {
        "running": State(_main(present, _as_known(present))),
        "begun": Roll(begun, "started_at", [count(ever=True), first]),
    }
    if present.plan.has("subscriptions", "price", "valid_from"):
        found["price changes"] = _changes_of_price(present)
    return found


def columns(past: Past) -> Iterator[Column]:
    """The running subscriptions at the cutoff, as the version known then tells them.

    Of several running ones the dearest is the main one (then the newest): plan, term and renewal
    are its. An end is known only once it has come, or once notice was given.
    """
    state = past.state("running")
    yield from _terms(past, state)
    if "price" in state:
        yield from _price(state)
    yield from _past_ones(past)
    if past.plan.has("subscriptions", "price", "valid_from"):
        yield from _price_changes(past)


def _feature(
    subject: Subject,
    what: str,
    meaning: str,
    unit: str,
    group: Group = "subscription",
    *,
    days: int | None = None,
    actionable: bool = False,
) -> Feature:
    """Plan, price and renewal can be offered anew; dates and what was done before cannot."""
    feature = Feature(f"subscriptions_{what}", meaning, unit, group, "subscriptions", days)
    return subject.of(feature, actionable=actionable)


def _as_known(present: Present) -> Any:
    """Running subscriptions at each cutoff, each in the version that was known then."""
    rows = versions_of(present.table("subscriptions"))
    rows = present.running(rows, start="started_at", end="ended_at")
    known = (rows[KNOWN_FROM] < rows["moment"]) & (
        rows[KNOWN_UNTIL].isnull() | (rows[KNOWN_UNTIL] >= rows["moment"])
    )
    return rows.filter(known)


def _main(present: Present, running: Any) -> Any:
    """One row per customer and cutoff: its main subscription, with totals over all."""
    import ibis

    each = [CUSTOMER, CUTOFF]
    priced = present.plan.has("subscriptions", "price")
    order = [ibis.desc("price", nulls_first=False)] if priced else []
    order += [ibis.desc("started_at"), ibis.asc("subscription_id")]
    everything = ibis.window(group_by=each)
    columns = {"running_count": running.count().over(everything)}
    if priced:
        exact = _monthly(running).cast("decimal(38, 9)")
        columns["monthly_price"] = exact.sum().over(everything).cast("float64")
    rows = running.mutate(
        rank=ibis.row_number().over(ibis.window(group_by=each, order_by=order)), **columns
    )
    wanted = ("plan", "price", "billing_period", "auto_renew", "renews_at", "cancelled_at")
    kept = [name for name in wanted if present.plan.has("subscriptions", name)]
    kept += ["monthly_price"] if priced else []
    return rows.filter(rows["rank"] == 0).select(
        *each, "running_count", "started_at", "ended_at", *kept
    )


def _monthly(rows: Any) -> Any:
    price = rows["price"].cast("float64")
    if "billing_period" not in rows.columns:
        return price
    return (rows["billing_period"] == "year").fill_null(False).ifelse(price / 12, price)


def _terms(past: Past, state: dict[str, np.ndarray]) -> Iterator[Column]:
    started = past.days_from_cutoff(state["started_at"])
    count_now = np.nan_to_num(state["running_count"])
    meaning = "running subscriptions"
    yield _feature(RUNNING, "running_count", meaning, "subscriptions"), count_now
    meaning = "days since the subscription began"
    yield (
        _feature(AGE, "days_since_start", meaning, "days", "profile"),
        -started,
    )
    if "plan" in state:
        yield (
            _feature(PLAN, "plan", "plan", "text", actionable=True),
            past.plan.told_apart("subscriptions.plan", state["plan"]),
        )
    if "billing_period" in state:
        yearly = state["billing_period"] == "year"
        given = np.array([value is not None for value in state["billing_period"]], dtype=bool)
        yield (
            _feature(BILLING, "is_yearly", "1 when billed by the year", "0 or 1", actionable=True),
            np.where(given, yearly.astype(np.float64), np.nan),
        )
    if "auto_renew" in state:
        yield (
            _feature(
                RENEWAL, "auto_renew", "1 when the term renews itself", "0 or 1", actionable=True
            ),
            state["auto_renew"],
        )
    yield from _renewal(past, state, started)
    if "cancelled_at" in state:
        yield from _notice(past, state)


def _renewal(past: Past, state: dict[str, np.ndarray], started: np.ndarray) -> Iterator[Column]:
    """When the running term ends: as the table says, else by the billing period."""
    period = _period_months(state)
    if period is None and "renews_at" not in state:
        return
    until, length = _next_anniversary(past.cutoff_days, started, period)
    if "renews_at" in state and (period is None or past.plan.has("subscriptions", "valid_from")):
        # Without versions the date is the export's: whoever stayed has a later one. The billing
        # period tells the same term without knowing who stayed.
        told = past.days_from_cutoff(state["renews_at"])
        until = np.where(np.isnan(told) | (told < 0), until, told)
        meaning = "1 when the known renewal date has passed"
        yield (
            _feature(RENEWAL, "renewal_overdue", meaning, "0 or 1", actionable=True),
            np.where(np.isnan(told), np.nan, (told < 0).astype(np.float64)),
        )
    yield _feature(RENEWAL, "days_to_renewal", "days until the running term ends", "days"), until
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.where(np.isnan(length), until - started, length)
        phase = np.clip(1 - until / length, 0, 1)
    meaning = "how much of the running term has passed"
    yield _feature(RENEWAL, "term_phase", meaning, "share"), phase
    if "auto_renew" in state:
        not_renewing = np.where(state["auto_renew"] == 0, until, np.nan)
        meaning = "days until the term ends that does not renew itself"
        yield (
            _feature(RENEWAL, "days_to_end_unless_renewed", meaning, "days", actionable=True),
            not_renewing,
        )


def _period_months(state: dict[str, np.ndarray]) -> np.ndarray | None:
    if "billing_period" not in state:
        return None
    return np.array([MONTHS.get(period, np.nan) for period in state["billing_period"]], dtype=float)


def _next_anniversary(
    cutoff: np.ndarray, started: np.ndarray, period: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Days until the next multiple of the billing period since the start, and the term's length.

    A term that began on the 31st is renewed on the last day of a shorter month.
    """
    missing = np.full(len(cutoff), np.nan)
    if period is None:
        return missing, missing
    there = ~np.isnan(period) & ~np.isnan(started)
    until, length = missing.copy(), missing.copy()
    today = cutoff[there].astype(np.int64)
    start = np.floor(cutoff[there] + started[there]).astype(np.int64)
    months = period[there].astype(np.int64)
    month_of, day_of = _month_and_day(start)
    terms = np.maximum((_month_and_day(today)[0] - month_of) // months, 1)
    for _ in range(2):
        due = _day_in_month(month_of + terms * months, day_of)
        terms = np.where(due < today, terms + 1, terms)
    due = _day_in_month(month_of + terms * months, day_of)
    before = _day_in_month(month_of + (terms - 1) * months, day_of)
    until[there] = due - today
    length[there] = due - before
    return until, length


def _month_and_day(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Months since 1970-01, and the day of the month from 0."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64), (dates - months.astype("datetime64[D]")).astype(np.int64)


def _day_in_month(month: np.ndarray, day: np.ndarray) -> np.ndarray:
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.minimum(first + day, following - 1)


def _notice(past: Past, state: dict[str, np.ndarray]) -> Iterator[Column]:
    """Notice given before the cutoff; what was given later is not known yet."""
    given = past.days_from_cutoff(state["cancelled_at"]) < 0
    meaning = "1 when notice was given"
    yield _feature(NOTICE, "notice_given", meaning, "0 or 1"), given.astype(np.float64)
    ends = past.days_from_cutoff(state["ended_at"])
    meaning = "days until the end of which notice was given"
    yield (
        _feature(NOTICE, "days_to_known_end", meaning, "days"),
        np.where(given, ends, np.nan),
    )


def _price(state: dict[str, np.ndarray]) -> Iterator[Column]:
    meaning = "price of all running subscriptions a month"
    yield (
        _feature(PRICE, "monthly_price", meaning, "money", "price", actionable=True),
        state["monthly_price"],
    )


def _past_ones(past: Past) -> Iterator[Column]:
    """Earlier subscriptions, and when the first one began."""
    begun = past.rolled("begun")
    meaning = "subscriptions begun so far"
    yield (
        _feature(BEGUN, "begun_count_ever", meaning, "subscriptions", "profile"),
        begun.ever("count"),
    )
    meaning = "days since the first subscription began"
    yield (
        _feature(BEGUN, "days_since_first", meaning, "days", "profile"),
        begun.days_since("first"),
    )


def _changes_of_price(present: Present) -> Roll:
    """Versions of a subscription whose price differs from the version before.

    Who takes another plan, or is billed by the year from now on, pays for something else: that is
    no change of the price.
    """
    rows = present.table("subscriptions")
    rows = rows.mutate(price=rows["price"].cast("float64"))
    priced = [name for name in ("plan", "billing_period") if name in rows.columns]
    before = {f"previous_{name}": rows[name].lag().over(in_turn(rows)) for name in priced}
    rows = rows.mutate(previous=rows["price"].lag().over(in_turn(rows)), **before)
    rows = rows.filter((rows["previous"] > 0) & (rows["price"] != rows["previous"]))
    for name in priced:
        rows = rows.filter((rows[name] == rows[f"previous_{name}"]).fill_null(True))
    rows = rows.filter(rows["valid_from"].notnull())
    rows = rows.mutate(change=rows["price"] / rows["previous"] - 1)
    measures = [
        Measure("last", "last", lambda t: t["change"]),
        Measure("latest", "max", lambda t: t["valid_from"], ever=True),
    ]
    return Roll(rows, "valid_from", measures)


def _price_changes(past: Past) -> Iterator[Column]:
    changes = past.rolled("price changes")
    since = changes.days_since("latest")
    yield (
        _feature(
            CHANGE,
            "days_since_price_change",
            "days since the price of the same plan changed",
            "days",
            "price",
        ),
        since,
    )
    yield (
        _feature(
            CHANGE,
            "last_price_change",
            "the last change of the price of the same plan",
            "ratio",
            "price",
        ),
        changes.ever("last"),
    )
    for days in past.windows:
        name = f"price_change_{days}d"
        meaning = f"the last change of the price of the same plan, in the last {days} days"
        yield (
            _feature(CHANGE, name, meaning, "ratio", "price", days=days),
            np.nan_to_num(changes.last("last", days)),
        )
