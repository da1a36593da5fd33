"""What the business would have written down of a simulated world: the contract's tables.

Nothing that only the simulator knows gets in here. Rows are in order of time, no row lies at or
after the end of the history or of its customer, and what was not yet known is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.world import (
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    DAY,
    METHODS,
    NEVER,
    PLANS,
    PRIORITIES,
    RETRY_DAYS,
    SEGMENTS,
    SETUP_STEPS,
    Array,
    Calendar,
    People,
)

EVENTS = ("login", "report", "export", "share", "api_call", "setup_step")
# Shares of a customer's usage, and the median of `value`: minutes, for api_call calls.
EVENT_MIX = {"consumer": (0.60, 0.20, 0.08, 0.12, 0.0), "business": (0.42, 0.2, 0.12, 0.1, 0.16)}
EVENT_VALUE = np.array([9.0, 6.0, 2.0, 1.5, 60.0, 5.0])
# A share of the day's rows, Monday first.
WEEK = {"consumer": (1.0, 0.95, 0.95, 1.0, 1.05, 1.2, 1.15), "business": (1.2,) * 5 + (0.2, 0.15)}


@dataclass(frozen=True)
class History:
    """A simulated world after its last month; (months, customers) where not said otherwise."""

    people: People
    calendar: Calendar
    ended: Array  # (customers,) instant, NEVER: still running
    cancelled: Array  # (customers,) instant of the notice, NEVER: none
    level: Array  # log of the engagement throughout the month
    satisfaction: Array  # 0..10, at the first of the month
    changes: list[dict[str, Array]]
    rounds: list[dict[str, Array]]
    tickets: list[dict[str, Array]]
    lifts: list[dict[str, Array]]  # set-up steps made up for, from an instant on


def instants(seconds: Array) -> pa.Array:
    """Timestamps without a zone; null for NEVER."""
    return pa.array(seconds.astype("datetime64[s]"), pa.timestamp("us"), mask=seconds >= NEVER)


def texts(names: tuple[str, ...], codes: Array) -> pa.Array:
    """The names that the codes stand for."""
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(names)).cast(pa.string())


def ids(prefix: str, numbers: Array, width: int = 6) -> pa.Array:
    """Such as C000123."""
    distinct, where = np.unique(numbers, return_inverse=True)
    return texts(tuple(f"{prefix}{n:0{width}d}" for n in distinct), where)


def numbers(values: Array, *, kind: Any = None, known: Array | None = None) -> pa.Array:
    """Numbers, null where they are not known."""
    hidden = np.zeros(len(values), bool) if known is None else ~known
    return pa.array(np.where(hidden, 0, values).astype(values.dtype), mask=hidden).cast(
        kind or pa.from_numpy_dtype(values.dtype)
    )


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows(columns: Mapping[str, Array], keep: Array, time: str) -> dict[str, Array]:
    """The rows to keep, in order of time, then of customer."""
    kept = {name: values[keep] for name, values in columns.items()}
    order = np.lexsort((kept["customer"], kept[time]))
    return {name: values[order] for name, values in kept.items()}


def _last_moment(history: History, customer: Array) -> Array:
    """Rows of these customers lie before: the end of the customer or of the history."""
    return np.minimum(history.ended[customer], history.calendar.end)


def customers(history: History, rng: np.random.Generator) -> pa.Table:
    """One row per customer: attributes known at sign-up."""
    people = history.people
    who = np.flatnonzero(people.started < history.calendar.end)
    size, business = people.company_size[who], people.business[who]
    columns = {
        "customer_id": ids("C", who),
        "signed_up_at": instants(people.started[who]),
        "contact_allowed": pa.array(people.contact_allowed[who]),
        "segment": texts(SEGMENTS, business),
        "country": texts(COUNTRIES, people.country[who]),
        "channel": texts(CHANNELS, people.channel[who]),
        "company_size": numbers(size, kind=pa.int64(), known=business),
    }
    return pa.table(columns)


def subscriptions(history: History, rng: np.random.Generator) -> pa.Table:
    """One subscription per customer, a row per version; the last one knows of the end."""
    people = history.people
    changes = pd.DataFrame(_joined(history.changes))
    changes = changes[changes["valid_from"] < history.calendar.end]
    changes = changes.sort_values(["customer", "valid_from"], kind="stable")
    filled = changes.groupby("customer")[["price", "auto_renew", "renews_at"]].ffill()
    versions = changes[["customer", "valid_from"]].join(filled)
    versions = versions.drop_duplicates(["customer", "valid_from"], keep="last")
    who = versions["customer"].to_numpy()
    last = ~versions.duplicated("customer", keep="last").to_numpy()
    renews_at = versions["renews_at"].fillna(NEVER).to_numpy().astype(np.int64)
    columns = {
        "customer_id": ids("C", who),
        "subscription_id": ids("S", who),
        "started_at": instants(people.started[who]),
        "ended_at": instants(np.where(last, history.ended[who], NEVER)),
        "plan": texts(PLANS, people.plan[who]),
        "price": pa.array(versions["price"].to_numpy()),
        "billing_period": texts(("month", "year"), people.year[who]),
        "auto_renew": pa.array(versions["auto_renew"].to_numpy() > 0),
        "renews_at": instants(renews_at),
        "cancelled_at": instants(np.where(last, history.cancelled[who], NEVER)),
        "valid_from": instants(versions["valid_from"].to_numpy()),
    }
    return pa.table(columns)


def payments(history: History, rng: np.random.Generator) -> pa.Table:
    """A row per attempt to collect an invoice, and the occasional refund."""
    rounds = _joined(history.rounds)
    tries = np.minimum(rounds["attempt"] + 1, len(RETRY_DAYS))
    rows = {name: np.repeat(values, tries) for name, values in rounds.items()}
    number = np.arange(len(rows["run"])) - np.repeat(np.cumsum(tries) - tries, tries)
    rows["at"] = rows["run"] + RETRY_DAYS[number] * DAY
    rows["status"] = np.where(number == rows["attempt"], 0, 1)  # paid, failed
    made = rows["at"] < rows["until"]
    rows, number = {name: values[made] for name, values in rows.items()}, number[made]
    refunded = (rows["status"] == 0) & (rng.random(len(number)) < 0.006)
    refunds = {name: values[refunded] for name, values in rows.items()}
    refunds["at"] = refunds["at"] + rng.integers(DAY, 12 * DAY, refunded.sum())
    refunds["status"] = np.full(refunded.sum(), 2)
    rows = _joined([rows, refunds])
    rows = _rows(rows, rows["at"] < _last_moment(history, rows["customer"]), "at")
    columns = {
        "customer_id": ids("C", rows["customer"]),
        "occurred_at": instants(rows["at"]),
        "amount": pa.array(rows["amount"]),
        "status": texts(("paid", "failed", "refunded"), rows["status"]),
        "invoice_id": ids("I", rows["customer"] * 1000 + rows["invoice"], 9),
        "due_at": instants(rows["due_at"]),
        "method": texts(METHODS, history.people.method[rows["customer"]]),
    }
    return pa.table(columns)


def tickets(history: History, rng: np.random.Generator) -> pa.Table:
    """One row per ticket; a close that the customer or the history did not see is null."""
    rows = _joined(history.tickets)
    rows = _rows(rows, rows["opened"] < _last_moment(history, rows["customer"]), "opened")
    end = _last_moment(history, rows["customer"])
    closed = rows["closed"] < end
    columns = {
        "customer_id": ids("C", rows["customer"]),
        "ticket_id": ids("T", np.arange(len(closed)), 7),
        "opened_at": instants(rows["opened"]),
        "closed_at": instants(np.where(closed, rows["closed"], NEVER)),
        "category": texts(CATEGORIES, rows["category"]),
        "priority": texts(PRIORITIES, rows["priority"]),
        "csat": numbers(rows["csat"], kind=pa.int64(), known=closed & ~np.isnan(rows["csat"])),
        "first_response_at": instants(np.where(rows["responded"] < end, rows["responded"], NEVER)),
        "reopened": pa.array(rows["reopened"]),
    }
    return pa.table(columns)


def surveys(history: History, rng: np.random.Generator) -> pa.Table:
    """Answers to a few questions a year: noisy readings of satisfaction, causes of nothing."""
    first, people = history.calendar.first, history.people
    nps = rng.random(history.satisfaction.shape) < 0.08
    csat = rng.random(history.satisfaction.shape) < 0.04
    month, who = np.nonzero(nps | csat)
    asked_nps = nps[month, who]
    score = history.satisfaction[month, who] + rng.normal(0, 1.3, len(who))
    rows = {
        "customer": who,
        "at": rng.integers(first[month], first[month + 1]),
        "nps": asked_nps,
        "score": np.where(
            asked_nps, np.clip(np.round(score), 0, 10), np.clip(np.round(score / 2), 1, 5)
        ),
    }
    begun = rows["at"] >= people.started[who]
    rows = _rows(rows, begun & (rows["at"] < _last_moment(history, who)), "at")
    columns = {
        "customer_id": ids("C", rows["customer"]),
        "occurred_at": instants(rows["at"]),
        "kind": texts(("csat", "nps"), rows["nps"]),
        "score": numbers(rows["score"], kind=pa.int64()),
    }
    return pa.table(columns)


def usage(history: History, rng: np.random.Generator) -> Iterator[pa.Table]:
    """A table per month, as this one can be larger than memory."""
    setup = _setup_steps(history, rng)
    for month in range(history.calendar.months):
        regular = _month_of_usage(history, month, rng)
        begin, end = history.calendar.first[month : month + 2]
        now = (setup["at"] >= begin) & (setup["at"] < end)
        rows = _joined([regular, {name: values[now] for name, values in setup.items()}])
        begun = rows["at"] >= history.people.started[rows["customer"]]
        rows = _rows(rows, begun & (rows["at"] < _last_moment(history, rows["customer"])), "at")
        value = EVENT_VALUE[rows["event"]] * np.exp(rng.normal(0, 0.6, len(rows["at"])))
        value *= np.exp(0.5 * history.level[month, rows["customer"]])
        columns = {
            "customer_id": ids("C", rows["customer"]),
            "occurred_at": instants(rows["at"]),
            "event": texts(EVENTS, rows["event"]),
            "value": pa.array(np.where(rows["event"] == 4, np.ceil(value), np.round(value, 1))),
        }
        yield pa.table(columns)


def _setup_steps(history: History, rng: np.random.Generator) -> dict[str, Array]:
    """Steps of the set-up, most of them in the first days; the fewer, the worse the onboarding."""
    people = history.people
    steps = rng.binomial(SETUP_STEPS, people.onboarding)
    who = np.repeat(np.arange(len(steps)), steps)
    days = np.minimum(rng.exponential(4.0, len(who)), 29.0)
    at = people.started[who] + (days * DAY).astype(np.int64)
    parts = [{"customer": who, "at": at}, *(_later_steps(lift, rng) for lift in history.lifts)]
    rows = _joined(parts)
    return {**rows, "event": np.full(len(rows["at"]), EVENTS.index("setup_step"))}


def _later_steps(lift: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """The steps that an onboarding programme makes up for, in its first days."""
    who = np.repeat(lift["customer"], lift["steps"])
    days = np.minimum(rng.exponential(4.0, len(who)), 29.0)
    return {"customer": who, "at": np.repeat(lift["at"], lift["steps"]) + (days * DAY).astype(int)}


def _month_of_usage(history: History, month: int, rng: np.random.Generator) -> dict[str, Array]:
    """Counts per customer and kind of event, spread over the days of the month."""
    people, calendar = history.people, history.calendar
    present = (people.start_month <= month) & (history.ended > calendar.first[month])
    who = np.flatnonzero(present)
    newcomer = np.where(month - people.start_month <= 2, 0.4 + 0.6 * people.onboarding, 1.0)
    dip, peak = {7: 0.88, 8: 0.82}, {12: 1.2}
    of_year = calendar.month_of_year(month)
    season = np.where(people.business, dip.get(of_year, 1.0), peak.get(of_year, 1.0))
    mean = (people.norm * newcomer * season * np.exp(history.level[month]))[who]
    mix = np.array([EVENT_MIX[name] for name in SEGMENTS])[people.business[who].astype(int)]
    counts = rng.poisson(mean[:, None] * mix)
    customer = np.repeat(who, counts.sum(axis=1))
    event = np.repeat(np.tile(np.arange(mix.shape[1]), len(who)), counts.ravel())
    at = np.empty(len(customer), np.int64)
    for segment, name in enumerate(SEGMENTS):
        chosen = people.business[customer] == segment
        at[chosen] = _moments(calendar, month, WEEK[name], chosen.sum(), rng)
    return {"customer": customer, "at": at, "event": event}


def _moments(
    calendar: Calendar, month: int, week: tuple[float, ...], count: int, rng: np.random.Generator
) -> Array:
    """Instants in a month: days after the pattern of the week, hours around the afternoon."""
    begin, end = calendar.first[month : month + 2]
    days = np.arange(begin, end, DAY)
    weight = np.array(week)[(days // DAY + 3) % 7]  # 1970-01-01 was a Thursday
    day = rng.choice(days, count, p=weight / weight.sum())
    hour = np.clip(rng.normal(14.5, 3.5, count), 0, 23.99)
    return np.asarray(day + (hour * 3600).astype(np.int64))


TABLES: dict[str, Callable[[History, np.random.Generator], pa.Table | Iterator[pa.Table]]] = {
    "customers": customers,
    "subscriptions": subscriptions,
    "usage": usage,
    "payments": payments,
    "tickets": tickets,
    "surveys": surveys,
}
