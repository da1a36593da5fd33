"""What customers asked of support: how often, about what, how fast it was solved, what is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.arrays import ratio
from features.catalogue import Feature, Group, quoted, slugs, spoken
from features.past import Past, Present, Rolled
from features.plan import Plan
from features.reads import CUTOFF, Measure, Read, Roll, State, count, count_by
from features.tables import CUSTOMER
from features.telling import TENURE, Subject

Column = tuple[Feature, np.ndarray]
URGENT = ("high", "urgent", "critical")
COUNTED = ("opened", "closed", "reopened", "urgent")
"""What is counted over windows besides categories, and named alike."""

OPENED = Subject(
    "tickets_opened",
    {
        "now": "tickets_opened_count_{window}",
        "trend": "tickets_opened_trend_{window}",
        "tenure": TENURE,
    },
)
URGENT_ONES = Subject(
    "tickets_urgent",
    {
        "now": "tickets_urgent_count_{window}",
        "wider": "tickets_urgent_count_{wider}",
        "tenure": TENURE,
    },
)
CATEGORY = Subject(
    "tickets_category",
    {
        "now": "tickets_{slug}_count_{window}",
        "wider": "tickets_{slug}_count_{wider}",
        "tenure": TENURE,
    },
)
SO_FAR = Subject(
    "tickets_so_far", {"now": "tickets_opened_count_ever", "since": "tickets_days_since_last"}
)
CLOSING = Subject(
    "tickets_closing",
    {
        "closed": "tickets_closed_count_{window}",
        "mean": "tickets_hours_to_close_mean_{window}",
        "longest": "tickets_hours_to_close_max_{window}",
    },
)
REOPENED = Subject(
    "tickets_reopened",
    {
        "now": "tickets_reopened_count_{window}",
        "wider": "tickets_reopened_count_{wider}",
        "tenure": TENURE,
    },
)
CSAT = Subject(
    "tickets_csat",
    {
        "last": "tickets_csat_last",
        "mean": "tickets_csat_mean_{window}",
        "lowest": "tickets_csat_min_{window}",
    },
)
OPEN = Subject(
    "tickets_open",
    {
        "open": "tickets_open_count",
        "oldest": "tickets_open_oldest_days",
        "urgent": "tickets_open_urgent_count",
        "hours": "tickets_hours_to_close_mean_{longest}",
    },
)


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
    subject: Subject,
    what: str,
    meaning: str,
    unit: str,
    days: int | None = None,
    group: Group = "support",
    **told: Any,
) -> Feature:
    window = f"_{days}d" if days else ""
    meaning += f" in the last {days} days" if days else ""
    feature = Feature(f"tickets_{what}{window}", meaning, unit, group, "tickets", days)
    return subject.of(feature, **told)


def _opened(past: Past) -> Iterator[Column]:
    categories = _category_names(past.plan)
    rolled = past.rolled("opened")
    for days in past.windows:
        yield (
            _feature(OPENED, "opened_count", "tickets opened", "tickets", days),
            rolled.last("count", days),
        )
        yield (
            _feature(OPENED, "opened_trend", "change of tickets opened", "log ratio", days),
            rolled.trend("count", days),
        )
        if past.plan.has("tickets", "priority"):
            meaning = f"tickets of {' or '.join(URGENT)} priority opened"
            yield (
                _feature(URGENT_ONES, "urgent_count", meaning, "tickets", days),
                rolled.last("urgent", days),
            )
        for category, name in categories.items():
            meaning, word = f"tickets about {quoted(category)}", spoken(category)
            yield (
                _feature(
                    CATEGORY, f"{name}_count", meaning, "tickets", days, slug=name, category=word
                ),
                rolled.last(f"category_{name}", days),
            )
    yield (
        _feature(SO_FAR, "opened_count_ever", "tickets opened since the beginning", "tickets"),
        rolled.ever("count"),
    )
    yield (
        _feature(SO_FAR, "days_since_last", "days since the last ticket was opened", "days"),
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
        yield _feature(CLOSING, "closed_count", "tickets closed", "tickets", days), closed
        meaning = "mean hours until a ticket was closed"
        yield (
            _feature(CLOSING, "hours_to_close_mean", meaning, "hours", days, actionable=True),
            ratio(rolled.last("hours_sum", days), closed),
        )
        meaning = "most hours until a ticket was closed"
        yield (
            _feature(CLOSING, "hours_to_close_max", meaning, "hours", days),
            rolled.last("hours_max", days),
        )
        if past.plan.has("tickets", "reopened"):
            yield (
                _feature(
                    REOPENED, "reopened_count", "tickets that were opened again", "tickets", days
                ),
                rolled.last("reopened", days),
            )
        if has_csat:
            yield from _satisfaction(rolled, days)
    if has_csat:
        yield (
            _rating("csat_last", "satisfaction with the last ticket", actionable=True),
            rolled.ever("csat_last"),
        )


def _satisfaction(rolled: Rolled, days: int) -> Iterator[Column]:
    yield (
        _rating("csat_mean", "mean satisfaction with tickets", days, actionable=True),
        ratio(rolled.last("csat_sum", days), rolled.last("answered", days)),
    )
    yield (
        _rating("csat_min", "lowest satisfaction with a ticket", days, actionable=False),
        rolled.last("csat_min", days),
    )


def _rating(what: str, meaning: str, days: int | None = None, *, actionable: bool) -> Feature:
    """The next ticket can be answered better; the worst answer so far stays."""
    return _feature(CSAT, what, meaning, "points", days, "satisfaction", actionable=actionable)


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
    yield _waiting("open_count", "open tickets", "tickets"), np.nan_to_num(state["open"])
    yield (
        _waiting("open_oldest_days", "days that the oldest open ticket has been open", "days"),
        -past.days_from_cutoff(state["oldest"]),
    )
    if "urgent" in state:
        yield (
            _waiting(
                "open_urgent_count", f"open tickets of {' or '.join(URGENT)} priority", "tickets"
            ),
            np.nan_to_num(state["urgent"]),
        )


def _waiting(what: str, meaning: str, unit: str) -> Feature:
    """Whoever answers the ticket closes it."""
    return _feature(OPEN, what, meaning, unit, actionable=True)
