"""From when until when histories tell what happened: where their thin ends are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.guess_counts import Counted, day_number, days_of, to_date

THIN = 0.1
"""A week with less than this share of the usual events no longer shows what customers do."""
LONG_TAIL_DAYS = 14
TAIL_ROWS = 0.02
RUNNING = 0.05
"""Where fewer subscriptions than this have no end, ends are terms, booked ahead."""


@dataclass(frozen=True)
class Reach:
    """From when until when the histories tell what happened, in days since 1970.

    ``begin`` and ``end`` are the usual ones: outside, a few strays remain. ``first`` and ``last``
    are what is read without a word in the config.
    """

    first: int
    last: int
    begin: int
    end: int
    why_end: str = ""
    why_begin: str = ""


def find_reach(counted: Counted) -> Reach | None:
    """Where the histories begin and end, strays apart."""
    happened = [name for name in ("usage", "payments", "tickets") if name in counted.events]
    more = [name for name in ("surveys", "churned") if name in counted.tables]
    booked = [name for name in ("customers", "subscriptions") if name in counted.tables]
    lasting = [*happened, *more] if happened else [*more, *booked]
    accounts = [counted.accounts[name] for name in lasting if counted.accounts[name].last]
    if not accounts:
        return None
    last = max(day_number(account.last) for account in accounts if account.last)
    starting = happened or booked or more
    firsts = [counted.accounts[name].first for name in starting]
    first = min(day_number(day) for day in firsts if day)
    if not happened and "subscriptions" in counted.tables and not more:
        return _booked_reach(counted, first, last)
    return _usual_reach(counted, happened or more or booked, first, last)


def _booked_reach(counted: Counted, first: int, last: int) -> Reach:
    """Where only subscriptions tell: ends may be booked for later, starts hardly ever are.

    Where some subscriptions have no end, they run, and the ends of the others are real.
    """
    ended, running = counted.fetch("SELECT max(ended), avg((ended IS NULL)::INT) FROM spans")[0]
    if ended is None or ended <= last + LONG_TAIL_DAYS or running > RUNNING:
        return Reach(first, max(last, ended or last), first, max(last, ended or last))
    why = f"the last one starts then; some end as late as {to_date(ended)}"
    return Reach(first, ended, first, last + 1, why)


def _usual_reach(counted: Counted, names: Sequence[str], first: int, last: int) -> Reach:
    """Without the thin ends: weeks with a small part of the usual events."""
    union = " UNION ALL ".join(
        f"SELECT day, rows FROM {days_of(name)} WHERE reason IS NULL" for name in names
    )
    # Weeks begin on Mondays; 1970-01-05 was one.
    weekly = counted.fetch(
        f"SELECT (day - 4) // 7 AS week, sum(rows), max(day), min(day) FROM ({union}) "
        "GROUP BY week ORDER BY week"
    )
    every = sum(rows for _, rows, _, _ in weekly)
    usual = sorted(rows for _, rows, _, _ in weekly)[len(weekly) // 2]
    full = [week for week in weekly if week[1] >= THIN * usual]
    end, begin = full[-1][2] + 1, full[0][3]
    after = sum(rows for _, rows, newest, _ in weekly if newest >= end)
    before = sum(rows for _, rows, _, oldest in weekly if oldest < begin)
    thin_end = last - end >= LONG_TAIL_DAYS and after <= TAIL_ROWS * every
    thin_begin = begin - first >= LONG_TAIL_DAYS and before <= TAIL_ROWS * every
    told = f"of {every:,} rows in {' and '.join(names)}"
    return Reach(
        first,
        last,
        begin if thin_begin else first,
        end if thin_end else last,
        f"only {after:,} {told} are later, the last on {to_date(last)}" if thin_end else "",
        f"only {before:,} {told} are earlier, the first on {to_date(first)}" if thin_begin else "",
    )
