"""From when until when histories tell what happened: where their thin ends are cut off.

Strays of a wrong clock are aside already (`features.coverage`); what is cut off here are the weeks
in which hardly anything happens any more, and terms that are booked ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from features.coverage import HAPPENED, TOLD, pool
from features.departures import latest_versions
from features.histories import Histories
from features.timeline import EPOCH, day_number

THIN = 0.1
"""A week with less than this share of the usual events no longer shows what customers do."""
LONG_TAIL_DAYS = 14
TAIL_ROWS = 0.02
RUNNING = 0.05
"""Where fewer subscriptions than this have no end, ends are terms, booked ahead."""


@dataclass(frozen=True)
class Reach:
    """From when until when the histories tell what happened, in days since 1970.

    The reasons are empty where that is what is read without a word in the config.
    """

    begin: int
    end: int
    why_begin: str = ""
    why_end: str = ""


def to_date(number: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=int(number))


def find_reach(histories: Histories) -> Reach:
    """Where the histories begin and end, thin ends apart."""
    begin, end = histories.observed_from.date(), histories.observed_until.date()
    reach = Reach(day_number(begin), day_number(end))
    happened = [name for name in HAPPENED if name in histories.tables]
    told = [name for name in TOLD if name in histories.tables]
    if "subscriptions" in histories.tables and not happened and not told:
        return _without_booked(histories, reach)
    return _without_thin_ends(histories, happened or told, reach)


def _without_booked(histories: Histories, reach: Reach) -> Reach:
    """Where only subscriptions tell: ends may be booked for later, starts hardly ever are.

    Where some subscriptions have no end, they run, and the ends of the others are real.
    """
    rows = latest_versions(histories.tables["subscriptions"])
    figures = rows.aggregate(
        started=rows["started_at"].max(),
        ended=rows["ended_at"].max(),
        running=rows["ended_at"].isnull().mean(),
    )
    found = histories.engine.to_pyarrow(figures).to_pylist()[0]
    last, ended = found["started"].date(), found["ended"] and found["ended"].date()
    if not ended or (ended - last).days <= LONG_TAIL_DAYS or found["running"] > RUNNING:
        return reach
    why = f"the last one starts then; some end as late as {ended}"
    return replace(reach, end=day_number(last) + 1, why_end=why)


def _without_thin_ends(histories: Histories, names: Sequence[str], reach: Reach) -> Reach:
    """Without the weeks at the ends that have a small part of the usual events."""
    parts = [d for name in names if (d := histories.accounts[name].daily) is not None]
    if not parts:
        return reach
    daily = pool(parts)
    # Weeks begin on Mondays; 1970-01-05 was one.
    weeks, week = np.unique((daily.days - 4) // 7, return_inverse=True)
    weekly = np.bincount(week, daily.rows)
    full = weeks[weekly >= THIN * np.sort(weekly)[len(weekly) // 2]]
    inside = daily.days[(weeks[week] >= full[0]) & (weeks[week] <= full[-1])]
    begin, end = int(inside[0]), int(inside[-1]) + 1
    before, after = (
        int(daily.rows[outside].sum()) for outside in (daily.days < begin, daily.days >= end)
    )
    every = int(daily.rows.sum())
    told = f"of {every:,} rows in {' and '.join(names)}"
    if begin - reach.begin >= LONG_TAIL_DAYS and before <= TAIL_ROWS * every:
        why = f"only {before:,} {told} are earlier, the first on {to_date(daily.days[0])}"
        why = why if before else f"{' and '.join(names)} begins on {to_date(begin)}"
        reach = replace(reach, begin=begin, why_begin=why)
    if reach.end - end >= LONG_TAIL_DAYS and after <= TAIL_ROWS * every:
        why = f"only {after:,} {told} are later, the last on {to_date(daily.days[-1])}"
        reach = replace(reach, end=end, why_end=why)
    return reach
