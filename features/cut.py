"""The one place where history is cut: the rows of a chunk of customers, measured over any span.

The edges of all spans of all cutoffs cut time into buckets (see `timeline`). Each row is added to
the bucket of its customer and day, once, however many cutoffs there are; a span is then a
difference of running sums. Nothing depends on the order of the rows: counts are whole numbers, and
sums are kept as whole numbers of units and of billionths.

A row with `available_at` counts in the bucket in which it happened, but only for cutoffs after the
day on which it became known. Customers with such rows are laid out once per cutoff.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, get_args

import numpy as np

from features import kernels
from features.arrays import numbers
from features.reads import (
    DAY,
    KNOWN,
    KNOWN_DAY,
    ROWS,
    TIME,
    InOrder,
    Laid,
    Layout,
    OfDays,
)
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


@dataclass(frozen=True)
class Block:
    """Rows of some owners: what accumulators add up.

    Attributes
    ----------
    owner
        Whose rows these are: a customer of the chunk, or a customer as known at one cutoff.
    owners
        How many owners there are.
    day
        Of each row; days since 1970.
    columns
        What was sent, by name; float64 with missing values as NaN, level numbers as integers.
    """

    owner: np.ndarray
    owners: int
    day: np.ndarray
    columns: dict[str, np.ndarray]
    _cells: dict[Timeline, np.ndarray] = field(default_factory=dict)

    def cells(self, timeline: Timeline) -> np.ndarray:
        """Where in an accumulator with the buckets of a timeline each row belongs."""
        if timeline not in self._cells:
            self._cells[timeline] = kernels.cells_of(
                self.owner, self.day, self.owners, timeline.first_day, timeline.buckets_of_days
            )
        return self._cells[timeline]

    def take(self, rows: np.ndarray) -> Block:
        """Some of the rows: a mask, or their positions."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Block(self.owner[rows], self.owners, self.day[rows], columns)


@dataclass(frozen=True)
class Ranges:
    """The buckets of a span, for each cutoff.

    Attributes
    ----------
    owner, cutoff, place
        Of each point; the place is that among all owners at all cutoffs.
    first, after
        First bucket of the span and the one after its last, for each cutoff.
    ever
        Whether the span reaches back to the beginning.
    """

    owner: np.ndarray
    cutoff: np.ndarray
    place: np.ndarray
    first: np.ndarray
    after: np.ndarray
    ever: bool

    def of_points(self, by_cutoff: np.ndarray) -> np.ndarray:
        """What is known by cutoff and owner, for each point."""
        return by_cutoff.ravel()[self.place]


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


def _accumulators(
    layout: Layout, timeline: Timeline
) -> tuple[dict[str, _Accumulator], list[_Accumulator]]:
    """By measure, what to ask for it; and all that rows are added to.

    Equal measures are one. Those of the same days, or of the same rows in order, share what keeps
    these.
    """
    asked: dict[str, _Accumulator] = {}
    each: dict[Any, _Accumulator] = {}

    def shared(key: Any, made: _Accumulator) -> Any:
        return each.setdefault(key, made)

    for measure in layout.measures:
        rows = measure.condition or (ROWS if layout.daily else None)
        spans = timeline.ever if measure.ever else timeline
        if measure.levels:
            assert measure.value is not None
            levels = _Levels(spans, measure.value, rows, measure.levels)
            each[measure.levels] = levels
            asked |= dict.fromkeys(measure.levels, levels)
        elif measure.how == "count":
            asked[measure.name] = shared(("count", rows, spans), _Count(spans, rows))
        elif measure.how in get_args(OfDays):
            days = shared(("days", measure.condition), _Days(timeline, measure))
            asked[measure.name] = days.also(measure)
        elif measure.how in get_args(InOrder):
            key = ("order", measure.value, measure.condition)
            asked[measure.name] = shared(key, _Ordered(timeline, measure)).also(measure)
        else:
            assert measure.value is not None
            made = _OF_VALUES[measure.how](spans, measure.value)
            asked[measure.name] = shared((measure.how, measure.value, spans), made)
    return asked, list(each.values())


