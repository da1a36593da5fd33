"""Plain pandas: for each cutoff and window, select the events and group them by customer.

The log is kept sorted by time, so that a window is a slice; only built-in aggregations are used.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.work import KINDS, WINDOWS

A_DAY = pd.Timedelta(days=1)


def vectors(folder: Path) -> pd.DataFrame:
    """One row per point."""
    usage = pd.read_parquet(folder / "usage.parquet")
    usage["event"] = usage["event"].astype(pd.CategoricalDtype(list(KINDS)))
    usage["day"] = usage["occurred_at"].dt.floor("D")
    if not usage["occurred_at"].is_monotonic_increasing:
        usage = usage.sort_values("occurred_at", ignore_index=True)
    points = pd.read_parquet(folder / "points.parquet")
    return pd.concat(
        [
            _at_cutoff(usage, cutoff, active["customer_id"])
            for cutoff, active in points.groupby("cutoff")
        ],
        ignore_index=True,
    )


def _at_cutoff(usage: pd.DataFrame, cutoff: pd.Timestamp, active: pd.Series) -> pd.DataFrame:
    past = usage.iloc[: usage["occurred_at"].searchsorted(cutoff)]
    past = past[past["customer_id"].isin(active)]
    parts = [_window(past, cutoff, days) for days in WINDOWS]
    seen = past.groupby("customer_id")["occurred_at"].agg(["count", "max", "min"])
    parts.append(
        pd.DataFrame(
            {
                "count_ever": seen["count"],
                "days_since_last": (cutoff - seen["max"]) / A_DAY,
                "days_since_first": (cutoff - seen["min"]) / A_DAY,
            }
        )
    )
    found = pd.concat([part.reindex(active) for part in parts], axis=1)
    counts = [c for c in found.columns if "count" in c or "sum" in c or "active_days" in c]
    found[counts] = found[counts].fillna(0)
    return found.rename_axis("customer_id").reset_index().assign(cutoff=cutoff)


def _window(past: pd.DataFrame, cutoff: pd.Timestamp, days: int) -> pd.DataFrame:
    start, before = cutoff - days * A_DAY, cutoff - 2 * days * A_DAY
    first, previous = (
        past["occurred_at"].searchsorted(start),
        past["occurred_at"].searchsorted(before),
    )
    rows, rows_before = past.iloc[first:], past.iloc[previous:first]
    by_customer = rows.groupby("customer_id")
    value = by_customer["value"].agg(["size", "sum", "mean", "max"])
    active = rows[["customer_id", "day"]].drop_duplicates().groupby("customer_id").size()
    kinds = rows.groupby(["customer_id", "event"], observed=False).size().unstack()
    value_before = rows_before.groupby("customer_id")["value"].agg(["size", "sum"])
    return pd.DataFrame(
        {
            "count": value["size"],
            "active_days": active,
            "value_sum": value["sum"],
            "value_mean": value["mean"],
            "value_max": value["max"],
            **{f"{kind}_count": kinds[kind] for kind in KINDS},
            "count_before": value_before["size"],
            "value_sum_before": value_before["sum"],
        }
    ).add_suffix(f"_{days}d")
