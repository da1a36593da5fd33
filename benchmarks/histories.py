"""Histories to measure with: a log of usage in time order, with its customers and subscriptions.

Customers sign up over two and a half years and leave at a constant rate; while they are customers
they act at their own pace, a few of them very often. Written day by day, so that 100 million events
need little memory; the same seed gives the same rows. Nothing in them is faulty.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.work import KINDS

FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2025, 12, 31)
EVENTS_A_CUSTOMER = 200
SHARES = (0.4, 0.25, 0.15, 0.1, 0.06, 0.04)
"""Of the kinds of events."""

SIGN_UP_DAYS, MEAN_STAY_DAYS = 900, 830.0
PLANS = {"basic": 9.0, "plus": 19.0, "pro": 49.0}
MICROSECONDS_A_DAY = 86_400_000_000
ROW_GROUP = 122_880
"""Rows of a row group: what DuckDB writes, so that engines can work on several at once."""


def write_histories(folder: Path, events: int, *, seed: int = 4) -> None:
    """Write customers, subscriptions and usage as Parquet files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    customers = max(events // EVENTS_A_CUSTOMER, 1)
    started = np.sort(random.integers(0, SIGN_UP_DAYS, customers))
    stay = np.ceil(random.exponential(MEAN_STAY_DAYS, customers)).astype(np.int64)
    _write_customers(folder, started)
    _write_subscriptions(folder, random, started, started + stay)
    pace = random.lognormal(0.0, 1.0, customers)
    _write_usage(folder / "usage.parquet", random, events, (started, started + stay), pace)


def _write_customers(folder: Path, started: np.ndarray) -> None:
    table = pa.table({"customer_id": np.arange(len(started)), "signed_up_at": _midnights(started)})
    pq.write_table(table, folder / "customers.parquet")


def _write_subscriptions(
    folder: Path, random: np.random.Generator, started: np.ndarray, ended: np.ndarray
) -> None:
    plan = random.integers(0, len(PLANS), len(started))
    running = ended > (LAST_DAY - FIRST_DAY).days
    table = pa.table(
        {
            "customer_id": np.arange(len(started)),
            "subscription_id": np.arange(len(started)),
            "started_at": _midnights(started),
            "ended_at": pa.array(_micros(ended), mask=running).cast(pa.timestamp("us")),
            "plan": np.array(list(PLANS))[plan],
            "price": np.array(list(PLANS.values()))[plan],
        }
    )
    pq.write_table(table, folder / "subscriptions.parquet")


def _write_usage(
    file: Path,
    random: np.random.Generator,
    events: int,
    stay: tuple[np.ndarray, np.ndarray],
    pace: np.ndarray,
) -> None:
    """Day by day: each event belongs to one of that day's customers, by their paces."""
    days = np.arange((LAST_DAY - FIRST_DAY).days + 1)
    started, ended = stay
    ended = np.minimum(ended, len(days))
    change = np.bincount(started, pace, len(days) + 1) - np.bincount(ended, pace, len(days) + 1)
    bustle = np.maximum(np.cumsum(change)[:-1], 0.0)
    counts = random.multinomial(events, bustle / bustle.sum())
    batch: list[pa.Table] = []
    with pq.ParquetWriter(file, SCHEMA) as writer:
        for day, count in zip(days, counts, strict=True):
            there = np.flatnonzero((started <= day) & (day < ended))
            if count:
                batch.append(_one_day(random, int(day), count, there, pace[there]))
            if sum(map(len, batch)) >= ROW_GROUP or (batch and day == days[-1]):
                writer.write_table(pa.concat_tables(batch).combine_chunks(), row_group_size=2**30)
                batch.clear()


SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "occurred_at": pa.timestamp("us"),
        "event": pa.string(),
        "value": pa.float64(),
    }
)


def _one_day(
    random: np.random.Generator, day: int, count: int, there: np.ndarray, pace: np.ndarray
) -> pa.Table:
    upto = np.cumsum(pace)
    drawn = np.searchsorted(upto, random.random(count) * upto[-1], side="right")
    customer = there[np.minimum(drawn, len(there) - 1)]
    moment = np.sort(random.integers(0, MICROSECONDS_A_DAY, count))
    kind = np.searchsorted(np.cumsum(SHARES)[:-1], random.random(count))
    return pa.table(
        [
            customer,
            pa.array(_micros(np.array(day)) + moment).cast(pa.timestamp("us")),
            pa.DictionaryArray.from_arrays(kind, KINDS).cast(pa.string()),
            np.round(random.lognormal(2.0, 1.0, count), 2),
        ],
        schema=SCHEMA,
    )


def _micros(days: np.ndarray) -> np.ndarray:
    return (days + (FIRST_DAY - date(1970, 1, 1)).days) * MICROSECONDS_A_DAY


def _midnights(days: np.ndarray) -> pa.Array:
    return pa.array(_micros(days)).cast(pa.timestamp("us"))


def newest_cutoffs(count: int) -> list[date]:
    """The last firsts of months, up to the day on which the histories end."""
    end = LAST_DAY + timedelta(days=1)
    months = range(end.year * 12 + end.month - count, end.year * 12 + end.month)
    return [date(month // 12, month % 12 + 1, 1) for month in months]
