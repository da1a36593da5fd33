"""What customers said: scores by kind of survey, the last one, and how it changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, quoted, slugs
from features.past import Past, Present
from features.plan import Plan
from features.reads import Measure, Read, Roll, count

Column = tuple[Feature, np.ndarray]
WHATS = (
    *("count", "mean", "min", "count_ever", "mean_ever"),
    *("last_score", "last_score_vs_own", "score_change", "days_since_last"),
)
"""What is told of each kind."""


def reads(present: Present) -> dict[str, Read]:
    """The answers of each kind of survey (nps, csat, a kind of exam …)."""
    rows = present.table("surveys")
    measures = [
        count(),
        Measure("sum", "sum", lambda t: t["score"].cast("float64")),
        Measure("min", "min", lambda t: t["score"].cast("float64")),
        Measure("last", "last", lambda t: t["score"].cast("float64"), ever=True),
        Measure("change", "change", lambda t: t["score"].cast("float64"), ever=True),
        Measure("latest", "max", lambda t: t["occurred_at"], ever=True),
    ]
    return {
        f"surveys {name}": Roll(rows.filter(rows["kind"] == kind), "occurred_at", measures)
        for kind, name in _kind_names(present.plan).items()
    }


def _kind_names(plan: Plan) -> dict[str, str]:
    return slugs(plan.levels.get("surveys.kind", ()), whats=WHATS)


def columns(past: Past) -> Iterator[Column]:
    """Per kind of survey: answers, mean and last score, change."""
    for kind, name in _kind_names(past.plan).items():
        yield from _of_kind(past, kind, name)


def _of_kind(past: Past, kind: str, name: str) -> Iterator[Column]:
    rolled = past.rolled(f"surveys {name}")

    def feature(what: str, meaning: str, unit: str, days: int | None = None) -> Feature:
        window = f"_{days}d" if days else ""
        spoken = f" in the last {days} days" if days else ""
        return Feature(
            f"surveys_{name}_{what}{window}",
            f"{meaning} ({quoted(kind)}){spoken}",
            unit,
            "satisfaction",
            "surveys",
            days,
        )

    for days in past.windows:
        answers = rolled.last("count", days)
        yield feature("count", "answered surveys", "answers", days), answers
        yield (
            feature("mean", "mean score", "points", days),
            ratio(rolled.last("sum", days), answers),
        )
        yield feature("min", "lowest score", "points", days), rolled.last("min", days)
    answers = rolled.ever("count")
    mean, last = ratio(rolled.ever("sum"), answers), rolled.ever("last")
    yield feature("count_ever", "answered surveys since the beginning", "answers"), answers
    yield feature("mean_ever", "mean score since the beginning", "points"), mean
    yield feature("last_score", "last score", "points"), last
    yield (
        feature("last_score_vs_own", "last score against the customer's own mean", "points"),
        last - mean,
    )
    yield (
        feature("score_change", "last score against the one before", "points"),
        rolled.ever("change"),
    )
    yield (
        feature("days_since_last", "days since the last answer", "days"),
        rolled.days_since("latest"),
    )
