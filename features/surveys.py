"""What customers said: scores by kind of survey, the last one, and how it changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, quoted, slugs, spoken
from features.past import Past, Present
from features.plan import Plan
from features.reads import Measure, Read, Roll, count
from features.telling import Subject

Column = tuple[Feature, np.ndarray]
WHATS = (
    *("count", "mean", "min", "count_ever", "mean_ever"),
    *("last_score", "last_score_vs_own", "score_change", "days_since_last"),
)
"""What is told of each kind."""

LAST = Subject(
    "survey_last",
    {
        "last": "surveys_{slug}_last_score",
        "step": "surveys_{slug}_score_change",
        "vs_own": "surveys_{slug}_last_score_vs_own",
        "since": "surveys_{slug}_days_since_last",
    },
)
MEAN = Subject(
    "survey_mean",
    {
        "mean": "surveys_{slug}_mean_{window}",
        "lowest": "surveys_{slug}_min_{window}",
        "so_far": "surveys_{slug}_mean_ever",
    },
)
ANSWERS = Subject(
    "survey_answers",
    {"now": "surveys_{slug}_count_{window}", "so_far": "surveys_{slug}_count_ever"},
)


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

    def feature(
        subject: Subject,
        what: str,
        meaning: str,
        unit: str = "points",
        days: int | None = None,
        *,
        actionable: bool = False,
    ) -> Feature:
        """What the next answer goes into can be moved; not how often, and what was lowest."""
        column = f"surveys_{name}_{what}" + (f"_{days}d" if days else "")
        meaning += f" ({quoted(kind)})" + (f" in the last {days} days" if days else "")
        made = Feature(column, meaning, unit, "satisfaction", "surveys", days)
        return subject.of(made, slug=name, kind=spoken(kind), actionable=actionable)

    for days in past.windows:
        answers = rolled.last("count", days)
        yield feature(ANSWERS, "count", "answered surveys", "answers", days), answers
        yield (
            feature(MEAN, "mean", "mean score", days=days, actionable=True),
            ratio(rolled.last("sum", days), answers),
        )
        yield feature(MEAN, "min", "lowest score", days=days), rolled.last("min", days)
    answers = rolled.ever("count")
    mean, last = ratio(rolled.ever("sum"), answers), rolled.ever("last")
    meaning = "answered surveys since the beginning"
    yield feature(ANSWERS, "count_ever", meaning, "answers"), answers
    yield feature(MEAN, "mean_ever", "mean score since the beginning"), mean
    yield feature(LAST, "last_score", "last score", actionable=True), last
    meaning = "last score against the customer's own mean"
    yield feature(LAST, "last_score_vs_own", meaning, actionable=True), last - mean
    meaning = "last score against the one before"
    yield (
        feature(LAST, "score_change", meaning, actionable=True),
        rolled.ever("change"),
    )
    yield (
        feature(LAST, "days_since_last", "days since the last answer", "days"),
        rolled.days_since("latest"),
    )
