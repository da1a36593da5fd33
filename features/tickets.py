"""What customers asked of support: how often, about what, how fast it was solved, what is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import CUTOFF, Measure, Read, Roll, State, count, count_by
from features.tables import CUSTOMER

Column = tuple[Feature, np.ndarray]
URGENT = ("high", "urgent", "critical")
COUNTED = ("opened", "closed", "reopened", "urgent")
"""What is counted over windows besides categories, and named alike."""


def reads(present: Present) -> dict[str, Read]:
    """Tickets when they were opened, when they were closed, and those open at each cutoff.

    What is learned at the close (csat, the resolution time, a reopening) counts from the close.
    """
    rows, plan = present.table("tickets"), present.plan
    opened = [count(), Measure("latest", "max", lambda t: t["opened_at"], ever=True)]
    categories = _category_names(plan)
    if categories:
        named = {category: f"category_{name}" for category, name in categories.items()}
        opened.append(count_by("category", named))
    if plan.has("tickets", "priority"):
        opened.append(count("urgent", lambda t: t["priority"].lower().isin(URGENT)))
    found: dict[str, Read] = {"opened": Roll(rows, "opened_at", opened)}
    if plan.has("tickets", "closed_at"):
        found["closed"] = Roll(rows, "closed_at", _of_closed(plan))
        found["open"] = State(_open_at_cutoffs(present))
    return found


def _category_names(plan: Plan) -> dict[str, str]:
    return slugs(plan.levels.get("tickets.category", ()), reserved=COUNTED)


def columns(past: Past) -> Iterator[Column]:
    """Opened and closed tickets by window, resolution times, csat, and what is open now."""
    has_close = past.plan.has("tickets", "closed_at")
    yield from _opened(past)
    if has_close:
        yield from _closed(past)
        yield from _open(past)


def _feature(
    what: str, meaning: str, unit: str, days: int | None = None, group: Group = "support"
) -> Feature:
    window = f"_{days}d" if days else ""
    spoken = f" in the last {days} days" if days else ""
    return Feature(f"tickets_{what}{window}", meaning + spoken, unit, group, "tickets", days)


def _opened(past: Past) -> Iterator[Column]:
    categories = _category_names(past.plan)
    rolled = past.rolled("opened")
    for days in past.windows:
        yield (
            _feature("opened_count", "tickets opened", "tickets", days),
            rolled.last("count", days),
        )
        yield (
            _feature("opened_trend", "change of tickets opened", "log ratio", days),
            rolled.trend("count", days),
        )
        if past.plan.has("tickets", "priority"):
            yield (
                _feature(
                    "urgent_count",
                    f"tickets of {' or '.join(URGENT)} priority opened",
                    "tickets",
                    days,
                ),
                rolled.last("urgent", days),
            )
        for category, name in categories.items():
            yield (
                _feature(f"{name}_count", f"tickets about {quoted(category)}", "tickets", days),
                rolled.last(f"category_{name}", days),
            )
    yield (
        _feature("opened_count_ever", "tickets opened since the beginning", "tickets"),
        rolled.ever("count"),
    )
    yield (
        _feature("days_since_last", "days since the last ticket was opened", "days"),
        rolled.days_since("latest"),
    )


def _of_closed(plan: Plan) -> list[Measure]:
    measures = [
        count(),
        Measure("hours_sum", "sum", _hours_to_solve),
        Measure("hours_max", "max", _hours_to_solve),
    ]
    if plan.has("tickets", "csat"):
        measures += [
            Measure("csat_sum", "sum", lambda t: t["csat"].cast("float64")),
            Measure("csat_min", "min", lambda t: t["csat"]),
            Measure("csat_last", "last", lambda t: t["csat"].cast("float64"), ever=True),
            count("answered", lambda t: t["csat"].notnull()),
        ]
    if plan.has("tickets", "reopened"):
        measures.append(count("reopened", lambda t: t["reopened"]))
    return measures


def _closed(past: Past) -> Iterator[Column]:
    has_csat = past.plan.has("tickets", "csat")
    rolled = past.rolled("closed")
    for days in past.windows:
        closed = rolled.last("count", days)
        yield _feature("closed_count", "tickets closed", "tickets", days), closed
        yield (
            _feature("hours_to_close_mean", "mean hours until a ticket was closed", "hours", days),
            ratio(rolled.last("hours_sum", days), closed),
        )
        yield (
            _feature("hours_to_close_max", "most hours until a ticket was closed", "hours", days),
            rolled.last("hours_max", days),
        )
        if past.plan.has("tickets", "reopened"):
            yield (
                _feature("reopened_count", "tickets that were opened again", "tickets", days),
                rolled.last("reopened", days),
            )
        if has_csat:
            yield from _satisfaction(rolled, days)
    if has_csat:
        yield (
            _feature(
                "csat_last", "satisfaction with the last ticket", "points", None, "satisfaction"
            ),
            rolled.ever("csat_last"),
        )


def _satisfaction(rolled: Rolled, days: int) -> Iterator[Column]:
    yield (
        _feature("csat_mean", "mean satisfaction with tickets", "points", days, "satisfaction"),
        ratio(rolled.last("csat_sum", days), rolled.last("answered", days)),
    )
    yield (
        _feature("csat_min", "lowest satisfaction with a ticket", "points", days, "satisfaction"),
        rolled.last("csat_min", days),
    )


def _hours_to_solve(rows: Any) -> Any:
    """On the wall clock; a ticket that is closed in the hour that comes twice took none."""
    import ibis

    seconds = rows["closed_at"].delta(rows["opened_at"], unit="second")
    return ibis.greatest(seconds, 0) / 3600


def _open_at_cutoffs(present: Present) -> Any:
    rows = present.running(present.table("tickets"), start="opened_at", end="closed_at")
    aggregates = {"open": rows.count(), "oldest": rows["opened_at"].min()}
    if present.plan.has("tickets", "priority"):
        urgent = rows["priority"].lower().isin(URGENT).fill_null(False)
        aggregates["urgent"] = urgent.cast("int32").sum()
    return rows.group_by([CUSTOMER, CUTOFF]).agg(**aggregates)


def _open(past: Past) -> Iterator[Column]:
    """Tickets that are open at the cutoff."""
    state = past.state("open")
    yield _feature("open_count", "open tickets", "tickets"), np.nan_to_num(state["open"])
    yield (
        _feature("open_oldest_days", "days that the oldest open ticket has been open", "days"),
        -past.days_from_cutoff(state["oldest"]),
    )
    if "urgent" in state:
        yield (
            _feature(
                "open_urgent_count", f"open tickets of {' or '.join(URGENT)} priority", "tickets"
            ),
            np.nan_to_num(state["urgent"]),
        )
