"""What vectors cost: beside one pass over the events, beside other tools, with more of everything.

`work` says what everybody does. Before the clock runs, all of them do it on a small world, and
their numbers are compared with ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks import side
from benchmarks.agreement import compare, write_points
from benchmarks.histories import EVENTS_A_CUSTOMER, write_histories
from benchmarks.jobs import RIVALS, Job
from benchmarks.measuring import alternately, bar, measured
from benchmarks.work import CUTOFFS, WINDOWS, columns

EVENTS, FEATURETOOLS_EVENTS, LARGE_EVENTS = 20_000_000, 2_000_000, 100_000_000
WARM_UP_EVENTS, AGREEMENT_EVENTS = 20_000, 200_000
ROUNDS, SLOW_ROUNDS = 5, 1
GROWTH = (1, 6, 12, 24)
LARGE_LIMIT = "1500MB"

ONE_PASS, OURS = "one pass", "vectors"
WITH_READING = "vectors, reading and checking included"
NAMES = {
    "pandas": "pandas, cutoff by cutoff",
    "polars": "polars, lazy",
    "duckdb": "DuckDB, range join",
    "featuretools": "featuretools",
}


def comparison(scale: float = 1.0) -> str:
    """Everybody on the same work: a table for all that can do it, one for featuretools."""
    agreed()
    with worlds(int(EVENTS * scale)) as (large, warm_up):
        job = Job("one pass", str(large), str(warm_up))
        found = alternately(
            {
                ONE_PASS: (job, ROUNDS),
                OURS: (replace(job, what="vectors"), ROUNDS),
                WITH_READING: (replace(job, what="vectors from files"), ROUNDS),
                **_rivals(job, "pandas", "polars", "duckdb"),
            }
        )
    with worlds(int(FEATURETOOLS_EVENTS * scale)) as (small, warm_up):
        job = replace(job, folder=str(small), warm_up=str(warm_up))
        found_small = alternately(
            {
                ONE_PASS: (job, ROUNDS),
                OURS: (replace(job, what="vectors"), ROUNDS),
                **_rivals(job, "featuretools"),
            }
        )
    bars = [
        bar("CPU time of vectors against one pass", found.ratio(OURS, ONE_PASS), 6, "x"),
        bar("peak memory of vectors", found.median(OURS, "peak_megabytes"), 1500, " MB"),
    ]
    theirs = NAMES["featuretools"]
    if theirs not in found_small.failed:
        faster = found_small.ratio(theirs, OURS, "wall")
        bars.append(bar("featuretools' wall time against ours", faster, 50, "x", least=True))
    return "\n".join(
        [
            about(int(EVENTS * scale)),
            "",
            f"Windows of {', '.join(map(str, WINDOWS))} days at {CUTOFFS} monthly cutoffs: the "
            f"others compute the {len(columns())} columns that `benchmarks/work.py` tells, ours "
            "those and more, and is told the kinds of events as the others are. Their numbers were "
            f"compared with ours, on {AGREEMENT_EVENTS:,} events, before.",
            "",
            *found.table(ONE_PASS),
            "",
            f"featuretools, on {int(FEATURETOOLS_EVENTS * scale):,} events:",
            "",
            *found_small.table(ONE_PASS),
            "",
            *bars,
        ]
    )


def growth(scale: float = 1.0) -> str:
    """What more cutoffs cost."""
    with worlds(int(EVENTS * scale)) as (folder, warm_up):
        names = {count: f"vectors at {count} cutoff{'s' if count > 1 else ''}" for count in GROWTH}
        job = Job("vectors", str(folder), str(warm_up))
        found = alternately(
            {names[count]: (replace(job, cutoffs=count), ROUNDS) for count in GROWTH}
        )
    first, last = names[GROWTH[0]], names[GROWTH[-1]]
    grown = found.ratio(last, first)
    return "\n".join(
        [
            about(int(EVENTS * scale)),
            "",
            *found.table(first),
            "",
            bar(f"CPU time from {GROWTH[0]} to {GROWTH[-1]} cutoffs", grown, 2.5, "x"),
        ]
    )


def large(scale: float = 1.0) -> str:
    """What many events cost, with a limit to the engine's memory."""
    with worlds(int(LARGE_EVENTS * scale)) as (folder, warm_up):
        job = Job("vectors from files", str(folder), str(warm_up), memory_limit=LARGE_LIMIT)
        found = alternately(
            {
                ONE_PASS: (replace(job, what="one pass"), SLOW_ROUNDS),
                "vectors at 1 cutoff": (replace(job, cutoffs=1), SLOW_ROUNDS),
                f"vectors at {CUTOFFS} cutoffs": (job, SLOW_ROUNDS),
            }
        )
    peak = max(found.median(name, "peak_megabytes") for name in found.costs[0])
    return "\n".join(
        [
            about(int(LARGE_EVENTS * scale)),
            "",
            f'Reading and checking included, with `memory_limit = "{LARGE_LIMIT}"`.',
            "",
            *found.table(ONE_PASS),
            "",
            bar("peak memory", peak, 4000, " MB"),
        ]
    )


def agreed() -> None:
    """Let everybody work on a small world, and compare.

    Raises
    ------
    agreement.Disagreement
        When somebody's numbers are not ours.
    """
    with worlds(AGREEMENT_EVENTS) as (folder, warm_up):
        ours = _result(Job("vectors", str(folder), str(warm_up)))
        for rival in RIVALS:
            # Without their environment some cannot be measured at all, which the page then says.
            with suppress(side.Missing):
                compare(_result(Job(rival, str(folder), str(warm_up))), ours, rival)


def _result(job: Job) -> pd.DataFrame:
    file = f"{job.folder}/result.parquet"
    measured(replace(job, out=file))
    return pd.read_parquet(file)


@contextmanager
def worlds(events: int) -> Iterator[tuple[Path, Path]]:
    """Folders with histories to measure with and with tiny ones, both with their points."""
    with tempfile.TemporaryDirectory() as place:
        folders = Path(place) / "measured", Path(place) / "warm_up"
        for folder, size in zip(folders, (events, WARM_UP_EVENTS), strict=True):
            write_histories(folder, size)
            write_points(folder)
        yield folders


def _rivals(job: Job, *names: str) -> dict[str, tuple[Job, int]]:
    return {NAMES[name]: (replace(job, what=name), SLOW_ROUNDS) for name in names}


def about(events: int) -> str:
    """What is measured with."""
    return (
        f"{events:,} usage events in time order, {events // EVENTS_A_CUSTOMER:,} customers, "
        "three years."
    )
