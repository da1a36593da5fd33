"""Polars, lazily: a query for each cutoff and window, all run as one by the streaming engine.

Filters by time are pushed down into the file. (One aggregation with filters for each cutoff, and
collecting cutoff by cutoff, were tried as well: both took longer.)
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from benchmarks.work import KINDS, WINDOWS

occurred_at, value = pl.col("occurred_at"), pl.col("value")


def vectors(folder: Path) -> pl.DataFrame:
    """One row per point."""
    usage = pl.scan_parquet(folder / "usage.parquet")
    points = pl.scan_parquet(folder / "points.parquet")
    cutoffs = points.select(pl.col("cutoff").unique().sort()).collect().to_series()
    found = [_at_cutoff(usage, points.filter(cutoff=cutoff), cutoff) for cutoff in cutoffs]
    return pl.concat(found).with_columns(_zero_for_none()).collect(engine="streaming")


def _at_cutoff(usage: pl.LazyFrame, points: pl.LazyFrame, cutoff: datetime) -> pl.LazyFrame:
    past = usage.filter(occurred_at < cutoff)
    a_day = pl.duration(days=1)
    ever = past.group_by("customer_id").agg(
        count_ever=pl.len(),
        days_since_last=(cutoff - occurred_at.max()) / a_day,
        days_since_first=(cutoff - occurred_at.min()) / a_day,
    )
    found = points.join(ever, on="customer_id", how="left")
    for days in WINDOWS:
        start, before = (cutoff - pl.duration(days=n) for n in (days, 2 * days))
        last = past.filter(occurred_at >= start).group_by("customer_id").agg(_last(days))
        earlier = (
            past.filter(occurred_at >= before, occurred_at < start)
            .group_by("customer_id")
            .agg(
                pl.len().alias(f"count_before_{days}d"),
                value.sum().alias(f"value_sum_before_{days}d"),
            )
        )
        for part in (last, earlier):
            found = found.join(part, on="customer_id", how="left")
    return found


def _last(days: int) -> list[pl.Expr]:
    measures = {
        "count": pl.len(),
        "active_days": occurred_at.dt.date().n_unique(),
        "value_sum": value.sum(),
        "value_mean": value.mean(),
        "value_max": value.max(),
        **{f"{kind}_count": (pl.col("event") == kind).sum() for kind in KINDS},
    }
    return [measure.alias(f"{name}_{days}d") for name, measure in measures.items()]


def _zero_for_none() -> pl.Expr:
    return pl.col("^(.*count.*|active_days.*|value_sum.*)$").fill_null(0)
