"""What a family of features reads of the histories: declared, so that any engine can deliver it.

A family says which rows it needs and which measures of them; it touches neither cutoffs nor time.
The engine then sends, for each read, few narrow columns per row, and `cut` turns the rows of a
chunk of customers into measures over any span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from features.tables import CUSTOMER

if TYPE_CHECKING:
    import ibis

Value = Callable[[Any], Any]
"""From a table of events to a column of it."""

Alone = Literal["count", "given", "sum", "max", "min", "last"]
OfDays = Literal["days", "gap_squares", "gap_max"]
InOrder = Literal["run", "run_max", "run_since", "change"]
How = Alone | OfDays | InOrder

TIME, DAY = "time", "day"
KNOWN, KNOWN_DAY = "known", "known_day"
ROWS = "rows"
"""The columns of a stream, beside `CUSTOMER` and what is measured."""

CUTOFF = "cutoff_index"
"""The column of a state that says at which cutoff it holds: the index of the cutoff."""


@dataclass(frozen=True)
class Measure:
    """What is taken of events: a name, a way, and a value or a condition computed from them.

    ``count`` counts rows, all or those that are ``where``, ``given`` those that have a value;
    ``last`` takes the value of the last row that has one (of several at the same moment the
    largest).

    Of the distinct days with a row: ``days`` counts them; a gap is the number of days from one to
    the next and belongs to the later one: ``gap_squares`` sums their squares, and ``gap_max`` takes
    the longest.

    Of rows in the order of time, those of the same moment by value, rows without a value left out:
    ``change`` is the last value less the one before; ``run`` is how many values of 0 came since the
    last other one, ``run_max`` the most there were, ``run_since`` when the last run began.

    Attributes
    ----------
    levels
        Of a count by the values of a text column: which value has which name. Each is a measure
        of that name.
    ever
        It is only asked over all history: that costs less to keep.
    """

    name: str
    how: How
    value: Value | None = None
    where: Value | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    ever: bool = False


def equals(column: str, value: str) -> Value:
    """The condition that a column has this value."""
    return lambda rows: rows[column] == value


def count(name: str = "count", where: Value | None = None, *, ever: bool = False) -> Measure:
    """How many rows, or how many of those that are so."""
    return Measure(name, "count", where=where, ever=ever)


def count_by(
    column: str, levels: Mapping[str, str], where: Value | None = None, *, ever: bool = False
) -> Measure:
    """How many rows by value of a text column: a measure for each level, under its name."""
    return Measure(column, "count", lambda rows: rows[column], where, levels, ever=ever)


@dataclass(frozen=True)
class Roll:
    """Events to be measured over spans, by their column `time`."""

    rows: ibis.Table
    time: str
    measures: Sequence[Measure]


@dataclass(frozen=True)
class State:
    """What holds at a cutoff: one row at most per `CUSTOMER` and `CUTOFF`, as it is used."""

    rows: ibis.Table


@dataclass(frozen=True)
class Traits:
    """What is known of customers whatever the cutoff: one row per `CUSTOMER`."""

    rows: ibis.Table


Read = Roll | State | Traits


@dataclass(frozen=True)
class Laid:
    """A measure and the columns of the stream that it is taken from.

    Attributes
    ----------
    value, condition
        The column of the value (or of the level's number), and of how many rows are counted; None
        where there is none.
    """

    name: str
    how: How
    levels: tuple[str, ...]
    value: str | None
    condition: str | None
    ever: bool = False

    @property
    def needs_time(self) -> bool:
        """Whether it depends on the order of the rows of a day."""
        return self.how == "last" or self.how in get_args(InOrder)


@dataclass(frozen=True)
class Layout:
    """How the rows of a roll are sent.

    Attributes
    ----------
    daily
        Whether the rows of a customer's day were added up in the engine.
    """

    measures: tuple[Laid, ...]
    daily: bool


def sent(roll: Roll, *, before: date, daily: bool) -> tuple[ibis.Table, Layout]:
    """The columns that the measures of a roll need of its rows before a day, and which is which.

    Equal expressions are sent once. With ``daily`` the engine adds up the rows of a customer's day
    first: fewer rows for one that is far away. The last value of a day is not the sum of anything,
    nor is what depends on the order of rows, so rolls that ask for these are sent row by row.
    """
    import ibis

    end = ibis.timestamp(f"{before} 00:00:00")
    time = roll.rows[roll.time]
    rows = roll.rows.filter(time.notnull() & (time < end))
    narrow = {CUSTOMER: rows[CUSTOMER], TIME: rows[roll.time]}
    if "available_at" in rows.columns:
        # Known no earlier than it happened; a null says that it was known at once.
        known = rows["available_at"].fill_null(rows[roll.time])
        narrow[KNOWN] = ibis.greatest(known, rows[roll.time])
    columns = _Columns(rows, roll.time)
    laid = tuple(columns.lay(measure) for measure in roll.measures)
    found = rows.select(**narrow, **columns.named)
    if not daily or any(measure.needs_time for measure in laid):
        return found, Layout(laid, daily=False)
    return _by_day(found, laid)


class _Columns:
    """Expressions under short names, equal ones once."""

    def __init__(self, rows: ibis.Table, time: str) -> None:
        self.named: dict[str, Any] = {}
        self._rows = rows
        self._names = {rows[time].op(): TIME}

    def lay(self, measure: Measure) -> Laid:
        """The columns of a measure."""
        value = condition = None
        if measure.value is not None:
            given = measure.value(self._rows)
            levels = tuple(measure.levels)
            value = self._add(_coded(given, levels) if levels else _plain(given))
        if measure.where is not None:
            condition = self._add(measure.where(self._rows).fill_null(False).cast("int8"))
        names = tuple(measure.levels.values())
        return Laid(measure.name, measure.how, names, value, condition, measure.ever)

    def _add(self, value: Any) -> str:
        known = self._names.get(value.op())
        if known is None:
            known = f"value_{len(self.named)}"
            self._names[value.op()] = known
            self.named[known] = value
        return known


def _coded(value: Any, levels: Sequence[str]) -> Any:
    """The number of a level, -1 for all others."""
    import ibis

    found = [(value == level, ibis.literal(n, "int32")) for n, level in enumerate(levels)]
    # A number that is written out is one of 32 bits to most engines, if it is not cast.
    kind = "int8" if len(levels) <= np.iinfo(np.int8).max else "int16"
    return ibis.cases(*found, else_=ibis.literal(-1, "int32")).cast(kind)


def _plain(value: Any) -> Any:
    kind = value.type()
    return value.cast("float64") if kind.is_decimal() or kind.is_floating() else value


def _by_day(rows: ibis.Table, measures: Sequence[Laid]) -> tuple[ibis.Table, Layout]:
    """The rows of a customer's day added up, by level and by the day on which they were known."""
    keys = [CUSTOMER, DAY, *sorted({m.value for m in measures if m.levels and m.value})]
    days = {DAY: rows[TIME].date()}
    if KNOWN in rows.columns:
        days[KNOWN_DAY] = rows[KNOWN].date()
        keys.append(KNOWN_DAY)
    rows = rows.mutate(**days)
    summed: dict[str, Any] = {ROWS: rows.count()}
    laid = []
    for measure in measures:
        if measure.condition:
            summed[measure.condition] = rows[measure.condition].cast("int64").sum()
        if measure.value and not measure.levels:
            name = f"{measure.value}_{measure.how}"
            summed[name] = _over_day(rows[measure.value], measure.how)
            # What was given on a day is a number to add up.
            how = "sum" if measure.how == "given" else measure.how
            laid.append(replace(measure, value=name, how=how))
        else:
            laid.append(measure)
    return rows.group_by(keys).agg(**summed), Layout(tuple(laid), daily=True)


def _over_day(value: Any, how: How) -> Any:
    if how == "sum":
        return _exact_sum(value)
    if how == "given":
        return value.count()
    return value.max() if how == "max" else value.min()


def _exact_sum(value: Any) -> Any:
    """A sum that does not depend on the order of the rows."""
    if value.type().is_integer():
        return value.cast("int64").sum()
    return value.cast("decimal(38, 9)").sum().cast("float64")
