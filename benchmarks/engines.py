"""Whether Spark says what DuckDB says: the vectors of whole businesses, number by number.

Local Spark, so its times tell what it costs to use it where one machine would do.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import businesses
from features.vectors import LABEL

TOLERANCE = 1e-9
"""Relative: by how much numbers may differ."""

CUTOFFS = 4
"""The newest ones."""

ENGINES = ("duckdb", "spark")


class Disagreement(Exception):
    """Engines that do not say the same."""


def run() -> str:
    """Build the vectors of each business on both engines, and compare; a table.

    Raises
    ------
    Disagreement
        Naming the business and the columns that differ.
    """
    lines = [
        f"Reading, checking and the vectors of the test cutoffs; a number agrees within "
        f"{TOLERANCE:g}, relative.",
        "",
        "| histories | vectors | columns | largest difference | DuckDB wall s | Spark wall s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in businesses.there():
        with tempfile.TemporaryDirectory() as folder:
            (ours, fast), (theirs, slow) = (
                _vectors(name, Path(folder), engine) for engine in ENGINES
            )
        largest = difference(ours, theirs, name)
        size = f"{len(ours):,} | {ours.shape[1]}"
        lines.append(f"| {name} | {size} | {largest:.1e} | {fast:.1f} | {slow:.1f} |")
    return "\n".join(lines)


def _vectors(name: str, folder: Path, engine: str) -> tuple[pd.DataFrame, float]:
    """The vectors with their labels, and how many seconds they took."""
    began = time.perf_counter()
    with businesses.opened(name, folder, engine=engine) as business:
        split = business.split()
        cutoffs = (*split.known, *split.test)[-CUTOFFS:]
        frame = business.vectors(cutoffs, known_before=cutoffs[0]).frame
    return frame, time.perf_counter() - began


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, name: str) -> float:
    """The largest relative difference of any two numbers; all else is equal.

    Raises
    ------
    Disagreement
        Where the rows, columns, texts or missing values differ, or a number does by more.
    """
    if list(ours.columns) != list(theirs.columns) or len(ours) != len(theirs):
        raise Disagreement(f"{name}: {theirs.shape} instead of {ours.shape}")
    largest, odd = 0.0, []
    for column in ours.columns:
        one, other = ours[column], theirs[column]
        if column == LABEL or not pd.api.types.is_float_dtype(one):
            odd += [] if one.astype("string").equals(other.astype("string")) else [column]
            continue
        one, other = one.to_numpy(), other.to_numpy()
        off = np.abs(one - other)
        relative = np.divide(off, np.maximum(np.abs(one), np.abs(other)), where=off > 0, out=off)
        same = relative <= TOLERANCE
        odd += [] if (same | (np.isnan(one) & np.isnan(other))).all() else [column]
        largest = max(largest, float(np.nan_to_num(relative).max(initial=0.0)))
    if odd:
        raise Disagreement(f"{name}: {', '.join(odd)}")
    return largest
