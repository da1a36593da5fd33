"""DuckDB: what customers did by day, joined with the points after it, then aggregated with filters.

What does not fit into the memory limit spills to disk. (Joining the events themselves took twice
the CPU time, and counting their distinct days more still.)
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.work import KINDS, WINDOWS

MEMORY_LIMIT = "4GB"


def vectors(folder: Path) -> pa.Table:
    """One row per point."""
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{spill}'")
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET preserve_insertion_order = false")
        return connection.sql(_query(folder)).to_arrow_table()


def _query(folder: Path) -> str:
    usage, points = (f"'{folder / name}.parquet'" for name in ("usage", "points"))
    kinds = [f"count(*) FILTER (event = '{kind}') AS {kind}" for kind in KINDS]
    measures = [measure for days in WINDOWS for measure in _window(days)]
    return f"""
        WITH days AS (
            SELECT customer_id, occurred_at::DATE AS day, count(*) AS events, sum(value) AS total,
                max(value) AS largest, min(occurred_at) AS first, max(occurred_at) AS last,
                {", ".join(kinds)}
            FROM {usage}
            GROUP BY customer_id, day
        ),
        past AS (
            SELECT days.*, cutoff, cutoff::DATE - day AS age
            FROM days
            JOIN {points} AS points ON points.customer_id = days.customer_id AND day < cutoff
        ),
        found AS (
            SELECT customer_id, cutoff, {", ".join(measures)},
                sum(events) AS count_ever,
                epoch(cutoff - max(last)) / 86400 AS days_since_last,
                epoch(cutoff - min(first)) / 86400 AS days_since_first
            FROM past
            GROUP BY customer_id, cutoff
        )
        SELECT customer_id, cutoff,
            coalesce(COLUMNS('count|sum|active_days'), 0)::DOUBLE,
            COLUMNS('mean|max|since')
        FROM {points} AS points
        LEFT JOIN found USING (customer_id, cutoff)"""


def _window(days: int) -> list[str]:
    last, before = f"FILTER (age <= {days})", f"FILTER (age > {days} AND age <= {2 * days})"
    measures = {
        f"count_{days}d": f"sum(events) {last}",
        f"active_days_{days}d": f"count(*) {last}",
        f"value_sum_{days}d": f"sum(total) {last}",
        f"value_mean_{days}d": f"sum(total) {last} / sum(events) {last}",
        f"value_max_{days}d": f"max(largest) {last}",
        **{f"{kind}_count_{days}d": f"sum({kind}) {last}" for kind in KINDS},
        f"count_before_{days}d": f"sum(events) {before}",
        f"value_sum_before_{days}d": f"sum(total) {before}",
    }
    return [f"{measure} AS {name}" for name, measure in measures.items()]
