"""Features that were thought of, and are judged beside those there are: `benchmarks/features.py`.

What brought nothing stays here, so that the next one who thinks of it finds the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import ratio
from features.catalogue import Feature
from features.compute import Family
from features.past import Past, Present
from features.reads import Measure, Read, Roll, count_by
from features.tables import FIRST_DAYS, FIRST_DAYS_END
from features.usage import kind_names
from features.vectors import KEYS, Vectors

Column = tuple[Feature, np.ndarray]


def _in_first_days(rows: Any) -> Any:
    return rows["occurred_at"] < rows[FIRST_DAYS_END]


def _first_days_reads(present: Present) -> dict[str, Read]:
    measures = [
        Measure("early_days", "days", where=_in_first_days),
        Measure("earliest", "min", lambda t: t["occurred_at"]),
    ]
    kinds = {kind: f"early_{name}" for kind, name in kind_names(present.plan).items()}
    if kinds:
        measures.append(count_by("event", kinds, _in_first_days))
    return {"usage": Roll(present.table("usage"), "occurred_at", measures)}


def _first_days(past: Past) -> Iterator[Column]:
    """Days and kinds of the first days, and how long it took until the first event."""
    rolled = past.rolled("usage")
    yield _feature("usage", f"active_days_first_{FIRST_DAYS}d"), rolled.ever("early_days")
    kinds = kind_names(past.plan).values()
    if kinds:
        used = np.stack([rolled.ever(f"early_{name}") > 0 for name in kinds]).sum(axis=0)
        yield _feature("usage", f"breadth_first_{FIRST_DAYS}d"), used.astype(np.float64)
    tenure = -past.days_from_cutoff(past.traits("customers", "signed_up_at"))
    yield _feature("usage", "days_to_first"), np.maximum(tenure - rolled.days_since("earliest"), 0)


def _tone_reads(present: Present) -> dict[str, Read]:
    if not present.plan.has("tickets", "csat", "closed_at"):
        return {}
    change = Measure("csat_change", "change", lambda t: t["csat"].cast("float64"))
    return {"closed": Roll(present.table("tickets"), "closed_at", [change])}


def _tone(past: Past) -> Iterator[Column]:
    """The last satisfaction with a ticket less the one before."""
    if past.plan.has("tickets", "csat", "closed_at"):
        yield _feature("tickets", "csat_change"), past.rolled("closed").ever("csat_change")


def _feature(table: str, what: str) -> Feature:
    return Feature(f"{table}_{what}", what.replace("_", " "), "number", "profile", table)


FAMILIES = (
    Family("usage", _first_days_reads, _first_days),
    Family("tickets", _tone_reads, _tone),
)


def with_cohorts(vectors: Vectors) -> Vectors:
    """Adds the first days against those who signed up in the same month, as known at the cutoff.

    Only customers with a point at the same cutoff are compared, by features of that cutoff: nothing
    from later on can get in.
    """
    names = [name for name in vectors.names if name.endswith(f"_first_{FIRST_DAYS}d")]
    frame = vectors.frame.copy()
    tenure = pd.to_timedelta(frame["customers_tenure_days"], unit="D")
    cohort = [frame[KEYS[1]], (frame[KEYS[1]] - tenure).dt.to_period("M")]
    added = []
    for name in names:
        if "_count_" not in name or name == f"usage_count_first_{FIRST_DAYS}d":
            mean = frame.groupby(cohort)[name].transform("mean").to_numpy()
            added.append(Feature(f"{name}_vs_cohort", name, "ratio", "onboarding", "usage"))
            frame[added[-1].name] = ratio(frame[name].to_numpy(), mean)
    return Vectors(frame, (*vectors.catalogue, *added))
