"""What customers did: how much, how often, of what kind, and whether it grows or fades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import Measure, Read, Roll, count, count_by
from features.tables import FIRST_DAYS, FIRST_DAYS_BEGIN, FIRST_DAYS_END

Column = tuple[Feature, np.ndarray]


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
    what: str, meaning: str, unit: str, days: int | None = None, group: Group = "usage"
) -> Feature:
    window = f"_{days}d" if days else ""
    spoken = f" in the last {days} days" if days else ""
    return Feature(f"usage_{what}{window}", meaning + spoken, unit, group, "usage", days)


def _levels(past: Past, rolled: Rolled, *, has_value: bool) -> Iterator[Column]:
    for days in past.windows:
        events = rolled.last("count", days)
        active = rolled.last("active_days", days)
        yield _feature("count", "events", "events", days), events
        yield _feature("active_days", "days with an event", "days", days), active
        yield (
            _feature("per_active_day", "events per active day", "events", days),
            ratio(events, active),
        )
        yield (
            _feature("count_trend", "change of events against as long before", "log ratio", days),
            rolled.trend("count", days),
        )
        yield (
            _feature("active_days_trend", "change of active days", "log ratio", days),
            rolled.trend("active_days", days),
        )
        if has_value:
            total = rolled.last("value_sum", days)
            yield _feature("value_sum", "sum of values", "value", days), total
            yield (
                _feature("value_mean", "mean value of the events that have one", "value", days),
                ratio(total, rolled.last("value_count", days)),
            )
            yield (
                _feature("value_max", "largest value of an event", "value", days),
                rolled.last("value_max", days),
            )
            yield (
                _feature("value_trend", "change of the sum of values", "log ratio", days),
                rolled.trend("value_sum", days),
            )


def _kinds(past: Past, rolled: Rolled, kinds: dict[str, str]) -> Iterator[Column]:
    for days in past.windows:
        seen = np.zeros(len(past.cutoff_days))
        for kind, name in kinds.items():
            found = rolled.last(f"kind_{name}", days)
            seen += found > 0
            yield _feature(f"{name}_count", f"{quoted(kind)} events", "events", days), found
        if kinds:
            yield _feature("breadth", "common kinds of events used", "kinds", days), seen


def _rhythm(past: Past, rolled: Rolled) -> Iterator[Column]:
    """Recency, and the last window against the customer's own past."""
    since = rolled.days_since("latest")
    yield _feature("days_since_last", "days since the last event", "days"), since
    total = rolled.ever("count")
    yield _feature("count_ever", "events since the beginning", "events"), total
    lifetime = np.maximum(rolled.days_since("earliest"), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = ratio(rolled.days_between("earliest", "latest"), rolled.ever("active_days") - 1)
        yield _feature("gap_mean", "mean days between active days", "days"), gap
        yield (
            _feature("days_since_last_vs_gap", "days since the last event, in usual gaps", "ratio"),
            since / np.maximum(gap, 1.0),
        )
        for days in past.windows:
            usual = total / lifetime * np.minimum(lifetime, days)
            share = np.where(usual > 0, rolled.last("count", days) / usual, np.nan)
            yield (
                _feature("count_vs_own", "events against the customer's own mean", "ratio", days),
                share,
            )


def _first_days(rolled: Rolled, kinds: dict[str, str]) -> Iterator[Column]:
    """How deep the use was in the first days after sign-up, or so far."""
    spoken = f"in the first {FIRST_DAYS} days after sign-up"
    counted = {"count": ("events", "early")}
    counted |= {
        f"{name}_count": (f"{quoted(kind)} events", f"early_{name}") for kind, name in kinds.items()
    }
    for what, (meaning, measure) in counted.items():
        yield (
            _feature(
                f"{what}_first_{FIRST_DAYS}d", f"{meaning} {spoken}", "events", group="onboarding"
            ),
            rolled.ever(measure),
        )
