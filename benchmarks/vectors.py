"""What vectors cost against the cheapest pass there is: DuckDB counting and summing by customer.

Both are measured in one run, alternately; the figures are medians of the ratios.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.measuring import one_pass, side_by_side
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
            "one pass: count and sum by customer": lambda: one_pass(usage),
            "vectors at 1 cutoff": lambda: _vectors(data, CUTOFFS[-1:]),
            "vectors at 12 cutoffs": lambda: _vectors(data, CUTOFFS),
        }
        lines = side_by_side(jobs, ROUNDS)
    return "\n".join(
        [
            f"{simulated.rows['usage']:,} usage events, {CUSTOMERS:,} customers, {MONTHS} months.",
            "",
            *lines,
        ]
    )


def _vectors(data: Path, cutoffs: list[date]) -> object:
    definition = Definition()
    histories = read_histories(Source(str(data)), needed=definition.needed)
    points = make_points(histories, definition, cutoffs)
    plan = make_plan(histories, windows=[7, 30, 90, 365], known_before=cutoffs[0])
    vectors = build_vectors(histories, plan, points)
    histories.close()
    return vectors
