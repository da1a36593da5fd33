"""Payment health in the order of time: failures in a row, and how long they last.

A failed payment that went through at the next attempt is forgotten; the fourth failure in a row is
the beginning of the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.catalogue import Feature
from features.past import Past, Present
from features.payments import FAILED
from features.reads import Measure, Read, Roll

Column = tuple[Feature, np.ndarray]


def reads(present: Present) -> dict[str, Read]:
    """Failed payments and those that followed, in their order; refunds are neither."""
    measures = [
        Measure("failed_run", "run", _went_through, ever=True),
        Measure("failed_run_max", "run_max", _went_through, ever=True),
        Measure("failed_run_since", "run_since", _went_through, ever=True),
    ]
    return {"payments": Roll(present.table("payments"), "occurred_at", measures)}


def _went_through(rows: Any) -> Any:
    failed, paid = rows["status"] == "failed", rows["status"] == "paid"
    return paid.ifelse(1, failed.ifelse(0, None))


def columns(past: Past) -> Iterator[Column]:
    """The present run of failures, which a payment would end, and the longest one."""
    rolled = past.rolled("payments")
    run = np.nan_to_num(rolled.ever("failed_run"))
    meaning = "failed payments in a row, up to now"
    yield _feature("failed_run", meaning, "payments", actionable=True), run
    meaning = "days since payments have been failing"
    yield (
        _feature("failed_run_days", meaning, "days", actionable=True),
        np.where(run > 0, rolled.days_since("failed_run_since"), np.nan),
    )
    yield (
        _feature("failed_run_max", "most failed payments in a row", "payments"),
        np.nan_to_num(rolled.ever("failed_run_max")),
    )


def _feature(what: str, meaning: str, unit: str, *, actionable: bool = False) -> Feature:
    feature = Feature(f"payments_{what}", meaning, unit, "payments", "payments")
    return FAILED.of(feature, actionable=actionable)
