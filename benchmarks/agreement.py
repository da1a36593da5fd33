"""Who works for which customers, and whether all came to the same numbers (see `work`)."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.histories import newest_cutoffs
from benchmarks.work import CUTOFFS, WINDOWS, columns, of_window

TOLERANCE = 1e-9
"""Relative: others add floating-point numbers up in an order of their own."""


def write_points(folder: Path) -> None:
    """Who is a customer at which cutoff, for those who do not find that out themselves."""
    cutoffs = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in newest_cutoffs(CUTOFFS))
    duckdb.sql(
        f"""COPY (
            SELECT customer_id, cutoff
            FROM '{folder / "subscriptions.parquet"}', (VALUES {cutoffs}) AS cutoffs (cutoff)
            WHERE started_at < cutoff AND (ended_at IS NULL OR ended_at >= cutoff)
            ORDER BY cutoff, customer_id
        ) TO '{folder / "points.parquet"}'"""
    )


class Disagreement(Exception):
    """Somebody's numbers are not ours."""


def compare(theirs: pd.DataFrame, ours: pd.DataFrame, who: str) -> None:
    """Hold somebody's table against our vectors.

    Raises
    ------
    Disagreement
        Naming the first column that differs, and where.
    """
    keys = ["customer_id", "cutoff"]
    theirs, ours = (
        frame.assign(cutoff=frame["cutoff"].astype("datetime64[us]"))
        .sort_values(keys)
        .set_index(keys)
        for frame in (theirs, ours)
    )
    if not theirs.index.equals(ours.index):
        raise Disagreement(f"{who}: {len(theirs)} vectors of others than our {len(ours)}")
    lacking = set(columns()) - set(theirs.columns)
    if lacking:
        raise Disagreement(f"{who}: no columns {sorted(lacking)}")
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = _as_ours(theirs.astype(np.float64))
    for name, values in expected.items():
        own = ours[name].to_numpy(np.float64)
        same = np.isclose(values, own, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if not same.all():
            at = int(np.flatnonzero(~same)[0])
            raise Disagreement(
                f"{who}: {name} of {ours.index[at]} is {values.iloc[at]!r}, ours {own[at]!r} "
                f"({(~same).sum()} of {len(same)} differ)"
            )


def _as_ours(theirs: pd.DataFrame) -> dict[str, pd.Series]:
    """Our columns, as their numbers have them."""
    found = {
        "usage_count_ever": theirs["count_ever"],
        "usage_days_since_last": theirs["days_since_last"],
    }
    lifetime = np.maximum(theirs["days_since_first"], 1.0)
    for days in WINDOWS:
        for name in of_window(days)[:-2]:
            found[f"usage_{name}"] = theirs[name]
        count, total = theirs[f"count_{days}d"], theirs[f"value_sum_{days}d"]
        before, sum_before = (theirs[f"{name}_before_{days}d"] for name in ("count", "value_sum"))
        usual = theirs["count_ever"] / lifetime * np.minimum(lifetime, days)
        found |= {
            f"usage_count_trend_{days}d": np.log1p(count) - np.log1p(before),
            f"usage_value_trend_{days}d": np.log1p(total) - np.log1p(sum_before),
            # Made from the days since the first event, which ours does not show.
            f"usage_count_vs_own_{days}d": (count / usual).where(usual > 0),
        }
    return found
