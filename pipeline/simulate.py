"""Demo histories with a known truth: what drives each customer's churn, and how likely it is.

A simulated subscription business stands in for data that cannot be shared, and it is the only
kind in which a model's probabilities and reasons can be compared with the real ones.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UsageError
from pipeline.world import NEVER, Calendar, Settings
from pipeline.world_campaigns import campaign_months, campaign_range
from pipeline.world_life import Streams
from pipeline.world_tables import TABLES
from pipeline.world_truth import Lived, live

MAX_CUSTOMERS = 200_000
MIN_MONTHS, MAX_MONTHS = 3, 120
STREAMS = (
    *("people", "engagement", "dunning", "support", "contract", "leaving", "mood", *TABLES),
    *("temper", "answers", "campaigns"),  # last: the others stay what they are
)


@dataclass(frozen=True)
class Simulated:
    """What was written: the folder, rows per table, and whom the business lost."""

    path: Path
    rows: dict[str, int]
    churned: int
    months: list[dt.date]


def simulate(out: Path, *, customers: int, months: int, seed: int, campaigns: int = 0) -> Simulated:
    """Write the six tables of a simulated business to the folder `out`, and `truth.parquet`.

    The history ends at 2026-11-01 and begins `months` earlier; `customers` sign up within it.
    The same arguments give the same bytes. The folder appears whole or not at all; one that an
    earlier run wrote is replaced, any other that holds files is left alone with a `UsageError`.

    `truth.parquet` has a row per customer and first of a month at which the customer was active:
    the true probability of leaving within that month, what each cause adds to its log-odds
    (`churn_probability` is the logistic function of `log_odds_base` plus all `cause_*`), which
    cause is the main one, whether it is so clearly, and whether the customer left.

    In `campaigns` months of the second half the business contacts customers, holds others out at
    random, and writes both to `contacts.parquet`. For these the truth tells `contact_action`,
    `contact_group` and `churn_probability_contacted`, the probability if contacted so;
    `churn_probability` is that without any contact in the month.
    """
    _check_number("--customers", customers, 1, MAX_CUSTOMERS)
    _check_number("--months", months, MIN_MONTHS, MAX_MONTHS)
    _check_number("--seed", seed, 0, 2**63 - 1)
    first, last = campaign_range(months)
    _check_number("--campaigns", campaigns, 0, max(last - first + 1, 0))
    out = Path(out).resolve()
    _check_folder(out)
    streams = streams_of(seed)
    run = campaign_months(months, campaigns)
    lived = live(customers, Calendar(months), Settings(), streams, campaigns=run)
    rows = write_folder(out, lived, streams)
    history = lived.history
    cutoffs = history.calendar.names[:months].astype("datetime64[D]").tolist()
    return Simulated(out, rows, int((history.ended < NEVER).sum()), cutoffs)


def streams_of(seed: int) -> Streams:
    """A stream of random numbers for each part of the world and each table."""
    children = np.random.SeedSequence(seed).spawn(len(STREAMS))
    return {name: np.random.default_rng(c) for name, c in zip(STREAMS, children, strict=True)}


def _check_number(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(
            f"{option} is out of range",
            where=f"churn simulate {option}",
            value=value,
            allowed=f"a whole number from {least} to {most}",
        )


def _check_folder(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out.is_dir() and (out / "truth.parquet").is_file()):
        raise UsageError(
            "the place for the demo histories is taken by something that was not simulated",
            where="churn simulate OUT",
            value=out,
            allowed="a new or empty folder, or one that churn simulate wrote",
            fix="name another folder",
        )


def write_folder(out: Path, lived: Lived, streams: Streams) -> dict[str, int]:
    """Write beside the place, then move there; what else lay in the old folder comes along."""
    mark = secrets.token_hex(4)
    part = out.with_name(f".{out.name}.part-{mark}")
    old = out.with_name(f".{out.name}.old-{mark}")
    _make_folder(part)
    try:
        rows = {
            name: _write_table(part / f"{name}.parquet", table(lived.history, streams[name]))
            for name, table in TABLES.items()
        }
        rows["truth"] = _write_table(part / "truth.parquet", lived.truth)
        if lived.contacts is not None:
            rows["contacts"] = _write_table(part / "contacts.parquet", lived.contacts)
        if out.exists():
            out.rename(old)
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    if old.exists():
        _bring_along(old, out)
        shutil.rmtree(old)
    return rows


def _bring_along(old: Path, new: Path) -> None:
    """Move over what else lay in the old folder, but for contacts that were simulated, too."""
    simulated = "contact_group" in pq.read_schema(old / "truth.parquet").names
    for entry in old.iterdir():
        if not ((new / entry.name).exists() or (simulated and entry.name == "contacts.parquet")):
            entry.rename(new / entry.name)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(
            "the folder for the demo histories cannot be made",
            where="churn simulate OUT",
            value=f"{folder.parent}: {error.strerror}",
            allowed="a place in which you may create folders",
        ) from error


def _write_table(path: Path, table: pa.Table | Iterator[pa.Table]) -> int:
    """Write one table, given whole or in parts; the number of its rows."""
    parts = iter([table]) if isinstance(table, pa.Table) else table
    first = next(parts)
    rows: int = first.num_rows
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
    return rows
