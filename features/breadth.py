"""How many kinds of things customers do: whether they keep to them, and try new ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature
from features.past import Past, Present
from features.reads import Read, Roll, count_by
from features.usage import kind_names

Column = tuple[Feature, np.ndarray]


def reads(present: Present) -> dict[str, Read]:
    """Events by kind, as `usage` counts them."""
    kinds = kind_names(present.plan)
    if not kinds:
        return {}
    counted = count_by("event", {kind: f"kind_{name}" for kind, name in kinds.items()})
    return {"usage": Roll(present.table("usage"), "occurred_at", [counted])}


def columns(past: Past) -> Iterator[Column]:
    """Kinds used so far, the share of them that is still used, and those that are new."""
    kinds = [f"kind_{name}" for name in kind_names(past.plan).values()]
    if not kinds:
        return
    rolled = past.rolled("usage")

    ever = _used(rolled.ever(kind) for kind in kinds)
    yield (
        Feature("usage_breadth_ever", "kinds of events used so far", "kinds", "usage", "usage"),
        ever,
    )
    for days in past.windows:
        now = _used(rolled.last(kind, days) for kind in kinds)
        before = _used(rolled.until(kind, days) for kind in kinds)
        spoken = f"in the last {days} days"
        yield (
            Feature(
                f"usage_breadth_kept_{days}d",
                f"share of the kinds of events used so far that were used {spoken}",
                "share",
                "usage",
                "usage",
                days,
            ),
            ratio(now, ever),
        )
        yield (
            Feature(
                f"usage_new_kinds_{days}d",
                f"kinds of events used for the first time {spoken}",
                "kinds",
                "usage",
                "usage",
                days,
            ),
            ever - before,
        )


def _used(counts: Iterable[np.ndarray]) -> np.ndarray:
    """How many of the counts are not zero, for each point."""
    return np.stack([count > 0 for count in counts]).sum(axis=0).astype(np.float64)
