"""Measures of rows in order: what is taken of a row depends on the owner's others.

So rows are kept until all are there; then each gets its derived columns, and plain accumulators add
these up.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from features import kernels
from features.accumulators import OF_VALUES, Accumulator, Block, Count, Fed
from features.reads import TIME, Laid
from features.timeline import Timeline


class Kept(Fed):
    """Rows that are kept until all are there."""

    PLAIN: ClassVar[Mapping[str, tuple[str, str | None]]]
    """By way of measuring, the plain accumulator and the derived column that it takes."""

    def __init__(self, timeline: Timeline, measure: Laid) -> None:
        super().__init__(timeline)
        self.condition, self.value = measure.condition, measure.value
        self.found: list[tuple[np.ndarray, ...]] = []
        self.plain: dict[tuple[str, bool], Accumulator] = {}

    def also(self, measure: Laid) -> Accumulator:
        """Take this measure, too; what to ask for it."""
        key = measure.how, measure.ever
        if key not in self.plain:
            kind, column = self.PLAIN[measure.how]
            timeline = self.timeline.ever if measure.ever else self.timeline
            if kind == "count":
                self.plain[key] = Count(timeline, column)
            else:
                assert column is not None
                self.plain[key] = OF_VALUES[kind](timeline, column)
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
        copied = np.arange(self.owners, self.owners + len(owners), dtype=np.int32).repeat(counts)
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

    @abstractmethod
    def kept(self, rows: Block) -> tuple[np.ndarray, ...]:
        """What is kept of rows: their owners first."""

    @abstractmethod
    def in_order(self) -> tuple[np.ndarray, ...]:
        """All that is kept, by owner and time."""

    @abstractmethod
    def derived(self, kept: tuple[np.ndarray, ...]) -> Block:
        """The rows with their derived columns."""


class Days(Kept):
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


class Ordered(Kept):
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
