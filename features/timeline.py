"""Cutoffs and the spans of days around them: the only module that knows where history is cut.

A cutoff is the instant at which a day begins, and every span begins and ends with a day, so all
edges fall on midnights of the source's clock and time can be counted in whole days. A day of 23 or
25 hours is still one day. The edges of all spans of all cutoffs cut history into buckets; whatever
adds up over buckets needs one pass over the events, however many cutoffs there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True, order=True)
class Span:
    """The days [cutoff + start, cutoff + stop); start None reaches back to the beginning."""

    start: int | None
    stop: int

    @staticmethod
    def last(days: int) -> Span:
        """The last `days` days before the cutoff."""
        return Span(-days, 0)

    @staticmethod
    def before_last(days: int) -> Span:
        """As many days before the last `days` ones: what a trend compares with."""
        return Span(-2 * days, -days)


EVER = Span(None, 0)
"""All history before the cutoff."""


class Timeline:
    """The buckets into which the spans of some cutoffs cut time.

    Bucket b holds the days from edge b - 1 up to, without it, edge b; bucket 0 all days before the
    first edge. Days from the last edge on are in no bucket: nothing may look at them.
    """

    def __init__(self, cutoffs: Sequence[date], spans: Iterable[Span]) -> None:
        self.cutoffs = tuple(cutoffs)
        self.days = np.array([day_number(cutoff) for cutoff in cutoffs], dtype=np.int64)
        edges = {int(day) for day in self.days}
        for span in spans:
            for offset in (span.start, span.stop):
                if offset is not None:
                    edges.update(int(day) + offset for day in self.days)
        self.edges = np.array(sorted(edges), dtype=np.int64)
        # A lookup by day is ten times faster than a search among the edges.
        self.first_day = int(self.edges[0]) - 1
        known = np.arange(self.first_day, self.edges[-1] + 1)
        self.buckets_of_days = np.searchsorted(self.edges, known, side="right").astype(np.int32)

    @property
    def width(self) -> int:
        """How many buckets there are, and one more for the days beyond them."""
        return len(self.edges) + 1

    @cached_property
    def ever(self) -> Timeline:
        """The same cutoffs, for spans of all history before them alone: far fewer buckets."""
        return Timeline(self.cutoffs, [EVER])

    def buckets(self, span: Span) -> tuple[np.ndarray, np.ndarray]:
        """First bucket and the one after the last of a span, for each cutoff.

        Raises
        ------
        KeyError
            When the span is not one this timeline was made for.
        """
        stop = self._bucket_from(self.days + span.stop)
        if span.start is None:
            return np.zeros_like(stop), stop
        return self._bucket_from(self.days + span.start), stop

    def _bucket_from(self, days: np.ndarray) -> np.ndarray:
        position = np.searchsorted(self.edges, days)
        inside = position < len(self.edges)
        if not inside.all() or not (self.edges[position] == days).all():
            raise KeyError("a span that this timeline was not made for")
        return position + 1

    def end(self) -> date:
        """The first day that is in no bucket; the last date there is, where that lies beyond it."""
        return EPOCH + timedelta(days=min(int(self.edges[-1]), day_number(date.max)))
