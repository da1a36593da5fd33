"""What adds rows up by bucket and owner, and tells a measure over a span of buckets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from features import kernels
from features.reads import TIME
from features.timeline import Timeline


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


class Fed(ABC):
    """What rows are added to, for some owners."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.owners = 0

    def make_room(self, owners: int) -> None:
        """Owners without rows."""
        self.owners = owners

    @abstractmethod
    def add(self, rows: Block) -> None:
        """Add rows."""

    def copy(self, owners: np.ndarray) -> None:
        """Append owners that have the rows of these so far."""
        self.owners += len(owners)

    def finish(self) -> None:  # noqa: B027 - most have nothing left to do
        """All rows have been added."""


class Accumulator(Fed):
    """Cells by bucket and owner; the cells of the bucket after the last one stay empty."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self.width = timeline.width

    @abstractmethod
    def over(self, name: str, ranges: Ranges) -> np.ndarray:
        """The measure over a range of cells, for each point."""

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


class Count(Accumulator):
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


class Given(Count):
    """Rows that have a value."""

    def add(self, rows: Block) -> None:
        value = rows.columns[self.column or ""]
        kernels.add_given(self.totals.to_add_to(), rows.cells(self.timeline), value)


class Levels(Accumulator):
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


class Sum(Accumulator):
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


class Largest(Accumulator):
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


class Smallest(Largest):
    """The smallest value."""

    sign = -1.0


class Last(Accumulator):
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


OF_VALUES: Mapping[str, Callable[[Timeline, str], Accumulator]] = {
    "given": Given,
    "sum": Sum,
    "max": Largest,
    "min": Smallest,
    "last": Last,
}
