"""featuretools: deep feature synthesis at the points' cutoff times, once for every window.

A window is a training window, without the cutoff itself; the days before a window are twice the
window less the window, since training windows end at the cutoff.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import featuretools as ft
import pandas as pd
from featuretools.primitives import TimeSinceFirst, TimeSinceLast

from benchmarks.work import KINDS, WINDOWS

NAMES = {
    "COUNT(usage)": "count",
    "NUM_UNIQUE(usage.day)": "active_days",
    "SUM(usage.value)": "value_sum",
    "MEAN(usage.value)": "value_mean",
    "MAX(usage.value)": "value_max",
    **{f"COUNT(usage WHERE event = {kind})": f"{kind}_count" for kind in KINDS},
}
EVER = {
    "COUNT(usage)": "count_ever",
    "TIME_SINCE_LAST(usage.occurred_at, unit=days)": "days_since_last",
    "TIME_SINCE_FIRST(usage.occurred_at, unit=days)": "days_since_first",
}


def vectors(folder: Path) -> pd.DataFrame:
    """One row per point."""
    warnings.filterwarnings("ignore", module="featuretools|woodwork")
    points = pd.read_parquet(folder / "points.parquet")
    points = points.rename(columns={"cutoff": "time"})
    entities = _entities(folder, points)
    since = [TimeSinceLast(unit="days"), TimeSinceFirst(unit="days")]
    parts = [_synthesis(entities, points, ["count", *since]).rename(columns=EVER)[[*EVER.values()]]]
    for days in WINDOWS:
        parts += _window(entities, points, days)
    found = pd.concat(parts, axis=1)
    return found.rename_axis(["customer_id", "cutoff"]).reset_index()


def _entities(folder: Path, points: pd.DataFrame) -> ft.EntitySet:
    usage = pd.read_parquet(folder / "usage.parquet")
    usage["day"] = usage["occurred_at"].dt.floor("D").astype("category")
    usage["usage_id"] = range(len(usage))
    entities = ft.EntitySet("histories")
    customers = points[["customer_id"]].drop_duplicates()
    entities.add_dataframe(customers, "customers", index="customer_id")
    entities.add_dataframe(
        usage,
        "usage",
        index="usage_id",
        time_index="occurred_at",
        logical_types={"event": "Categorical", "day": "Categorical"},
    )
    entities.add_interesting_values(dataframe_name="usage", values={"event": list(KINDS)})
    return entities.add_relationship("customers", "customer_id", "usage", "customer_id")


def _window(entities: ft.EntitySet, points: pd.DataFrame, days: int) -> list[pd.DataFrame]:
    primitives = ["count", "num_unique", "sum", "mean", "max"]
    last = _synthesis(entities, points, primitives, days).rename(columns=NAMES)[[*NAMES.values()]]
    last["active_days"] = last["active_days"].fillna(0)
    both = _synthesis(entities, points, ["count", "sum"], 2 * days).rename(columns=NAMES)
    before = both[["count", "value_sum"]] - last[["count", "value_sum"]]
    return [last.add_suffix(f"_{days}d"), before.add_suffix(f"_before_{days}d")]


def _synthesis(
    entities: ft.EntitySet, points: pd.DataFrame, primitives: Sequence[Any], days: int | None = None
) -> pd.DataFrame:
    matrix, _ = ft.dfs(
        entityset=entities,
        target_dataframe_name="customers",
        cutoff_time=points,
        cutoff_time_in_index=True,
        include_cutoff_time=False,
        training_window=None if days is None else f"{days} days",
        agg_primitives=list(primitives),
        where_primitives=["count"] if "max" in primitives else [],
        trans_primitives=[],
        max_depth=1,
        ignore_columns={"usage": [] if "max" in primitives else ["day", "event"]},
    )
    return matrix
