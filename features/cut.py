"""One pass over a history, then any span of any cutoff: where events become numbers per customer.

The pass runs in the engine and aggregates a table to customer x bucket (see `timeline`); the
roll-up adds buckets to spans, here in numpy. Sums are exact whatever the order of the rows: whole
numbers stay whole, other values are summed as decimals, so the same rows give the same bytes on
any number of threads.

A row with `available_at` counts in the bucket in which it happened, but only for cutoffs after the
one in which it became known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from features.arrays import indices, is_missing, missing_like, values
from features.tables import CUSTOMER
from features.timeline import Span, Timeline

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

Condition = Callable[[Any], Any]
"""From the events to a boolean column of them."""

How = Literal["sum", "max", "min", "last", "days"]
EXACT_SUMS = 2.0**53
"""Whole numbers up to here are exact as float64, so their prefix sums are, too."""

SCALES = (1.0, 1e2, 1e4, 1e6, 1e9)
"""Sums are decimals of nine places at most: times one of these they are whole numbers."""


@dataclass(frozen=True)
class Measure:
    """What is aggregated: a name, a way, and a value computed from the events.

    ``days`` counts distinct days with at least one row for which the value is true; ``last`` takes
    the value of the last row (of several at the same moment the largest value).
    """

    name: str
    how: How
    value: Callable[[ibis.Table], Any]


def equals(column: str, value: str) -> Condition:
    """The condition that a column has this value."""
    return lambda rows: rows[column] == value


def count(name: str = "count", where: Condition | None = None) -> Measure:
    """How many rows, or how many of those that are so."""
    import ibis

    if where is None:
        return Measure(name, "sum", lambda rows: ibis.literal(1, "int64"))
    return Measure(name, "sum", lambda rows: where(rows).fill_null(False).cast("int64"))


@dataclass(frozen=True)
class Points:
    """Customers at cutoffs: one entry a vector, ordered by cutoff and customer.

    Attributes
    ----------
    cutoff
        Index of the cutoff in the timeline's cutoffs, int32, ascending.
    customer
        Index of the customer (see `histories.CUSTOMER`), int32.
    """

    cutoff: np.ndarray
    customer: np.ndarray

    def __len__(self) -> int:
        return len(self.cutoff)


class Cut:
    """A history aggregated to customer x bucket, ready to be rolled up for points."""

    def __init__(self, timeline: Timeline, points: Points, table: Any, measures: Sequence[Measure]):
        self.timeline = timeline
        self.points = points
        self.measures = {measure.name: measure for measure in measures}
        self.customer = indices(table[CUSTOMER])
        self.bucket = indices(table["bucket"])
        self.values = {measure.name: _values(table, measure) for measure in measures}
        self.late = indices(table["known_bucket"]) if "known_bucket" in table.schema.names else None
        self._ranges: dict[Span, tuple[np.ndarray, np.ndarray]] = {}
        self._totals: dict[str, tuple[np.ndarray, float, np.ndarray | None]] = {}
        self._order = self._order_by_knowledge()

    def over(self, name: str, span: Span) -> np.ndarray:
        """A measure over a span, for each point: 0 for sums and days without rows, else missing."""
        start, stop = self._range(span)
        how = self.measures[name].how
        given = self._in_order(self.values[name])
        if how == "last":
            return _take_last(given, start, stop)
        if how in ("sum", "days"):
            return self._sum(name, given, start, stop)
        return _reduce(np.maximum if how == "max" else np.minimum, given, start, stop, np.nan)

    def _sum(
        self, name: str, values: np.ndarray, start: np.ndarray, stop: np.ndarray
    ) -> np.ndarray:
        if name not in self._totals:
            whole, scale = _as_whole(values)
            exact = float(np.abs(whole).sum()) < EXACT_SUMS
            totals = np.concatenate([[0.0], np.cumsum(whole)]) if exact else None
            self._totals[name] = (whole, scale, totals)
        whole, scale, totals = self._totals[name]
        if totals is not None:
            return (totals[stop] - totals[start]) / scale
        return _reduce(np.add, whole, start, stop, 0.0) / scale

    def _range(self, span: Span) -> tuple[np.ndarray, np.ndarray]:
        """Which rows each point's span covers, as positions [start, stop)."""
        if span not in self._ranges:
            width = len(self.timeline.edges) + 2
            first, after = self.timeline.buckets(span)
            customer = self.points.customer.astype(np.int64) * width
            if self.late is None:
                keys = self.customer * width + self.bucket
                start = np.searchsorted(keys, customer + first[self.points.cutoff])
                stop = np.searchsorted(keys, customer + after[self.points.cutoff])
            else:
                start, stop = self._late_ranges(customer, width, first, after)
            self._ranges[span] = (start, stop)
        return self._ranges[span]

    def _order_by_knowledge(self) -> list[np.ndarray] | None:
        """For late rows: which rows were known at each cutoff."""
        if self.late is None:
            return None
        return [np.flatnonzero(self.late < bucket) for bucket in self.timeline.known()]

    def _in_order(self, values: np.ndarray) -> np.ndarray:
        return values if self._order is None else values[np.concatenate(self._order)]

    def _late_ranges(
        self, customer: np.ndarray, width: int, first: np.ndarray, after: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._order is not None
        start = np.empty(len(self.points), dtype=np.int64)
        stop = np.empty(len(self.points), dtype=np.int64)
        offset = 0
        for index, known in enumerate(self._order):
            keys = self.customer[known] * width + self.bucket[known]
            here = self.points.cutoff == index
            start[here] = offset + np.searchsorted(keys, customer[here] + first[index])
            stop[here] = offset + np.searchsorted(keys, customer[here] + after[index])
            offset += len(known)
        return start, stop


def cut(
    engine: Backend,
    events: ibis.Table,
    *,
    time: str,
    timeline: Timeline,
    points: Points,
    measures: Sequence[Measure],
) -> Cut:
    """Aggregate a table of events, by its column `time`, for the points of a timeline."""
    rows = _in_buckets(events, time, timeline)
    keys = [CUSTOMER, "bucket"] + (["known_bucket"] if "known_bucket" in rows.columns else [])
    rows = rows.mutate(**{measure.name: measure.value(rows) for measure in measures})
    if any(measure.how == "days" for measure in measures):
        by_day = rows.group_by([*keys, "day"]).agg(**_aggregates(rows, measures, time))
        by_day = _days_once(by_day, measures)
        summed = by_day.group_by(keys).agg(**{m.name: _again(by_day[m.name], m) for m in measures})
    else:
        summed = rows.group_by(keys).agg(**_aggregates(rows, measures, time))
    return Cut(timeline, points, engine.to_pyarrow(_in_time(summed, keys, measures)), measures)


def _in_buckets(events: ibis.Table, time: str, timeline: Timeline) -> ibis.Table:
    """The events before the timeline's end, with the bucket of their day."""
    calendar = timeline.calendar()
    rows = events.mutate(day=events[time].date())
    rows = rows.filter(rows["day"] < timeline.end())
    rows = rows.left_join(calendar, "day").drop("day_right")
    rows = rows.mutate(bucket=rows["bucket"].fill_null(0))
    if "available_at" not in rows.columns:
        return rows
    # Known no earlier than it happened; a null says it was known at once.
    known = rows["available_at"].date().fill_null(rows["day"])
    rows = rows.mutate(known_day=(known > rows["day"]).ifelse(known, rows["day"]))
    rows = rows.filter(rows["known_day"] < timeline.end())
    renamed = calendar.rename(known_day="day", known_bucket="bucket")
    rows = rows.left_join(renamed, "known_day").drop("known_day_right")
    return rows.mutate(known_bucket=rows["known_bucket"].fill_null(0))


def _in_time(summed: ibis.Table, keys: Sequence[str], measures: Sequence[Measure]) -> ibis.Table:
    """By customer and bucket; rows of a bucket that became known in turn by their last value."""
    lasts = [m for m in measures if m.how == "last" and "known_bucket" in keys]
    if len(lasts) > 1:
        raise ValueError("of late rows only one last value can be taken in a pass")
    by_time = [name for m in lasts for name in (_last_at(m), m.name)]
    decimals = [c for c in summed.columns if summed[c].type().is_decimal()]
    # The engine rounds decimals to the nearest float64, Arrow does not.
    summed = summed.mutate(**{name: summed[name].cast("float64") for name in decimals})
    return summed.order_by([CUSTOMER, "bucket", *by_time, *keys[2:]])


def _days_once(by_day: ibis.Table, measures: Sequence[Measure]) -> ibis.Table:
    """A day whose rows became known in turn counts once: from the first of them on."""
    import ibis

    if "known_bucket" not in by_day.columns:
        return by_day
    day = ibis.window(group_by=[CUSTOMER, "day"])
    counted = {}
    for measure in measures:
        if measure.how == "days":
            value, known = by_day[measure.name], by_day["known_bucket"]
            first = known == known.min(where=value > 0).over(day)
            counted[measure.name] = first.ifelse(value, 0)
    return by_day.mutate(**counted)


def _last_at(measure: Measure) -> str:
    return f"{measure.name}_last_at"


def _aggregates(rows: ibis.Table, measures: Sequence[Measure], time: str) -> dict[str, Any]:
    found = {measure.name: _aggregate(rows, measure, time) for measure in measures}
    for measure in measures:
        if measure.how == "last" and "known_bucket" in rows.columns:
            found[_last_at(measure)] = rows[time].max(where=rows[measure.name].notnull())
    return found


def _aggregate(rows: ibis.Table, measure: Measure, time: str) -> Any:
    value = rows[measure.name]
    if measure.how == "sum":
        return _exact_sum(value)
    if measure.how == "days":
        return value.max().cast("int64")
    if measure.how == "last":
        given = value.notnull()
        return value.last(where=given, order_by=[rows[time], value])
    return value.max() if measure.how == "max" else value.min()


def _again(value: Any, measure: Measure) -> Any:
    """The aggregate over days of an aggregate within days."""
    if measure.how in ("sum", "days"):
        return value.sum()
    if measure.how == "last":
        raise ValueError(f"{measure.name}: last and days need a pass each")
    return value.max() if measure.how == "max" else value.min()


def _exact_sum(value: Any) -> Any:
    """A sum that does not depend on the order of the rows."""
    if value.type().is_integer():
        return value.sum()
    return value.cast("decimal(38, 9)").sum()


def _values(table: Any, measure: Measure) -> np.ndarray:
    given = values(table[measure.name])
    return np.nan_to_num(given) if measure.how in ("sum", "days") else given


def _as_whole(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Decimals as whole numbers and their scale: these add up to the same in any grouping."""
    for scale in SCALES:
        whole = np.rint(values * scale)
        if (whole / scale == values).all():
            return whole, scale
    return values, 1.0


def _take_last(given: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The last value that is there in each range."""
    there = np.flatnonzero(~is_missing(given))
    position = np.searchsorted(there, stop) - 1
    found = np.zeros(len(start), dtype=bool)
    inside = position >= 0
    found[inside] = there[position[inside]] >= start[inside]
    result = missing_like(given, len(start))
    result[found] = given[there[position[found]]]
    return result


def _reduce(
    operation: np.ufunc, values: np.ndarray, start: np.ndarray, stop: np.ndarray, empty: float
) -> np.ndarray:
    """Reduce each range of values; ranges without values give `empty`."""
    if len(start) == 0:
        return np.empty(0)
    neutral = 0.0 if operation is np.add else (-np.inf if operation is np.maximum else np.inf)
    padded = np.append(np.where(np.isnan(values), neutral, values), neutral)
    pairs = np.empty(2 * len(start), dtype=np.int64)
    pairs[0::2], pairs[1::2] = start, stop
    reduced = operation.reduceat(padded, pairs)[::2]
    return np.where((stop > start) & np.isfinite(reduced), reduced, empty)