class _Accumulator:
    """Cells by bucket and owner; the cells of the bucket after the last one stay empty."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.width = timeline.width
        self.owners = 0

    def make_room(self, owners: int) -> None:
        """Owners without rows."""
        self.owners = owners

    def add(self, rows: Block) -> None:
        """Add rows."""
        raise NotImplementedError

    def copy(self, owners: np.ndarray) -> None:
        """Append owners that have the rows of these so far."""
        self.owners += len(owners)

    def finish(self) -> None:
        """All rows have been added."""

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        """The measure over a range of cells, for each point."""
        raise NotImplementedError

    def _cells(self, value: float) -> np.ndarray:
        return np.full((self.width, self.owners), value)


def _copied(cells: np.ndarray, owners: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([cells, cells[..., owners]], axis=-1))


def _flat(cells: np.ndarray) -> np.ndarray:
    """The same cells in one dimension, to be written to: never a copy."""
    return np.reshape(cells, -1, copy=False)


def _accumulate(operation: np.ufunc, cells: np.ndarray) -> None:
    """Reduce each cell with the owner's cells of the buckets before it, in place.

    Bucket by bucket for all owners: numpy's own `accumulate` goes owner by owner, at 20 times the
    cost.
    """
    for bucket in range(1, cells.shape[-2]):
        now = cells[..., bucket, :]
        operation(cells[..., bucket - 1, :], now, out=now)


class _Totals:
    """Sums by cell: rows first, then running totals that spans are differences of; float64.

    Counts can do with a `kind` of half the size.

    Attributes
    ----------
    layers
        How many sums each cell has.
    """

    def __init__(
        self, width: int, owners: int, layers: int = 1, *, kind: type = np.float64
    ) -> None:
        self._shape, self._kind = (layers, width, owners), kind
        self._cells: np.ndarray | None = None

    def to_add_to(self) -> np.ndarray:
        """The sums, to add rows to: by layer and cell, in one dimension."""
        if self._cells is None:
            self._cells = np.zeros(self._shape, dtype=self._kind)
        return _flat(self._cells)

    def copy(self, owners: np.ndarray) -> None:
        """Append owners with the sums of these."""
        layers, width, known = self._shape
        self._shape = (layers, width, known + len(owners))
        if self._cells is not None:
            self._cells = _copied(self._cells, owners)

    def finish(self) -> None:
        """All rows have been added."""
        if self._cells is not None:
            kernels.run_totals(self._cells)

    def over(self, ranges: Ranges, layer: int = 0) -> np.ndarray:
        """The sum over a span, for each point."""
        if self._cells is None:
            return np.zeros(len(ranges.owner))
        return kernels.between(
            self._cells[layer], ranges.first, ranges.after, ranges.cutoff, ranges.owner
        )


class _Count(_Accumulator):
    """Rows, or the number of them that a column tells."""

    def __init__(self, timeline: Timeline, column: str | None) -> None:
        super().__init__(timeline)
        self.column = column

    def make_room(self, owners: int) -> None:
        super().make_room(owners)
        kind = np.float64 if self.column else np.int32
        self.totals = _Totals(self.width, owners, kind=kind)

    def add(self, rows: Block) -> None:
        totals = self.totals.to_add_to()
        if self.column is None:
            kernels.add_ones(totals, rows.cells(self.timeline))
        else:
            kernels.add_weights(totals, rows.cells(self.timeline), rows.columns[self.column])

    def copy(self, owners: np.ndarray) -> None:
        super().copy(owners)
        self.totals.copy(owners)

    def finish(self) -> None:
        self.totals.finish()

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        return self.totals.over(ranges)


class _Given(_Count):
    """Rows that have a value."""

    def add(self, rows: Block) -> None:
        value = rows.columns[self.column or ""]
        kernels.add_given(self.totals.to_add_to(), rows.cells(self.timeline), value)


class _Levels(_Accumulator):
    """Rows by the number of a level: a count for each level, under its name."""

    def __init__(
        self, timeline: Timeline, code: str, rows: str | None, names: tuple[str, ...]
    ) -> None:
        super().__init__(timeline)
        self.code, self.rows = code, rows
        self.place = {name: n for n, name in enumerate(names)}

    def make_room(self, owners: int) -> None:
        super().make_room(owners)
        kind = np.float64 if self.rows else np.int32
        self.totals = _Totals(self.width, owners, len(self.place), kind=kind)

    def add(self, rows: Block) -> None:
        totals, cells = self.totals.to_add_to(), self.width * self.owners
        code, cell = rows.columns[self.code], rows.cells(self.timeline)
        if self.rows:
            kernels.add_level_weights(totals, cell, code, rows.columns[self.rows], cells)
        else:
            kernels.add_levels(totals, cell, code, cells)

    def copy(self, owners: np.ndarray) -> None:
        super().copy(owners)
        self.totals.copy(owners)

    def finish(self) -> None:
        self.totals.finish()

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        return self.totals.over(ranges, self.place[name])


class _Sum(_Accumulator):
    """Sums, exact to the billionth: as whole units and whole billionths, each below 2^53."""

    def __init__(self, timeline: Timeline, column: str) -> None:
        super().__init__(timeline)
        self.column = column

    def make_room(self, owners: int) -> None:
        super().make_room(owners)
        self.units, self.rest = _Totals(self.width, owners), _Totals(self.width, owners)

    def add(self, rows: Block) -> None:
        units, rest = self.units.to_add_to(), self.rest.to_add_to()
        kernels.add_exactly(units, rest, rows.cells(self.timeline), rows.columns[self.column])

    def copy(self, owners: np.ndarray) -> None:
        super().copy(owners)
        self.units.copy(owners)
        self.rest.copy(owners)

    def finish(self) -> None:
        self.units.finish()
        self.rest.finish()

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        return self.units.over(ranges) + self.rest.over(ranges) / kernels.BILLION


class _Largest(_Accumulator):
    """The largest value."""

    sign = 1.0

    def __init__(self, timeline: Timeline, column: str) -> None:
        super().__init__(timeline)
        self.column = column

    def make_room(self, owners: int) -> None:
        super().make_room(owners)
        self.best = self._cells(-np.inf)

    def add(self, rows: Block) -> None:
        value = rows.columns[self.column]
        kernels.keep_largest(_flat(self.best), rows.cells(self.timeline), value, self.sign)

    def copy(self, owners: np.ndarray) -> None:
        super().copy(owners)
        self.best = _copied(self.best, owners)

    @cached_property
    def so_far(self) -> np.ndarray:
        """For each cell, the largest value of its bucket and all before it."""
        best = self.best.copy()
        _accumulate(np.maximum, best)
        return best

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        if ranges.ever:
            by_cutoff = self.so_far[ranges.after - 1]
        else:
            spans = zip(ranges.first, ranges.after, strict=True)
            by_cutoff = np.stack([self.best[first:after].max(axis=0) for first, after in spans])
        best = ranges.of_points(by_cutoff)
        return np.where(np.isfinite(best), self.sign * best, np.nan)


class _Smallest(_Largest):
    """The smallest value."""

    sign = -1.0


class _Last(_Accumulator):
    """The value of the last row that has one; of several at the same moment the largest."""

    def __init__(self, timeline: Timeline, column: str) -> None:
        super().__init__(timeline)
        self.column = column

    def make_room(self, owners: int) -> None:
        super().make_room(owners)
        self.moment, self.value = self._cells(-np.inf), self._cells(np.nan)

    def add(self, rows: Block) -> None:
        value = rows.columns[self.column]
        given = ~np.isnan(value)
        cell, moment, value = (
            rows.cells(self.timeline)[given],
            rows.columns[TIME][given],
            value[given],
        )
        order = np.lexsort((value, moment, cell))
        last = np.append(np.diff(cell[order]) != 0, True)[: len(order)]
        cell, moment, value = (column[order][last] for column in (cell, moment, value))
        moments, values = _flat(self.moment), _flat(self.value)
        same = (moment == moments[cell]) & (value > values[cell])
        later = (moment > moments[cell]) | same
        moments[cell[later]], values[cell[later]] = moment[later], value[later]

    def copy(self, owners: np.ndarray) -> None:
        super().copy(owners)
        self.moment, self.value = _copied(self.moment, owners), _copied(self.value, owners)

    def finish(self) -> None:
        bucket = np.where(np.isfinite(self.moment), np.arange(self.width)[:, None], -1)
        self.newest = np.maximum.accumulate(bucket, axis=0)

    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        first, after = ranges.first[ranges.cutoff], ranges.after[ranges.cutoff]
        newest = self.newest[after - 1, ranges.owner]
        return np.where(newest >= first, self.value[np.maximum(newest, 0), ranges.owner], np.nan)


class _Kept(_Accumulator):
    """Rows that are kept until all are there, since what is taken of them depends on the others.

    Then each gets its derived columns, and plain accumulators add these up.
    """

    PLAIN: ClassVar[Mapping[str, tuple[str, str | None]]]
    """By way of measuring, the plain accumulator and the derived column that it takes."""

    def __init__(self, timeline: Timeline, measure: Laid) -> None:
        super().__init__(timeline)
        self.condition, self.value = measure.condition, measure.value
        self.found: list[tuple[np.ndarray, ...]] = []
        self.plain: dict[tuple[str, bool], _Accumulator] = {}

    def also(self, measure: Laid) -> _Accumulator:
        """Take this measure, too; what to ask for it."""
        key = measure.how, measure.ever
        if key not in self.plain:
            kind, column = self.PLAIN[measure.how]
            timeline = self.timeline.ever if measure.ever else self.timeline
            if kind == "count":
                self.plain[key] = _Count(timeline, column)
            else:
                assert column is not None
                self.plain[key] = _OF_VALUES[kind](timeline, column)
        return self.plain[key]

    def add(self, rows: Block) -> None:
        if self.condition:
            rows = rows.take(rows.columns[self.condition] > 0)
        self.found.append(self.kept(rows))

    def copy(self, owners: np.ndarray) -> None:
        kept = self.in_order()
        start, stop = (np.searchsorted(kept[0], owners, side=side) for side in ("left", "right"))
        counts = stop - start
        offset = np.repeat(start - (np.cumsum(counts) - counts), counts)
        copied = np.repeat(np.arange(self.owners, self.owners + len(owners)), counts)
        place = offset + np.arange(len(copied))
        self.found = [kept, (copied, *(column[place] for column in kept[1:]))]
        super().copy(owners)

    def finish(self) -> None:
        rows = self.derived(self.in_order())
        self.found = []
        for accumulator in self.plain.values():
            accumulator.make_room(self.owners)
            accumulator.add(rows)
            accumulator.finish()

    def kept(self, rows: Block) -> tuple[np.ndarray, ...]:
        """What is kept of rows: their owners first."""
        raise NotImplementedError

    def in_order(self) -> tuple[np.ndarray, ...]:
        """All that is kept, by owner and time."""
        raise NotImplementedError

    def derived(self, kept: tuple[np.ndarray, ...]) -> Block:
        """The rows with their derived columns."""
        raise NotImplementedError


class _Days(_Kept):
    """Distinct days with a row, and the gaps between them."""

    PLAIN: ClassVar = {
        "days": ("count", None),
        "gap_squares": ("count", "squared"),
        "gap_max": ("max", "longest"),
    }

    def kept(self, rows: Block) -> tuple[np.ndarray, ...]:
        return kernels.distinct_days(rows.owner, rows.day, rows.owners)

    def in_order(self) -> tuple[np.ndarray, ...]:
        if not self.found:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
        if len(self.found) == 1:
            return self.found[0]
        owner, day = (np.concatenate(parts) for parts in zip(*self.found, strict=True))
        return kernels.distinct_days(owner, day, self.owners)

    def derived(self, kept: tuple[np.ndarray, ...]) -> Block:
        owner, day = kept
        columns: dict[str, np.ndarray] = {}
        if {how for how, _ in self.plain} - {"days"}:
            # Whole days add up exactly.
            squared, longest = kernels.gaps_of(owner, day)
            columns = {"squared": squared, "longest": longest}
        return Block(owner, self.owners, day, columns)


class _Ordered(_Kept):
    """Rows in the order of time, those of the same moment by value."""

    PLAIN: ClassVar = {
        "run": ("last", "run"),
        "run_max": ("max", "run"),
        "run_since": ("last", "since"),
        "change": ("last", "change"),
    }

    def kept(self, rows: Block) -> tuple[np.ndarray, ...]:
        assert self.value is not None
        value = rows.columns[self.value]
        given = ~np.isnan(value)
        return rows.owner[given], rows.columns[TIME][given], rows.day[given], value[given]

    def in_order(self) -> tuple[np.ndarray, ...]:
        if not self.found:
            return tuple(np.empty(0, dtype=np.int64) for _ in range(4))
        owner, moment, day, value = (
            np.concatenate(parts) for parts in zip(*self.found, strict=True)
        )
        order = np.lexsort((value, moment, owner))
        return owner[order], moment[order], day[order], value[order]

    def derived(self, kept: tuple[np.ndarray, ...]) -> Block:
        owner, moment, day, value = kept
        # The place in the order stands for the moment: no two rows share it.
        columns = {TIME: np.arange(len(owner), dtype=np.float64)}
        columns["change"] = _since_previous(owner, value)
        columns |= _runs(owner, moment, value > 0)
        return Block(owner, self.owners, day, columns)


def _since_previous(owner: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Each value less the owner's one before; NaN for the first."""
    change = np.full(len(value), np.nan)
    change[1:] = np.where(owner[1:] == owner[:-1], value[1:] - value[:-1], np.nan)
    return change


def _runs(owner: np.ndarray, moment: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    """Of each row, ordered by owner and time: the run of rows that end none, and when it began."""
    place = np.arange(len(owner))
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    begins = first | np.append(True, ends[:-1])[: len(owner)]
    start = np.maximum.accumulate(np.where(begins, place, 0))
    return {
        "run": np.where(ends, 0.0, place - start + 1.0),
        "since": np.where(ends, np.nan, moment[start]),
    }


_OF_VALUES: Mapping[str, Callable[[Timeline, str], _Accumulator]] = {
    "given": _Given,
    "sum": _Sum,
    "max": _Largest,
    "min": _Smallest,
    "last": _Last,
}
