"""From declared reads to columns: the engine sends rows, chunks of customers become columns.

Every read is one pass over its table, whatever the number of cutoffs. Rows are parted into chunks
of customers (see `shuffle`), and a chunk's columns are computed from its rows alone, so memory does
not grow with the histories.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import give_back_memory, large_empty, reuse_memory
from features.catalogue import Feature
from features.cut import Points
from features.histories import Histories
from features.past import Chunk, Past, Present
from features.plan import Plan
from features.reads import Layout, Read, Roll, sent
from features.shuffle import Budget, Shuffle
from features.timeline import EVER, Span, Timeline

if TYPE_CHECKING:
    import ibis

Column = tuple[Feature, np.ndarray]

MOST_CUSTOMERS = 2048
MOST_CELLS = 2**20
"""A chunk: so many customers at most, and so many cells of customers and buckets for a measure."""

WAITING = 512 * 2**20
"""Bytes of rows that may wait in memory for their chunk, unless a memory limit says less."""


@dataclass(frozen=True)
class Family:
    """A family of features: what it reads, and the columns it makes of that.

    Attributes
    ----------
    table
        The input table it speaks of; without it the family is left out.
    reads
        Declares what is read, by name.
    columns
        Makes the features of a chunk, each with a value per point, from these reads.
    """

    table: str
    reads: Callable[[Present], Mapping[str, Read]]
    columns: Callable[[Past], Iterator[Column]]


@dataclass(frozen=True)
class Job:
    """What turns the rows of a chunk into columns: no engine, no histories, so it can travel."""

    plan: Plan
    timeline: Timeline
    families: tuple[Callable[[Past], Iterator[Column]], ...]
    layouts: Mapping[str, Layout]

    def columns(self, chunk: Chunk) -> Iterator[Column]:
        """The columns of a chunk's points."""
        past = Past(self.plan, self.timeline, self.layouts, chunk)
        for family in self.families:
            yield from family(past)


def timeline_of(plan: Plan, points_cutoffs: Sequence[Any]) -> Timeline:
    """The spans of a plan's windows: each window, what came before it, and all history."""
    spans = [EVER]
    spans += [Span.last(days) for days in plan.windows]
    spans += [Span.before_last(days) for days in plan.windows]
    return Timeline(points_cutoffs, spans)


@dataclass(frozen=True)
class Prepared:
    """What is left to do.

    Attributes
    ----------
    job
        What turns a chunk's rows into columns.
    rows
        By read, what the engine is asked for.
    tables
        By read, the input table it speaks of.
    size
        Customers to a chunk.
    """

    job: Job
    rows: Mapping[str, ibis.Table]
    tables: Mapping[str, str]
    size: int


def compute(
    histories: Histories,
    plan: Plan,
    timeline: Timeline,
    points: Points,
    families: Sequence[Family],
    *,
    progress: Callable[[str], None] = lambda table: None,
) -> list[Column]:
    """The columns of these families for the points: float64, or text as object arrays.

    ``progress`` hears of each table before its pass.
    """
    prepared = prepare(histories, plan, timeline, families)
    if histories.engine.name == "spark":
        from features.spread import on_spark

        for table in dict.fromkeys(prepared.tables.values()):
            progress(table)
        return on_spark(histories, prepared, points)
    return _here(histories, prepared, points, progress)


def prepare(
    histories: Histories, plan: Plan, timeline: Timeline, families: Sequence[Family]
) -> Prepared:
    """Ask the families what they read, and lay it out for the engine."""
    present = Present(histories.tables, plan, timeline)
    rows: dict[str, ibis.Table] = {}
    layouts: dict[str, Layout] = {}
    late = False
    # Rows that have a way to go are added up by day first.
    daily = histories.engine.name != "duckdb"
    reads, tables = declared(families, present)
    for name, read in reads.items():
        rows[name] = read.rows
        if isinstance(read, Roll):
            late = late or "available_at" in read.rows.columns
            rows[name], layouts[name] = sent(read, before=timeline.end(), daily=daily)
    job = Job(plan, timeline, tuple(family.columns for family in families), layouts)
    return Prepared(job, rows, tables, _chunk_size(timeline, late=late))


