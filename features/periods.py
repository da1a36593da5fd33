"""Calendar periods: months, quarters and years on the histories' own clock."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from features.errors import UsageError

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""How long periods may be, in months."""
MOST_PERIODS = 1200
LAST_YEAR = 9998


@dataclass(frozen=True, order=True)
class Period:
    """The days from `start` up to, without it, `end`; both begin a month."""

    start: date
    end: date


def period_name(start: date, every: str) -> str:
    """What people call the period that begins on a day: 2025-03, 2025 Q1, 2025."""
    if every == "quarter":
        return f"{start.year} Q{(start.month + 2) // 3}"
    return str(start)[: 4 if every == "year" else 7]


def refuse_unknown(every: str) -> None:
    """Stop at a length that no calendar has.

    Raises
    ------
    UsageError
        When it is neither month, quarter nor year.
    """
    if every in MONTHS:
        return
    near = difflib.get_close_matches(every.lower(), MONTHS, n=1)
    raise UsageError(
        f"There are no periods of a {every!r}.",
        where="--every",
        value=repr(every),
        allowed=", ".join(MONTHS),
        fix=f"--every {near[0] if near else 'month'}",
    )


def calendar(every: str, first: date, until: date) -> list[Period]:
    """The periods from the one with the day `first` to the last that begins before `until`.

    Raises
    ------
    UsageError
        When there is none, there are more than anybody reads, or they leave the calendar.
    """
    if first >= until:
        raise UsageError(
            "The first day does not lie before the last.",
            where="--from, --to",
            value=f"from {first} to {until}",
            allowed="a first day before the day at which the periods stop",
            fix="exchange them, or leave one out",
        )
    months = MONTHS[every]
    begin, stop = _number(first) // months * months, _number(until)
    if stop - begin > MOST_PERIODS * months or until.year > LAST_YEAR:
        raise UsageError(
            f"More than {MOST_PERIODS:,} periods, or beyond the year {LAST_YEAR}.",
            where="--from, --to, --every",
            value=f"from {first} to {until}, every {every}",
            allowed=f"at most {MOST_PERIODS:,} periods",
            fix="choose a shorter time, or longer periods",
        )
    return list(_between(begin, until, months))


def _between(month: int, until: date, months: int) -> Iterator[Period]:
    while (start := _month(month)) < until:
        month += months
        yield Period(start, _month(month))


def before(period: Period, every: str) -> Period:
    """The period before one."""
    return Period(_month(_number(period.start) - MONTHS[every]), period.start)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
