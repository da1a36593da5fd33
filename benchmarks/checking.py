"""What the check of 20 million rows costs, and how much memory it takes.

Times are measured beside the cheapest pass over the same file; memory in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measuring import one_pass, side_by_side
from features.churn import Definition
from features.histories import read_histories
from features.inspection import inspect
from features.leaks import suspects
from features.sources import Source

ROWS, CUSTOMERS, ROUNDS = 20_000_000, 100_000, 5
DEFINITION = Definition(kind="inactivity", activity=("usage",))


def run() -> str:
    """Measure, and return a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        write_histories(Path(folder), ROWS, CUSTOMERS)
        usage = Path(folder) / "usage.parquet"
        lines = side_by_side(
            {
                "one pass: count and sum by customer": lambda: one_pass(usage),
                "the whole check": lambda: check(Path(folder)),
            },
            ROUNDS,
        )
        command = [sys.executable, "-m", "benchmarks.checking", folder]
        peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return "\n".join(
        [
            f"{ROWS:,} rows of usage by {CUSTOMERS:,} customers: contract, findings, leak "
            f"suspects. Peak memory {peak} MB, Python and its packages included.",
            "",
            *lines,
        ]
    )


def write_histories(folder: Path, rows: int, customers: int) -> None:
    """Random usage over two years, without any fault."""
    events = "['login', 'view', 'export', 'api', 'search', 'share']"
    connection = duckdb.connect()
    connection.execute(
        f"""COPY (
            SELECT (hash(i) % {customers})::BIGINT AS customer_id,
                TIMESTAMP '2024-01-01'
                    + to_microseconds((hash(i * 7 + 1) % (730 * 86400000000))::BIGINT) occurred_at,
                {events}[(hash(i * 3) % 6)::INT + 1] AS event,
                ((hash(i * 5) % 10000) / 100.0)::DOUBLE AS value
            FROM range({rows}) AS t(i) ORDER BY i
        ) TO '{folder / "usage.parquet"}'"""
    )
    connection.execute(
        f"""COPY (
            SELECT i AS customer_id, TIMESTAMP '2023-12-01' + to_days((i % 20)::INT) signed_up_at
            FROM range({customers}) AS t(i)
        ) TO '{folder / "customers.parquet"}'"""
    )
    connection.close()


def check(folder: Path) -> None:
    """What `churn check` does, without printing."""
    source = Source(str(folder))
    histories = read_histories(source, needed_any=("usage",))
    inspect(histories, source)
    suspects(histories, DEFINITION)
    histories.close()


def _peak_megabytes() -> int:
    """Of this process alone: what getrusage tells began with the memory of the one above."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) / 1024)


if __name__ == "__main__":
    check(Path(sys.argv[1]))
    print(_peak_megabytes())
