"""The one place where history is cut: the rows of a chunk of customers, measured over any span.

The edges of all spans of all cutoffs cut time into buckets (see `timeline`). Each row is added to
the bucket of its customer and day, once, however many cutoffs there are; a span is then a
difference of running sums. Nothing depends on the order of the rows: counts are whole numbers, and
sums are kept as whole numbers of units and of billionths.

A row with `available_at` counts in the bucket in which it happened, but only for cutoffs after the
day on which it became known. Customers with such rows are laid out once per cutoff.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from features import kernels
from features.accumulators import OF_VALUES, Accumulator, Block, Count, Fed, Levels, Ranges
from features.arrays import numbers
from features.kept import Days, Ordered
from features.reads import DAY, KNOWN, KNOWN_DAY, ROWS, TIME, InOrder, Layout, OfDays
from features.tables import CUSTOMER
from features.timeline import Span, Timeline

BLOCK = 1_000_000
"""Rows that are worked on at a time."""


@dataclass(frozen=True)
class Points:
    """Customers at cutoffs: one entry a vector, ordered by cutoff and customer.

    Attributes
    ----------
    cutoff
        Index of the cutoff in the timeline's cutoffs, int32, ascending.
    customer
        Index of the customer (see `histories.CUSTOMER`), int32.
    """

    cutoff: np.ndarray
    customer: np.ndarray

    def __len__(self) -> int:
        return len(self.cutoff)


class Cut:
    """A roll of a chunk of customers, ready to be measured for points.

    Parameters
    ----------
    owner
        For each point, its customer's place in the chunk.
    cutoff
        For each point, the index of its cutoff.
    """

    def __init__(
        self,
        timeline: Timeline,
        layout: Layout,
        batches: Iterable[Any],
        *,
        customers: range,
        owner: np.ndarray,
        cutoff: np.ndarray,
    ) -> None:
        self.timeline = timeline
        self._owners = len(customers)
        self._owner = owner.astype(np.int64)
        self._cutoff = cutoff
        self._ranges: dict[tuple[Timeline, Span], Ranges] = {}
        self._asked, self._each = _accumulators(layout, timeline)
        late: list[tuple[Block, np.ndarray]] = []
        for accumulator in self._each:
            accumulator.make_room(self._owners)
        for block, known_from in self._blocks(batches, layout, customers):
            if known_from is None:
                self._add(block)
                continue
            in_time = known_from == np.searchsorted(timeline.days, block.day, side="right")
            self._add(block.take(in_time))
            late.append((block.take(~in_time), known_from[~in_time]))
        self._add_late([(b, k) for b, k in late if len(b.day)], len(customers))
        for accumulator in self._each:
            accumulator.finish()
        self._place = self._cutoff * np.int64(self._owners) + self._owner

    def over(self, name: str, span: Span) -> np.ndarray:
        """A measure over a span, for each point: 0 for counts and sums without rows, else NaN."""
        kept = self._asked[name]
        key = kept.timeline, span
        if key not in self._ranges:
            first, after = kept.timeline.buckets(span)
            self._ranges[key] = Ranges(
                owner=self._owner,
                cutoff=self._cutoff,
                place=self._place,
                first=first,
                after=after,
                ever=span.start is None,
            )
        return kept.over(name, self._ranges[key])

    def _add(self, block: Block) -> None:
        if len(block.day):
            for accumulator in self._each:
                accumulator.add(block)

    def _blocks(
        self, batches: Iterable[Any], layout: Layout, customers: range
    ) -> Iterator[tuple[Block, np.ndarray | None]]:
        """The rows with their cells, and the first cutoff at which each was known."""
        wanted = {name for m in layout.measures for name in (m.value, m.condition) if name}
        wanted |= {ROWS} if layout.daily else set()
        wanted |= {TIME} if any(m.needs_time for m in layout.measures) else set()
        for rows in _blocks_of(batches):
            day = _days(rows, DAY, TIME)
            owner = numbers(rows[CUSTOMER]).astype(np.int32) - np.int32(customers.start)
            columns = {name: numbers(rows[name]) for name in wanted}
            block = Block(owner, self._owners, day, columns)
            names = rows.schema.names
            if KNOWN not in names and KNOWN_DAY not in names:
                yield block, None
            else:
                known = np.maximum(_days(rows, KNOWN_DAY, KNOWN), day)
                yield block, np.searchsorted(self.timeline.days, known, side="right")

    def _add_late(self, late: list[tuple[Block, np.ndarray]], customers: int) -> None:
        """Customers whose rows became known late, once per cutoff: with what was known then."""
        if not late:
            return
        cutoffs = len(self.timeline.days)
        is_late = np.zeros(customers, dtype=bool)
        for block, _ in late:
            is_late[block.owner] = True
        owners = np.flatnonzero(is_late)
        place = np.full(customers, -1)
        place[owners] = np.arange(len(owners))
        copies = np.repeat(owners, cutoffs)
        self._owners += len(copies)
        for accumulator in self._each:
            accumulator.copy(copies)
        for block, known_from in late:
            for cutoff in range(cutoffs):
                rows = block.take(known_from <= cutoff)
                owner = (customers + place[rows.owner] * cutoffs + cutoff).astype(np.int32)
                self._add(Block(owner, self._owners, rows.day, rows.columns))
        mine = is_late[self._owner]
        known_as = customers + place[self._owner] * cutoffs + self._cutoff
        self._owner = np.where(mine, known_as, self._owner)


def _blocks_of(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows in batches of about `BLOCK`: each costs a call for every measure."""
    import pyarrow as pa

    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        if rows >= BLOCK:
            yield pa.concat_batches(waiting, pa.system_memory_pool())
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_batches(waiting, pa.system_memory_pool())


def _days(rows: Any, day: str, moment: str) -> np.ndarray:
    """Days since 1970 of rows that tell a day, or a moment; int32."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if day in rows.schema.names:
        return pc.cast(rows[day], pa.date32()).cast(pa.int32()).to_numpy()
    moments = pc.cast(rows[moment].cast(pa.timestamp("us")), pa.int64()).to_numpy()
    return kernels.days_of(moments)


def _accumulators(layout: Layout, timeline: Timeline) -> tuple[dict[str, Accumulator], list[Fed]]:
    """By measure, what to ask for it; and all that rows are added to.

    Equal measures are one. Those of the same days, or of the same rows in order, share what keeps
    these.
    """
    asked: dict[str, Accumulator] = {}
    each: dict[Any, Fed] = {}

    def shared(key: Any, made: Fed) -> Any:
        return each.setdefault(key, made)

    for measure in layout.measures:
        rows = measure.condition or (ROWS if layout.daily else None)
        spans = timeline.ever if measure.ever else timeline
        if measure.levels:
            assert measure.value is not None
            levels = Levels(spans, measure.value, rows, measure.levels)
            each[measure.levels] = levels
            asked |= dict.fromkeys(measure.levels, levels)
        elif measure.how == "count":
            asked[measure.name] = shared(("count", rows, spans), Count(spans, rows))
        elif measure.how in get_args(OfDays):
            days = shared(("days", measure.condition), Days(timeline, measure))
            asked[measure.name] = days.also(measure)
        elif measure.how in get_args(InOrder):
            key = ("order", measure.value, measure.condition)
            asked[measure.name] = shared(key, Ordered(timeline, measure)).also(measure)
        else:
            assert measure.value is not None
            made = OF_VALUES[measure.how](spans, measure.value)
            asked[measure.name] = shared((measure.how, measure.value, spans), made)
    return asked, list(each.values())
