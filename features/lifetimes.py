"""How long customers have been customers: ages at which they came into view, left, or are still.

Histories know of who left only from some day on. Who was a customer before it comes into view at
the age that it had then, and nobody knows who left before reaching it (left truncation): counted
from the beginning, such customers would make everybody look loyal. That day is the first of the
histories, or that of the first departure on record, where so many were to be expected before it
that chance hardly keeps them all: some exports hold only who was still there when they were begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from features.churn import NEVER
from features.prices import Terms
from features.spells import Spells
from features.timeline import EPOCH, day_number

QUIET = 7.0
"""So many departures were to be expected and none is on record: chance does it once in a thousand.
"""


@dataclass(frozen=True)
class Lifetimes:
    """First spells of customers, as far as they were in view.

    Attributes
    ----------
    since, until
        Departures are known from the first day up to, without it, the last.
    customer
        The customers' indices, each once; customers who left before `since` are none of them.
    start
        The day on which each became a customer, since 1970.
    entry, exit
        The ages in days from which and up to which each was in view; int64.
    left
        Whether it left at that age.
    """

    since: date
    until: date
    customer: np.ndarray
    start: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    left: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)


def lifetimes_of(spells: Spells, *, begins: date, seen_until: date, grace_days: int) -> Lifetimes:
    """The first spell of each customer.

    Parameters
    ----------
    begins
        The first day of which the histories tell.
    seen_until
        The first cutoff that has all that happened before it.
    grace_days
        So long after an end nobody knows whether the customer comes back: all are looked at so
        many days before the end of the histories.
    """
    until = day_number(seen_until) - grace_days
    first = spells.start == spells.first[spells.customer]
    customer, start, end = spells.customer[first], spells.start[first], spells.end[first]
    since = recorded_since(start, end, day_number(begins), until)
    seen = (start < until) & (end >= since)
    customer, start, end = customer[seen], start[seen], end[seen]
    left = end < until
    return Lifetimes(
        since=EPOCH + timedelta(days=since),
        until=EPOCH + timedelta(days=until),
        customer=customer,
        start=start,
        entry=np.maximum(since - start, 0),
        exit=np.minimum(end, until) - start,
        left=left,
    )


def recorded_since(start: np.ndarray, end: np.ndarray, begins: int, until: int) -> int:
    """The day from which departures are on record, by spells in days: begins, or the first end.

    How many departures were to be expected before the first is told by how many customers of each
    age left later on: who just came may be bound for a while. Of ages that nobody had later on,
    nothing is expected.
    """
    ends = end[(end >= begins) & (end < until)]
    if not len(ends):
        return begins
    first = int(ends.min())
    before, _ = _at_ages(start, end, begins, first)
    later, left = _at_ages(start, end, first, until)
    some = later[: len(before)] > 0
    share = left[: len(before)][some] / later[: len(before)][some]
    return first if (before[: len(some)][some] * share).sum() > QUIET else begins


def _at_ages(
    start: np.ndarray, end: np.ndarray, opens: int, closes: int
) -> tuple[np.ndarray, np.ndarray]:
    """By age in days: customer days within [opens, closes), and departures in that time."""
    seen = (start < closes) & (end >= opens)
    start, end = start[seen], end[seen]
    entry = np.maximum(opens - start, 0)
    exit = np.minimum(end, closes - 1) - start
    days = int(exit.max(initial=-1)) + 2
    passed = np.bincount(entry, minlength=days) - np.bincount(exit + 1, minlength=days)
    left = np.bincount(exit[end < closes], minlength=days)
    return passed.cumsum()[:-1], left[:-1]


def first_plans(terms: Terms, lifetimes: Lifetimes) -> np.ndarray:
    """The place in `Terms.plans` of the plan that each customer began with; -1 without one.

    Of several the dearest, as `Terms` has it.
    """
    day = np.full(terms.customers, NEVER)
    day[lifetimes.customer] = lifetimes.start + 1
    runs = (terms.start < day[terms.customer]) & (terms.end >= day[terms.customer])
    found = np.full(terms.customers, -1)
    # Of several running ones the last to be written stays.
    found[terms.customer[runs]] = terms.plan[runs]
    return found[lifetimes.customer]
