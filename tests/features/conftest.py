"""Small visible tables in, vectors and labels out: what the tests of `features` share."""

from __future__ import annotations

import csv
from collections import deque
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, settings

from features.cut import Points
from features.histories import read_histories
from features.plan import make_plan
from features.points import UNKNOWN, LabelledPoints
from features.sources import Source
from features.vectors import build_vectors

# Repeatable; and without shrinking, which would run the engine for minutes.
settings.register_profile(
    "features", deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)
settings.load_profile("features")

MOST_OPEN = 4
"""Engines that stay open at a time: a property opens one or two for each example."""


def _cells(text):
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def _write(folder, name, rows):
    """A table as text with bars becomes CSV; an Arrow table, or a list of rows, Parquet."""
    if isinstance(rows, str):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(_cells(rows))
        return
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    pq.write_table(table, folder / f"{name}.parquet")


@pytest.fixture(scope="session")
def write(tmp_path_factory):
    """Writes tables, given by name, to a folder of their own: ``write({"usage": ...})``."""

    def to_folder(tables) -> Path:
        folder = tmp_path_factory.mktemp("tables", numbered=True)
        for name, rows in tables.items():
            _write(folder, name, rows)
        return folder

    return to_folder


@pytest.fixture(scope="session")
def _opened():
    return deque()


@pytest.fixture(scope="session")
def read(write, _opened):
    """Histories from tables: ``read({"usage": ...}, needed=(...), timezone=...)``."""

    def histories(tables, *, timezone="UTC", columns=None, max_bad_share=1.0, **options):
        source = Source(str(write(tables)), timezone=timezone, columns=columns or {})
        _opened.append(read_histories(source, max_bad_share=max_bad_share, **options))
        while len(_opened) > MOST_OPEN:
            _opened.popleft().close()
        return _opened[-1]

    return histories


@pytest.fixture(autouse=True)
def _close(_opened):
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture(scope="session")
def everyone():
    """Every customer of some histories at every cutoff, without labels."""

    def points(histories, cutoffs):
        customers, n = histories.customers, len(cutoffs)
        return LabelledPoints(
            cutoffs=tuple(cutoffs),
            points=Points(
                np.repeat(np.arange(n, dtype=np.int32), customers),
                np.tile(np.arange(customers, dtype=np.int32), n),
            ),
            churned=np.full(n * customers, UNKNOWN),
            counts=(),
        )

    return points


@pytest.fixture(scope="session")
def vectors(read, everyone):
    """Vectors of every customer: ``vectors(tables, ["2025-02-01"], windows=(30,))``."""

    def of(tables, cutoffs, *, windows=(30,), plan=None, **options):
        days = [date.fromisoformat(day) for day in cutoffs]
        histories = read(tables, **options) if isinstance(tables, dict) else tables
        plan = plan or make_plan(histories, windows=windows, known_before=max(days))
        return build_vectors(histories, plan, everyone(histories, days), labels=False)

    return of


@pytest.fixture(scope="session")
def seen(vectors):
    """One feature at one cutoff: ``{customer: value}``, missing values as None.

    The vectors of tables given as text are kept: a test that asks for seven features of a table
    needs one pass.
    """
    kept = {}

    def frame_of(tables, cutoff, options):
        if not isinstance(tables, dict) or not all(isinstance(t, str) for t in tables.values()):
            return vectors(tables, [cutoff], **options).frame
        key = (*sorted(tables.items()), cutoff, *sorted(options.items()))
        if key not in kept:
            kept[key] = vectors(tables, [cutoff], **options).frame
        return kept[key]

    def of(tables, cutoff, feature, **options):
        frame = frame_of(tables, cutoff, options)
        values = frame[feature].astype(object).where(frame[feature].notna(), None)
        return dict(zip(frame["customer_id"].tolist(), values.tolist(), strict=True))

    return of
