"""What is measured of ours, and the one pass that it is measured against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.histories import newest_cutoffs
from benchmarks.work import WINDOWS
from features.churn import Definition
from features.histories import Histories, read_histories
from features.inspection import inspect
from features.leaks import suspects
from features.plan import Plan, make_plan
from features.points import LabelledPoints, make_points
from features.sources import Source
from features.vectors import build_vectors

SILENCE = Definition(kind="inactivity", activity=("usage",))
SUBSCRIPTION = Definition()


def one_pass(folder: Path) -> object:
    """The cheapest pass there is: DuckDB counting and summing by customer."""
    query = "SELECT customer_id, count(*), sum(value) FROM '{}' GROUP BY 1"
    with duckdb.connect() as connection:
        return connection.sql(query.format(folder / "usage.parquet")).to_arrow_table()


def vectors_of_opened(folder: Path, cutoffs: int, memory_limit: str | None) -> Callable[[], object]:
    """The vectors alone.

    Before the clock runs the histories are opened, the points known, and the kinds of events
    chosen: the others are told all that, too.
    """
    histories, points = _opened(folder, cutoffs, memory_limit)
    plan = _plan(histories, points)
    return lambda: build_vectors(histories, plan, points).frame


def vectors_from_files(folder: Path, cutoffs: int, memory_limit: str | None) -> object:
    """The vectors with all that comes before: reading, checking, points, kinds of events."""
    histories, points = _opened(folder, cutoffs, memory_limit)
    return build_vectors(histories, _plan(histories, points), points).frame


def check(folder: Path) -> None:
    """What `churn check` does, without printing."""
    source = Source(str(folder))
    histories = read_histories(source, needed_any=SILENCE.needed_any)
    inspect(histories, source)
    suspects(histories, SILENCE)
    histories.close()


def _opened(
    folder: Path, cutoffs: int, memory_limit: str | None
) -> tuple[Histories, LabelledPoints]:
    source = Source(str(folder), memory_limit=memory_limit)
    histories = read_histories(source, needed=SUBSCRIPTION.needed)
    return histories, make_points(histories, SUBSCRIPTION, newest_cutoffs(cutoffs))


def _plan(histories: Histories, points: LabelledPoints) -> Plan:
    return make_plan(histories, windows=WINDOWS, known_before=points.cutoffs[0])
