"""Since when and up to when histories tell what happened, whatever a few wrong clocks say.

One row dated 2099 would make everybody a churner, since nobody acts between now and then. So the
span is read off the days on which much happens: a few rows that lie far before or after all others,
across a silence much longer than any between them, are strays. They stay where they are; `churn
check` tells of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from features.contract import Account, Daily
from features.tables import TABLES

if TYPE_CHECKING:
    import ibis

    from features.engines import Engine

FEWEST_ROWS = 100
"""With fewer rows nothing can be told apart from strays."""
MOST_STRAYS = 3
MOST_STRAY_SHARE = 0.001
SILENCE_DAYS = 30
SILENCE_TIMES = 5
"""Strays lie further off than so many days, and than so many times the longest usual silence."""

HAPPENED = ("usage", "payments", "tickets")
"""Tables of what happened: where there is one, what was booked ahead does not count."""
TOLD = ("surveys", "churned")
FILLED_IN = (("tickets", "closed_at"), ("subscriptions", "cancelled_at"))
"""Columns that are filled in as things happen."""


@dataclass(frozen=True)
class Core:
    """The usual days of a table, strays aside; first and last as days since 1970-01-01."""

    first: int
    last: int
    longest_silence: int


def core_of(daily: Daily) -> Core:
    """The span of the days on which something usually happened. There must be at least one."""
    days, rows = daily.days, daily.rows
    total = int(rows.sum())
    if total < FEWEST_ROWS:
        return Core(int(days[0]), int(days[-1]), _longest(days))
    strays = max(MOST_STRAYS, int(MOST_STRAY_SHARE * total))
    so_far = np.cumsum(rows)
    low = int(np.searchsorted(so_far, strays, side="right"))
    high = int(np.searchsorted(so_far, total - strays, side="left"))
    low, high = min(low, high), max(low, high)
    silence = _longest(days[low : high + 1])
    far = max(SILENCE_DAYS, SILENCE_TIMES * silence)
    while high + 1 < len(days) and days[high + 1] - days[high] <= far:
        high += 1
    while low > 0 and days[low] - days[low - 1] <= far:
        low -= 1
    return Core(int(days[low]), int(days[high]), silence)


def _longest(days: np.ndarray) -> int:
    """The longest gap between two days that follow each other; 1 where there is none."""
    return int(np.diff(days).max(initial=1))


def span_of(
    engine: Engine, tables: Mapping[str, ibis.Table], accounts: Mapping[str, Account]
) -> tuple[datetime, datetime]:
    """The first and the last moment at which something is known to have happened.

    Subscriptions may be booked for later and end later still, so their times and those of the
    customers count only where no events tell how far the histories reach.
    """
    parts = [
        daily
        for name, column in _columns(tables)
        if (daily := _daily(engine, tables[name], name, column, accounts)) is not None
    ]
    pooled = pool(parts)
    core = core_of(pooled)
    inside = pooled.last[(pooled.days >= core.first) & (pooled.days <= core.last)]
    begin = np.datetime64(core.first, "D").astype("datetime64[us]").astype(datetime)
    return begin, inside.max().astype(datetime)


def _columns(tables: Mapping[str, ibis.Table]) -> list[tuple[str, str]]:
    """Table and column of every time that tells how far the histories reach."""
    happened = {name for name in HAPPENED if name in tables}
    booked = ("customers", "subscriptions", "contacts") if happened else ()
    columns = [(name, table.time) for name, table in TABLES.items() if name not in booked]
    columns += FILLED_IN
    if not happened and not any(name in tables for name in TOLD):
        columns.append(("subscriptions", "ended_at"))
    return [(name, c) for name, c in columns if name in tables and c in tables[name].columns]


def _daily(
    engine: Engine,
    rows: ibis.Table,
    name: str,
    column: str,
    accounts: Mapping[str, Account],
) -> Daily | None:
    if column == TABLES[name].time and name in accounts:
        daily = accounts[name].daily
    else:
        daily = _counted(engine, rows, column)
    return daily if daily is not None and len(daily.days) else None


def _counted(engine: Engine, rows: ibis.Table, column: str) -> Daily:
    given = rows.filter(rows[column].notnull())
    counted = given.group_by(day=given[column].date()).agg(
        rows=given.count(), last=given[column].max()
    )
    found = engine.to_pyarrow(counted.order_by("day"))
    return Daily(
        days=found["day"].to_numpy().astype("datetime64[D]").astype(np.int64),
        rows=found["rows"].to_numpy(),
        last=found["last"].to_numpy().astype("datetime64[us]"),
    )


def pool(parts: list[Daily]) -> Daily:
    """Several tables as one."""
    days = np.concatenate([part.days for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    last = np.concatenate([part.last for part in parts])
    found, where = np.unique(days, return_inverse=True)
    latest = np.full(len(found), np.datetime64(0, "us"))
    order = np.argsort(last, kind="stable")
    latest[where[order]] = last[order]
    return Daily(found, np.bincount(where, weights=rows).astype(np.int64), latest)