def _here(
    histories: Histories, prepared: Prepared, points: Points, progress: Callable[[str], None]
) -> list[Column]:
    """Chunk by chunk in this process."""
    size, customers = prepared.size, histories.customers
    chunks = -(-customers // size)
    reuse_memory()
    budget = Budget(_waiting(histories.engine.memory_limit))
    collected = _Collected(len(points))
    with ExitStack() as stack:
        shuffles: dict[str, Shuffle] = {}
        for name, rows in prepared.rows.items():
            progress(prepared.tables[name])
            shuffle = Shuffle(rows.schema().to_pyarrow(), size=size, chunks=chunks, budget=budget)
            shuffles[name] = stack.enter_context(closing(shuffle))
            shuffle.fill(histories.engine.to_pyarrow_batches(rows))
        for number, place in _by_chunk(points, size, chunks):
            chunk = Chunk(
                customers=range(number * size, min((number + 1) * size, customers)),
                points=Points(points.cutoff[place], points.customer[place]),
                rows=partial(_rows_of, shuffles, number),
            )
            done = [shuffle.done_before(number) for shuffle in shuffles.values()]
            if any(done):
                give_back_memory()
            collected.add(place, prepared.job.columns(chunk))
    return collected.columns()


def declared(
    families: Sequence[Family], present: Present
) -> tuple[dict[str, Read], dict[str, str]]:
    """The reads of all families and whose tables they are; some add measures to another's roll."""
    found: dict[str, Read] = {}
    tables: dict[str, str] = {}
    for family in families:
        for name, read in family.reads(present).items():
            known = found.get(name)
            found[name] = _together(known, read) if isinstance(known, Roll) else read
            tables.setdefault(name, family.table)
    return found, tables


def _together(known: Roll, more: Read) -> Roll:
    """A roll with the measures of both."""
    assert isinstance(more, Roll)
    assert known.time == more.time
    assert known.rows.equals(more.rows)
    named = {(m.name, *m.levels.values()): m for m in known.measures}
    for measure in more.measures:
        key = measure.name, *measure.levels.values()
        ever = measure.ever and named.get(key, measure).ever
        named[key] = replace(measure, ever=ever)
    return Roll(known.rows, known.time, tuple(named.values()))


def _waiting(memory_limit: str | None) -> int:
    """Bytes of rows that may wait: a quarter of the limit, if that is less than usual."""
    if memory_limit is None:
        return WAITING
    number, unit = re.fullmatch(r"([\d.]+)\s?([MG])i?B", memory_limit).groups()  # type: ignore[union-attr]
    return min(WAITING, int(float(number) * 2 ** (30 if unit == "G" else 20)) // 4)


def _rows_of(shuffles: Mapping[str, Shuffle], chunk: int, name: str) -> Iterator[Any]:
    return shuffles[name].chunk(chunk)


def _chunk_size(timeline: Timeline, *, late: bool) -> int:
    """Customers to a chunk: a power of two, so that what adds up their rows fits the caches.

    It does not depend on the machine or its memory. Rows known late are laid out by cutoff.
    """
    layers = 1 + len(timeline.days) * late
    size = MOST_CUSTOMERS
    while size > 1 and size * layers * (len(timeline.edges) + 1) > MOST_CELLS:
        size //= 2
    return size


def _by_chunk(points: Points, size: int, chunks: int) -> Iterator[tuple[int, np.ndarray]]:
    """The chunks that have points, each with the places of its points."""
    number = points.customer // size
    order = np.argsort(number.astype(np.uint16 if chunks <= 2**16 else np.uint32), kind="stable")
    stops = np.cumsum(np.bincount(number, minlength=chunks))
    for chunk, place in enumerate(np.split(order, stops[:-1])):
        if len(place):
            yield chunk, place


class _Collected:
    """Columns that grow chunk by chunk."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._columns: dict[str, Column] = {}

    def add(self, place: np.ndarray, columns: Iterable[Column]) -> None:
        """The columns of some points, in turn."""
        runs = list(_runs(place))
        given: set[str] = set()
        for feature, found in columns:
            if feature.name in given:
                raise ValueError(f"two features are called {feature.name}")
            given.add(feature.name)
            if feature.name not in self._columns:
                self._columns[feature.name] = feature, self._column(feature)
            column = self._columns[feature.name][1]
            for start, stop, first in runs:
                column[first : first + stop - start] = found[start:stop]

    def columns(self) -> list[Column]:
        return list(self._columns.values())

    def _column(self, feature: Feature) -> np.ndarray:
        if feature.is_text:
            return np.empty(self._points, dtype=object)
        return large_empty(self._points)


def _runs(place: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Where places follow each other: from one position to another, and the place of the first."""
    breaks = np.flatnonzero(np.diff(place) != 1) + 1
    edges = [0, *breaks.tolist(), len(place)]
    for start, stop in itertools.pairwise(edges):
        yield start, stop, int(place[start])
