"""One job in a process of its own, so that its memory and its CPU time are its own.

`python -m benchmarks.jobs JOB`, with a `Job` as JSON, prints its `Cost` as JSON. Imports and a
first run on a tiny world come before the clock runs, for everybody: what is paid once is not
counted.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.work import CUTOFFS

RIVALS = {
    "pandas": "pandas_loop",
    "polars": "polars_lazy",
    "duckdb": "duckdb_range_join",
    "featuretools": "featuretools_dfs",
}


@dataclass(frozen=True)
class Job:
    """What to do, on which histories, after which first run.

    Attributes
    ----------
    what
        ``one pass``, ``vectors``, ``vectors from files``, ``check``, or one of `RIVALS`.
    folder, warm_up
        Histories to measure with, and tiny ones for the first run.
    cutoffs, memory_limit
        For our vectors.
    out
        A Parquet file for the result.
    """

    what: str
    folder: str
    warm_up: str
    cutoffs: int = CUTOFFS
    memory_limit: str | None = None
    out: str | None = None


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (all threads, user and system) and of the clock, and the peak memory.

    The peak is that of the whole process, the tool and its imports included.
    """

    cpu: float
    wall: float
    peak_megabytes: int
    rows: int | None
    columns: int | None


def cost_of(job: Job) -> Cost:
    """Do a job, and tell what it cost."""
    _prepared(job, Path(job.warm_up))()
    run = _prepared(job, Path(job.folder))
    wall, cpu = time.perf_counter(), cpu_seconds()
    result = run()
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    rows, columns = getattr(result, "shape", (None, None))
    cost = Cost(cpu, wall, peak_megabytes(), rows, columns)
    if job.out:
        _write(result, job.out)
    return cost


def _prepared(job: Job, folder: Path) -> Callable[[], object]:
    """The job, ready to run."""
    if job.what in RIVALS:
        return partial(import_module(f"benchmarks.rivals.{RIVALS[job.what]}").vectors, folder)
    # Not known to the environment that some of the others run in.
    from benchmarks import ours

    match job.what:
        case "vectors":
            return ours.vectors_of_opened(folder, job.cutoffs, job.memory_limit)
        case "vectors from files":
            return partial(ours.vectors_from_files, folder, job.cutoffs, job.memory_limit)
        case "one pass":
            return partial(ours.one_pass, folder)
        case "check":
            return partial(ours.check, folder)
    raise ValueError(f"no such job: {job.what}")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> int:
    """Of this process alone: what getrusage tells began with the memory of the one above."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) / 1024)


def _write(result: Any, file: str) -> None:
    """A table of pandas, Polars or Arrow."""
    if hasattr(result, "to_parquet"):
        result.to_parquet(file)
    elif hasattr(result, "write_parquet"):
        result.write_parquet(file)
    else:
        import pyarrow.parquet as pq

        pq.write_table(result, file)


if __name__ == "__main__":
    print(json.dumps(asdict(cost_of(Job(**json.loads(sys.argv[1]))))))
