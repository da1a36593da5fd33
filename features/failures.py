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
    """The present run of failures, and the longest one."""
    rolled = past.rolled("payments")
    run = np.nan_to_num(rolled.ever("failed_run"))
    yield _feature("failed_run", "failed payments in a row, up to now", "payments"), run
    yield (
        _feature("failed_run_days", "days since payments have been failing", "days"),
        np.where(run > 0, rolled.days_since("failed_run_since"), np.nan),
    )
    yield (
        _feature("failed_run_max", "most failed payments in a row", "payments"),
        np.nan_to_num(rolled.ever("failed_run_max")),
    )


def _feature(what: str, meaning: str, unit: str) -> Feature:
    return Feature(f"payments_{what}", meaning, unit, "payments", "payments")
