"""What vectors cost against the cheapest pass there is: DuckDB counting and summing by customer.

Both are measured in one run, alternately; the figures are medians of the ratios.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from features.churn import Definition
from features.histories import read_histories
from features.plan import make_plan
from features.points import make_points
from features.sources import Source
from features.vectors import build_vectors
from pipeline.simulate import simulate

CUSTOMERS, MONTHS, SEED, ROUNDS = 20_000, 24, 11, 3
CUTOFFS = [date(2025, 11, 1)] + [date(2026, month, 1) for month in range(1, 12)]


def run() -> str:
    """Measure, and return a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        simulated = simulate(data, customers=CUSTOMERS, months=MONTHS, seed=SEED)
        usage = data / "usage.parquet"
        jobs: dict[str, Callable[[], object]] = {
            "one pass: count and sum by customer": lambda: _one_pass(usage),
            "vectors at 1 cutoff": lambda: _vectors(data, CUTOFFS[-1:]),
            "vectors at 12 cutoffs": lambda: _vectors(data, CUTOFFS),
        }
        for job in jobs.values():
            job()
        rounds = [{name: _measure(job) for name, job in jobs.items()} for _ in range(ROUNDS)]
    lines = [
        f"{simulated.rows['usage']:,} usage events, {CUSTOMERS:,} customers, {MONTHS} months.",
        "",
        "| job | CPU s | wall s | CPU against one pass |",
        "| --- | ---: | ---: | ---: |",
    ]
    first = next(iter(jobs))
    for name in jobs:
        cpu = statistics.median(r[name][0] for r in rounds)
        wall = statistics.median(r[name][1] for r in rounds)
        ratio = statistics.median(r[name][0] / r[first][0] for r in rounds)
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {ratio:.1f} |")
    return "\n".join(lines)


def _one_pass(usage: Path) -> object:
    query = f"SELECT customer_id, count(*), sum(value) FROM '{usage}' GROUP BY 1"
    return duckdb.sql(query).arrow()


def _vectors(data: Path, cutoffs: list[date]) -> object:
    definition = Definition()
    histories = read_histories(Source(str(data)), needed=definition.needed)
    points = make_points(histories, definition, cutoffs)
    plan = make_plan(histories, windows=[7, 30, 90, 365], known_before=cutoffs[0])
    vectors = build_vectors(histories, plan, points)
    histories.close()
    return vectors


def _measure(job: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return time.process_time() - cpu, time.perf_counter() - wall
