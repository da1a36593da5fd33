"""Prediction points: which cutoffs, which customers at each, their labels, and who is left out.

Every customer known at a cutoff is accounted for: it is a point, or it is counted under the reason
why it is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from features.churn import Definition, Standing, Standings
from features.cut import Points
from features.errors import TooLittleData, UsageError
from features.histories import Histories
from features.timeline import EPOCH, day_number

Every = Literal["month", "week"] | int
UNKNOWN = np.int8(-1)
"""The label of a point whose window the histories do not cover yet."""


@dataclass(frozen=True)
class CutoffCount:
    """What became of the customers known at one cutoff."""

    cutoff: date
    known: int
    points: int
    churned: int | None
    not_active: int
    below_min_tenure: int
    left_in_lead: int


@dataclass(frozen=True)
class LabelledPoints:
    """Prediction points of some cutoffs.

    Attributes
    ----------
    cutoffs
        The dates; `points.cutoff` holds indices into them.
    churned
        Per point 1, 0, or `UNKNOWN`; int8.
    counts
        Per cutoff, who is a point and who is left out, and why.
    """

    cutoffs: tuple[date, ...]
    points: Points
    churned: np.ndarray
    counts: tuple[CutoffCount, ...]

    def __len__(self) -> int:
        return len(self.points)

    def some(self, kept: np.ndarray) -> LabelledPoints:
        """Some of the points, by a mask or by positions; the counts stay those of all."""
        points = Points(self.points.cutoff[kept], self.points.customer[kept])
        return LabelledPoints(self.cutoffs, points, self.churned[kept], self.counts)


def make_points(
    histories: Histories,
    definition: Definition,
    cutoffs: Sequence[date],
    *,
    min_tenure_days: int = 0,
    labels: bool = True,
) -> LabelledPoints:
    """Every customer active at each cutoff, with its label where the histories tell it.

    Without ``labels`` nothing after the cutoffs is looked at, and who leaves during the lead
    stays in: at scoring time nobody knows.

    Raises
    ------
    TooLittleData
        When none of the cutoffs has a customer.
    """
    cutoffs = tuple(sorted(set(cutoffs)))
    standings = Standings(histories, definition, cutoffs)
    parts = [
        _at(standings.at(index), cutoff, min_tenure_days, labels=labels)
        for index, cutoff in enumerate(cutoffs)
    ]
    customers = [customers for customers, _, _ in parts]
    result = LabelledPoints(
        cutoffs=cutoffs,
        points=Points(
            cutoff=np.repeat(np.arange(len(cutoffs), dtype=np.int32), [len(c) for c in customers]),
            customer=np.concatenate(customers).astype(np.int32),
        ),
        churned=np.concatenate([labels for _, labels, _ in parts]),
        counts=tuple(counts for _, _, counts in parts),
    )
    if not len(result):
        raise _nobody(histories, definition, cutoffs, min_tenure_days)
    return result


def _at(
    standing: Standing, cutoff: date, min_tenure_days: int, *, labels: bool
) -> tuple[np.ndarray, np.ndarray, CutoffCount]:
    """The points of one cutoff, their labels, and the counts."""
    old_enough = standing.signed_up <= day_number(cutoff) - min_tenure_days
    churned = standing.churned if labels else None
    in_lead = standing.left_in_lead if churned is not None else np.zeros_like(standing.active)
    customers = np.flatnonzero(standing.active & old_enough & ~in_lead)
    if churned is None:
        known_labels = np.full(len(customers), UNKNOWN)
    else:
        known_labels = churned[customers].astype(np.int8)
    counts = CutoffCount(
        cutoff=cutoff,
        known=int(standing.known.sum()),
        points=len(customers),
        churned=None if churned is None else int(known_labels.sum()),
        not_active=int((standing.known & ~standing.active).sum()),
        below_min_tenure=int((standing.active & ~old_enough).sum()),
        left_in_lead=int((standing.active & old_enough & in_lead).sum()),
    )
    return customers, known_labels, counts


def _nobody(
    histories: Histories, definition: Definition, cutoffs: Sequence[date], min_tenure_days: int
) -> TooLittleData:
    customers = histories.accounts.get("customers")
    span = f"; customers signed up from {customers.first} on" if customers else ""
    return TooLittleData(
        "Nobody is a customer at "
        + (f"the cutoff {cutoffs[0]}." if len(cutoffs) == 1 else f"any of {len(cutoffs)} cutoffs."),
        where=f"[churn] definition = {definition.kind!r}",
        value=", ".join(str(cutoff) for cutoff in cutoffs[:5]),
        allowed="cutoffs with active customers; the histories reach from "
        f"{histories.observed_from:%Y-%m-%d} to {histories.observed_until:%Y-%m-%d}{span}",
        fix="choose other cutoffs" + ", or lower [points] min_tenure_days" * (min_tenure_days > 0),
    )


def newest_cutoff(histories: Histories) -> date:
    """The newest date at which the histories are complete: the day on which they end."""
    return histories.observed_until.date()


def labelled_cutoffs(
    histories: Histories,
    definition: Definition,
    *,
    every: Every = "month",
    first: date | None = None,
    last: date | None = None,
) -> tuple[date, ...]:
    """The cutoffs whose labels are known, from the first that has some history behind it.

    Raises
    ------
    TooLittleData
        When the histories are too short for a single one.
    """
    newest = (histories.observed_until - timedelta(days=definition.days_until_known)).date()
    oldest = first or histories.observed_from.date() + timedelta(days=_history_needed(definition))
    stop = min(newest, last) if last else newest
    found = [day for day in _grid(every, oldest, stop, anchor=first) if day <= stop]
    if not found:
        raise TooLittleData(
            "The histories are too short for a single labelled cutoff.",
            where="[points], [churn] horizon_days",
            value=f"from {oldest} to {stop}; the histories end on "
            f"{histories.observed_until:%Y-%m-%d}",
            allowed=f"{definition.days_until_known} days after a cutoff (lead, horizon and grace)",
            fix="use longer histories, a shorter horizon, or an earlier [points] first",
        )
    return tuple(found)


def earlier_cutoffs(
    histories: Histories, definition: Definition, before: date, *, every: Every = "month", most: int
) -> tuple[date, ...]:
    """The newest cutoffs before a date, at most so many, that have some history behind them."""
    oldest = histories.observed_from.date() + timedelta(days=_history_needed(definition))
    found = _grid(every, oldest, before, anchor=None)
    return tuple([day for day in found if day < before][-most:])


def _history_needed(definition: Definition) -> int:
    """Days of history before the first cutoff: without any, a vector says nothing."""
    return definition.active_days if definition.kind == "inactivity" else 30


def _grid(every: Every, oldest: date, stop: date, *, anchor: date | None) -> list[date]:
    """Dates from `oldest` to `stop`: firsts of months, Mondays, or every so many days.

    Without an anchor days are counted from 1970-01-01, so that more history adds cutoffs and
    moves none.
    """
    if every == "month":
        months = range(oldest.year * 12 + oldest.month - 1, stop.year * 12 + stop.month)
        dates = [date(month // 12, month % 12 + 1, 1) for month in months]
    else:
        step = 7 if every == "week" else every
        # 1970-01-05 was a Monday.
        origin = day_number(anchor) if anchor and every != "week" else (4 if every == "week" else 0)
        begin = day_number(oldest) + (origin - day_number(oldest)) % step
        dates = [EPOCH + timedelta(days=n) for n in range(begin, day_number(stop) + 1, step)]
    return [day for day in dates if oldest <= day <= stop]


def refuse_future(histories: Histories, cutoffs: Sequence[date]) -> None:
    """Stop when a cutoff lies after the end of the histories.

    Raises
    ------
    UsageError
        What is known at such a cutoff is not in the histories yet.
    """
    # Dates without a time of day are midnights: the last day seen may be complete.
    newest = newest_cutoff(histories)
    late = [cutoff for cutoff in cutoffs if (cutoff - newest).days > 1]
    if late:
        raise UsageError(
            "The cutoff lies after the end of the histories.",
            where="--cutoff or --as-of",
            value=str(late[0]),
            allowed=f"{newest + timedelta(days=1)} at the latest",
            fix="choose an earlier date, or add newer histories",
        )
