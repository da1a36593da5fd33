"""What customers did: how much, how often, of what kind, and whether it grows or fades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs, spoken
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import Measure, Read, Roll, count, count_by
from features.tables import FIRST_DAYS, FIRST_DAYS_BEGIN, FIRST_DAYS_END
from features.telling import TENURE, Subject

Column = tuple[Feature, np.ndarray]

COUNT = Subject(
    "usage_count",
    {
        "now": "usage_count_{window}",
        "trend": "usage_count_trend_{window}",
        "vs_own": "usage_count_vs_own_{window}",
        "tenure": TENURE,
    },
)
DAYS = Subject(
    "usage_days",
    {
        "now": "usage_active_days_{window}",
        "trend": "usage_active_days_trend_{window}",
        "per_day": "usage_per_active_day_{window}",
        "tenure": TENURE,
    },
)
VALUE = Subject(
    "usage_value",
    {
        "now": "usage_value_sum_{window}",
        "trend": "usage_value_trend_{window}",
        "mean": "usage_value_mean_{window}",
        "largest": "usage_value_max_{window}",
        "tenure": TENURE,
    },
)
KIND = Subject(
    "usage_kind",
    {
        "now": "usage_{slug}_count_{window}",
        "wider": "usage_{slug}_count_{wider}",
        "tenure": TENURE,
    },
)
BREADTH = Subject("usage_breadth", {"now": "usage_breadth_{window}"})
SILENCE = Subject(
    "usage_silence",
    {
        "since": "usage_days_since_last",
        "gap": "usage_gap_mean",
        "longest": "usage_gap_max",
    },
)
EVER = Subject("usage_ever", {"now": "usage_count_ever"})
FIRST = Subject("first_days", {"now": f"usage_count_first_{FIRST_DAYS}d", "tenure": TENURE})
FIRST_KIND = Subject(
    "first_days_kind",
    {"now": f"usage_{{slug}}_count_first_{FIRST_DAYS}d", "tenure": TENURE},
)


def reads(present: Present) -> dict[str, Read]:
    """Every event, once."""
    kinds = kind_names(present.plan)
    measures = [
        count(),
        Measure("active_days", "days"),
        Measure("latest", "max", lambda t: t["occurred_at"], ever=True),
        Measure("earliest", "min", lambda t: t["occurred_at"], ever=True),
        count("early", _in_first_days, ever=True),
    ]
    if present.plan.has("usage", "value"):
        measures += [
            Measure("value_count", "given", lambda t: t["value"]),
            Measure("value_sum", "sum", lambda t: t["value"]),
            Measure("value_max", "max", lambda t: t["value"]),
        ]
    if kinds:
        early = {kind: f"early_{name}" for kind, name in kinds.items()}
        measures.append(count_by("event", {kind: f"kind_{n}" for kind, n in kinds.items()}))
        measures.append(count_by("event", early, _in_first_days, ever=True))
    return {"usage": Roll(present.table("usage"), "occurred_at", measures)}


def columns(past: Past) -> Iterator[Column]:
    """Counts, sums, active days, kinds of events, recency and trend of `usage`."""
    kinds = kind_names(past.plan)
    rolled = past.rolled("usage")
    yield from _levels(past, rolled, has_value=past.plan.has("usage", "value"))
    yield from _kinds(past, rolled, kinds)
    yield from _rhythm(past, rolled)
    yield from _first_days(rolled, kinds)


def _in_first_days(rows: Any) -> Any:
    moment = rows["occurred_at"]
    return (moment >= rows[FIRST_DAYS_BEGIN]) & (moment < rows[FIRST_DAYS_END])


def kind_names(plan: Plan) -> dict[str, str]:
    return slugs(plan.levels.get("usage.event", ()))


def _feature(
    subject: Subject,
    what: str,
    meaning: str,
    unit: str,
    days: int | None = None,
    group: Group = "usage",
    **told: Any,
) -> Feature:
    """Use can be won back in the weeks to come, so it is actionable unless said otherwise."""
    window = f"_{days}d" if days else ""
    meaning += f" in the last {days} days" if days else ""
    feature = Feature(f"usage_{what}{window}", meaning, unit, group, "usage", days)
    return subject.of(feature, **{"actionable": True} | told)


def _levels(past: Past, rolled: Rolled, *, has_value: bool) -> Iterator[Column]:
    for days in past.windows:
        events = rolled.last("count", days)
        active = rolled.last("active_days", days)
        yield _feature(COUNT, "count", "events", "events", days), events
        yield _feature(DAYS, "active_days", "days with an event", "days", days), active
        yield (
            _feature(DAYS, "per_active_day", "events per active day", "events", days),
            ratio(events, active),
        )
        yield (
            _feature(
                COUNT, "count_trend", "change of events against as long before", "log ratio", days
            ),
            rolled.trend("count", days),
        )
        yield (
            _feature(DAYS, "active_days_trend", "change of active days", "log ratio", days),
            rolled.trend("active_days", days),
        )
        if has_value:
            total = rolled.last("value_sum", days)
            yield _feature(VALUE, "value_sum", "sum of values", "value", days), total
            yield (
                _feature(
                    VALUE, "value_mean", "mean value of the events that have one", "value", days
                ),
                ratio(total, rolled.last("value_count", days)),
            )
            yield (
                _feature(VALUE, "value_max", "largest value of an event", "value", days),
                rolled.last("value_max", days),
            )
            yield (
                _feature(VALUE, "value_trend", "change of the sum of values", "log ratio", days),
                rolled.trend("value_sum", days),
            )


def _kinds(past: Past, rolled: Rolled, kinds: dict[str, str]) -> Iterator[Column]:
    for days in past.windows:
        seen = np.zeros(len(past.cutoff_days))
        for kind, name in kinds.items():
            found = rolled.last(f"kind_{name}", days)
            seen += found > 0
            meaning, word = f"{quoted(kind)} events", spoken(kind)
            feature = _feature(KIND, f"{name}_count", meaning, "events", days, slug=name, kind=word)
            yield feature, found
        if kinds:
            yield _feature(BREADTH, "breadth", "common kinds of events used", "kinds", days), seen


def _rhythm(past: Past, rolled: Rolled) -> Iterator[Column]:
    """Recency, and the last window against the customer's own past."""
    since = rolled.days_since("latest")
    yield _feature(SILENCE, "days_since_last", "days since the last event", "days"), since
    total = rolled.ever("count")
    meaning = "events since the beginning"
    yield _feature(EVER, "count_ever", meaning, "events", actionable=False), total
    lifetime = np.maximum(rolled.days_since("earliest"), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = ratio(rolled.days_between("earliest", "latest"), rolled.ever("active_days") - 1)
        meaning = "mean days between active days"
        yield _feature(SILENCE, "gap_mean", meaning, "days", actionable=False), gap
        meaning = "days since the last event, in usual gaps"
        yield (
            _feature(SILENCE, "days_since_last_vs_gap", meaning, "ratio"),
            since / np.maximum(gap, 1.0),
        )
        for days in past.windows:
            usual = total / lifetime * np.minimum(lifetime, days)
            share = np.where(usual > 0, rolled.last("count", days) / usual, np.nan)
            yield (
                _feature(
                    COUNT, "count_vs_own", "events against the customer's own mean", "ratio", days
                ),
                share,
            )


def _first_days(rolled: Rolled, kinds: dict[str, str]) -> Iterator[Column]:
    """How deep the use was in the first days after sign-up, or so far.

    They are over for nearly all customers, so nothing that comes can move it.
    """

    def feature(subject: Subject, what: str, meaning: str, **told: Any) -> Feature:
        window = f"first_{FIRST_DAYS}d"
        meaning += f" in the first {FIRST_DAYS} days after sign-up"
        told |= {"first": FIRST_DAYS, "actionable": False}
        return _feature(subject, f"{what}_{window}", meaning, "events", None, "onboarding", **told)

    yield feature(FIRST, "count", "events"), rolled.ever("early")
    for kind, name in kinds.items():
        meaning = f"{quoted(kind)} events"
        yield (
            feature(FIRST_KIND, f"{name}_count", meaning, slug=name, kind=spoken(kind)),
            rolled.ever(f"early_{name}"),
        )
