"""What `churn kpis` costs on 20 million usage events and 2 million payments, the whole command.

Unlike the other jobs it is timed as it is typed: a process of its own, its start, its imports and
the reading and checking of all histories included.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.histories import EVENTS_A_CUSTOMER, LAST_DAY, MICROSECONDS_A_DAY, write_histories
from benchmarks.measuring import ROOT, bar
from features.timeline import day_number

EVENTS, PAYMENTS_SHARE = 20_000_000, 0.1
ROUNDS = 3
MOST_SECONDS = 10.0
FAILED, NOTICED = 0.05, 0.6
NOTICE_DAYS = 14
DEFINITIONS = {
    "subscription": ["--by", "plan", "--by", "tenure"],
    "inactivity": ["--by", "plan", "--by", "tenure"],
}


@dataclass(frozen=True)
class Timed:
    """A run of the command: seconds on the clock and of CPU, and what it found."""

    wall: float
    cpu: float
    found: dict[str, object]


def run(scale: float = 1.0, rounds: int = ROUNDS) -> str:
    """Measure the command by two churn definitions, and return a Markdown table."""
    events = int(EVENTS * scale)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_business(folder / "data", events)
        runs = {name: [command(folder, name) for _ in range(rounds)] for name in DEFINITIONS}
    slowest = max(statistics.median(one.wall for one in timed) for timed in runs.values())
    return "\n".join(
        [
            f"{events:,} usage events, {int(events * PAYMENTS_SHARE):,} payments, "
            f"{events // EVENTS_A_CUSTOMER:,} customers, three years; by month, plan and tenure. "
            "The whole command, its start included.",
            "",
            "| churn by | periods | wall s | CPU s |",
            "| --- | ---: | ---: | ---: |",
            *[_line(name, timed) for name, timed in runs.items()],
            "",
            bar("the slower one", slowest, MOST_SECONDS, " s"),
        ]
    )


def _line(name: str, timed: list[Timed]) -> str:
    wall, cpu = (statistics.median(getattr(one, kind) for one in timed) for kind in ("wall", "cpu"))
    periods = timed[0].found["periods"]
    assert isinstance(periods, list)
    return f"| {name} | {len(periods)} | {wall:.1f} | {cpu:.1f} |"


def command(folder: Path, definition: str) -> Timed:
    """Run `churn kpis` on the histories in a folder."""
    config = folder / f"{definition}.toml"
    config.write_text(f'[data]\nsource = "data"\n[churn]\ndefinition = "{definition}"\n')
    arguments = ["kpis", "--json", "-c", str(config), *DEFINITIONS[definition]]
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, after = time.perf_counter() - begun, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Timed(wall, cpu, json.loads(done.stdout))


def write_business(folder: Path, events: int, *, seed: int = 5) -> None:
    """Histories of usage and subscriptions, with notice given, and payments for a tenth of them."""
    write_histories(folder, events)
    random = np.random.default_rng(seed)
    file = folder / "subscriptions.parquet"
    rows = pq.read_table(file)
    started, ended = (_days(rows[name]) for name in ("started_at", "ended_at"))
    silent = np.isnan(ended) | (random.random(len(rows)) > NOTICED)
    noticed = np.maximum(np.nan_to_num(ended) - NOTICE_DAYS, started)
    rows = rows.append_column("cancelled_at", _moments(noticed, silent))
    pq.write_table(rows, file)
    last = day_number(LAST_DAY) + 1
    until = np.minimum(np.where(np.isnan(ended), last, ended), last)
    _write_payments(folder, random, int(events * PAYMENTS_SHARE), (started, until), rows)


def _write_payments(
    folder: Path,
    random: np.random.Generator,
    payments: int,
    stay: tuple[np.ndarray, np.ndarray],
    subscriptions: pa.Table,
) -> None:
    """At any moment of a stay, the longer ones oftener."""
    started, until = stay
    upto = np.cumsum(until - started)
    drawn = random.random(payments) * upto[-1]
    who = np.minimum(np.searchsorted(upto, drawn, side="right"), len(upto) - 1)
    day = until[who] - (upto[who] - drawn)
    failed = random.random(payments) < FAILED
    table = pa.table(
        {
            "customer_id": subscriptions["customer_id"].to_numpy()[who],
            "occurred_at": _moments(day, np.zeros(payments, dtype=bool)),
            "amount": subscriptions["price"].to_numpy()[who],
            "status": np.where(failed, "failed", "paid"),
        }
    )
    pq.write_table(table.sort_by("occurred_at"), folder / "payments.parquet")


def _days(column: pa.ChunkedArray) -> np.ndarray:
    micros = pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False)
    return micros.to_numpy() / MICROSECONDS_A_DAY


def _moments(days: np.ndarray, missing: np.ndarray) -> pa.Array:
    micros = (days * MICROSECONDS_A_DAY).astype(np.int64)
    return pa.array(micros, mask=missing).cast(pa.timestamp("us"))
