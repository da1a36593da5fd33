"""Jobs measured side by side: medians of ratios in one run, since times are noisy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb


def one_pass(usage: Path) -> object:
    """The cheapest pass there is: DuckDB counting and summing by customer."""
    query = f"SELECT customer_id, count(*), sum(value) FROM '{usage}' GROUP BY 1"
    return duckdb.sql(query).to_arrow_table()


def side_by_side(jobs: Mapping[str, Callable[[], object]], rounds: int) -> list[str]:
    """Markdown lines with the median times of the jobs, and their ratio to the first one."""
    for job in jobs.values():
        job()
    measured = [{name: _measure(job) for name, job in jobs.items()} for _ in range(rounds)]
    first = next(iter(jobs))
    lines = [
        "| job | CPU s | wall s | CPU against one pass | wall against one pass |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in jobs:
        cpu, wall = (statistics.median(r[name][kind] for r in measured) for kind in (0, 1))
        ratios = [
            statistics.median(r[name][kind] / r[first][kind] for r in measured) for kind in (0, 1)
        ]
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    return lines


def _measure(job: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return time.process_time() - cpu, time.perf_counter() - wall
