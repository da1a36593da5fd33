"""Checks raw tables against their declaration, in the engine: typed rows, reasons for bad ones.

A bad row is never dropped in silence: `checked` returns the good rows, the bad ones with their
reason, and counts that add up (rows in = rows used + rows quarantined). A row with several faults
counts under its first one, in the order the faults are listed here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.casting import Casts
from features.engines import PLACE, ROW
from features.errors import ContractBroken
from features.sources import RawTable, shortened
from features.tables import (
    CUSTOMER,
    FIRST_DAYS,
    FIRST_DAYS_BEGIN,
    FIRST_DAYS_END,
    Column,
    Table,
)

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    from ibis.expr.datatypes import DataType

    from features.engines import Engine

REASON = "quarantine_reason"
GOOD = 0
RAW = "raw value: "
"""Before the name of a column as it was given; no attribute of a customer is called so."""
LARGEST = 1e15
"""Larger amounts than this are taken for faults; sums stay exact below it."""
MOST_SHOWN = 60
LONG = 30
"""Days from which on a time is far off another one."""
ENDS = "customer_left_at"
"""When a row's customer left for good, where that is known."""
EDGES = {
    "long_before_sign_up": "month_before_sign_up",
    "after_end": "day_after_end",
}
"""By oddity, the column of a row's customer that its time is compared with."""
OWN_COLUMNS = {CUSTOMER, FIRST_DAYS_BEGIN, FIRST_DAYS_END, ROW, REASON, ENDS, *EDGES.values()}
"""No attribute can be called so."""
INDEX_OF_PANDAS = r"__index_level_\d+__"
"""The rows' numbers in the export tell nothing of customers."""
KNOWN_LATE = ("available_at", "valid_from")
"""Columns that say since when a row is known, where that is later than its own time."""
STILL_OPEN = "2900-01-01"
"""An end from here on is none: 2999-12-31, 9999-12-31 and infinity say that something runs."""


@dataclass(frozen=True)
class Daily:
    """How a table's good rows lie in time: one entry a day that has any, ascending.

    Attributes
    ----------
    days
        Days since 1970-01-01, int64.
    rows
        Rows on each day, int64.
    last
        The last moment of each day, datetime64[us].
    """

    days: np.ndarray
    rows: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class Account:
    """What became of a table's rows.

    Attributes
    ----------
    rows
        Rows in the source.
    quarantined
        Rows set aside, by reason.
    odd
        Good rows that people should know of, by what is odd: see `oddities`.
    nulls
        Good rows without a value, by optional column.
    first, last
        The span of the table's time, as ISO text; None without rows.
    daily
        The good rows in time.
    """

    rows: int
    quarantined: dict[str, int]
    odd: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    daily: Daily | None = field(default=None, compare=False, repr=False)

    @property
    def bad(self) -> int:
        return sum(self.quarantined.values())

    @property
    def used(self) -> int:
        return self.rows - self.bad


def require_columns(table: Table, raw: RawTable, *, through_subscriptions: bool) -> None:
    """Stop when a required column is missing.

    ``through_subscriptions`` tells that a customer may be named by its subscription instead.
    """
    present = set(raw.rows.columns)
    for name in table.required:
        if name in present:
            continue
        if name == "customer_id" and through_subscriptions and "subscription_id" in present:
            continue
        near = difflib.get_close_matches(name, list(present), n=1, cutoff=0.5)
        theirs = near[0] if near else "THEIR_NAME"
        raise ContractBroken(
            f"The table {table.name} lacks the required column {name}.",
            where=raw.where,
            value=shortened(c for c in raw.rows.columns if c != PLACE),
            allowed=f"required: {', '.join(table.required)}",
            fix=f'if it has another name, say so: [data.columns.{table.name}] {name} = "{theirs}"',
        )


def with_fitting_types(engine: Engine, table: Table, raw: RawTable) -> RawTable:
    """The table with types that its declared columns can be read from.

    A column without any value has whatever type the export gave it; here it is text.

    Raises
    ------
    ContractBroken
        When a declared column holds what can be no value of its kind.
    """
    empty = {}
    for name in raw.rows.columns:
        column = raw.rows[name]
        declared = table.column(name) or _joining_column(name)
        if declared is None or _fits(column.type(), declared.kind):
            continue
        given = raw.rows.filter(column.notnull()).select(value=column.cast("string")).limit(3)
        examples = engine.to_pyarrow(given)["value"].to_pylist()
        if examples:
            raise _unfit(table, raw, declared, column.type(), examples)
        empty[name] = column.cast("string")
    return replace(raw, rows=raw.rows.mutate(**empty)) if empty else raw


def _unfit(
    table: Table, raw: RawTable, column: Column, kind: DataType, examples: Sequence[object]
) -> ContractBroken:
    return ContractBroken(
        f"{table.name}.{column.name} holds {_described(kind)} where {_NEEDED[column.kind]} "
        "are needed.",
        where=raw.where,
        value=", ".join(map(str, examples)),
        allowed=_ALLOWED[column.kind],
        fix=_advice(column.kind, examples)
        or "correct the type when the table is written, or map another column: "
        f'[data.columns.{table.name}] {column.name} = "THEIR_NAME"',
    )


_NEEDED = {
    "id": "ids",
    "time": "times",
    "number": "numbers",
    "bool": "true or false",
    "text": "texts",
}
_ALLOWED = {
    "id": "whole numbers or text",
    "time": "timestamps, dates, or text such as 2026-11-01 08:30:00",
    "number": "numbers, or text such as 12.50",
    "bool": "true or false, 1 or 0, or text such as yes and no",
    "text": "text",
}


def _fits(kind: DataType, needed: str) -> bool:
    if needed == "text":
        return not kind.is_nested()
    if kind.is_string() or kind.is_null():
        return True
    if needed == "time":
        return kind.is_timestamp() or kind.is_date()
    if needed == "id":
        return kind.is_numeric() or kind.is_uuid()
    return kind.is_numeric() or kind.is_boolean()


def _described(kind: DataType) -> str:
    return "numbers" if kind.is_numeric() else f"values of the type {kind}"


_ADVICE: dict[str, tuple[tuple[str, str], ...]] = {
    "time": (
        (
            r"\d{9,10}(\.\d+)?",
            "these look like seconds since 1970, which are not guessed at: write timestamps, in "
            "SQL to_timestamp(seconds)",
        ),
        (
            r"\d{12,13}(\.\d+)?",
            "these look like milliseconds since 1970, which are not guessed at: write timestamps, "
            "in SQL to_timestamp(milliseconds / 1000)",
        ),
        (r"\d{15,19}", "these look like micro- or nanoseconds since 1970: write timestamps"),
        (r"(19|20)\d{6}", "these look like dates without hyphens: write 2026-11-01"),
        (
            r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})\b.*",
            "these look like day and month in an order that cannot be told: write 2026-11-01",
        ),
    ),
    "number": (
        (r"-?[\d. ]*\d,\d+", "these look like decimal commas: write 12.50"),
        (
            r"[^\d.,+-]+\s*-?[\d.,]+|-?[\d.,]+\s*[^\d.,]+",
            "write the number alone, without its unit",
        ),
    ),
}


def _advice(kind: str, examples: Sequence[object]) -> str | None:
    """What to do about values of a well-known other form."""
    given = [str(example).strip() for example in examples if example is not None]
    for form, advice in _ADVICE.get(kind, ()):
        if given and all(re.fullmatch(form, value) for value in given):
            return advice
    return None


def are_whole_numbers(engine: Engine, rows: ibis.Table, name: str) -> bool:
    """Whether a column of ids holds whole numbers and nothing else.

    Text such as "007" is no whole number: turned into one it would be another id.
    """
    if rows[name].type().is_integer():
        return True

    def other(given: ibis.Table) -> ibis.Table:
        return given.select(other=~engine.casts.is_whole(given[name]).fill_null(True))

    others = engine.each_row(rows.select(name), other)
    return not engine.to_pyarrow(others["other"].any()).as_py()


def typed(table: Table, rows: ibis.Table, casts: Casts, *, timezone: str) -> ibis.Table:
    """The table's declared columns with their declared types, and the raw ones after `RAW`.

    A value that does not parse is null here, while its raw column is not; `faults` tells. Ids are
    whole numbers or text, as they were given.
    """
    columns: dict[str, ir.Value] = {}
    for name in rows.columns:
        declared = table.column(name) or _joining_column(name)
        if declared is not None:
            columns[RAW + name] = rows[name]
            columns[name] = _cast(rows[name], declared, casts, timezone)
        elif table.attributes and not names_no_attribute(name) and name != PLACE:
            columns[name] = rows[name]
    if ROW in rows.columns:
        columns[ROW] = rows[ROW]
    if table.column("status") is not None and "status" not in rows.columns:
        import ibis

        columns["status"] = ibis.literal("paid")
    return rows.select(**columns)


def names_no_attribute(column: str) -> bool:
    """Whether a column is called like one of ours, or is the index that pandas writes beside."""
    return column.lower() in OWN_COLUMNS or re.fullmatch(INDEX_OF_PANDAS, column) is not None


def _joining_column(name: str) -> Column | None:
    return (
        Column(name, "id", "the subscription it belongs to") if name == "subscription_id" else None
    )


def _cast(value: ir.Value, column: Column, casts: Casts, timezone: str) -> Any:
    if column.kind == "id":
        return casts.as_id(value)
    if column.kind == "time":
        return casts.as_time(value, timezone)
    if column.kind == "number":
        return casts.as_number(value)
    if column.kind == "bool":
        return casts.as_bool(value)
    text = value.cast("string")
    return _as_level(text, column) if column.allowed else text


def _as_level(text: Any, column: Column) -> Any:
    level = text.strip().lower()
    for other, ours in column.synonyms:
        level = (level == other).ifelse(ours, level)
    return level


@dataclass(frozen=True)
class Fault:
    """A way in which rows are bad: the condition, and the columns in which it shows."""

    bad: ir.BooleanValue
    columns: tuple[str, ...]


def faults(table: Table, rows: ibis.Table, casts: Casts, *, timezone: str) -> dict[str, Fault]:
    """What can be wrong with a typed row, by reason."""
    found: dict[str, Fault] = {}
    for column in table.columns:
        if column.name in rows.columns:
            given = RAW + column.name
            reasons = _impossible(column, rows[column.name], casts)
            if given in rows.columns:
                reasons = _unreadable(column, rows[column.name], rows[given], casts) | reasons
            found |= {reason: Fault(bad, (column.name,)) for reason, bad in reasons.items()}
    for start, end in table.in_order:
        if start in rows.columns and end in rows.columns:
            begin = _moment(rows, start, end, casts, timezone)
            stop = _moment(rows, end, start, casts, timezone)
            # An end at midnight is a date: it says on which day, not before what hour.
            is_date = rows[end] == rows[end].truncate("D")
            bad = is_date.ifelse(rows[end] < rows[start].truncate("D"), stop < begin)
            bad = bad & ~_within_an_hour_that_comes_twice(rows[start], rows[end], timezone)
            found[f"{end}_before_{start}"] = Fault(bad, (start, end))
    return found


def _moment(rows: ibis.Table, name: str, other: str, casts: Casts, timezone: str) -> Any:
    """A time to compare with another one: as an instant, where both are given as such.

    On the wall clock an hour comes twice in autumn, and what followed may seem to come before.
    """
    given, against = rows[RAW + name], rows[RAW + other]
    if all(_is_aware(each) or each.type().is_string() for each in (given, against)):
        return casts.as_instant(given, timezone)
    return rows[name]


def _within_an_hour_that_comes_twice(start: Any, end: Any, timezone: str) -> Any:
    """Whether the wall clock of autumn may be why an end seems to come before its start."""
    import ibis
    import ibis.expr.datatypes as dt

    hour = ibis.interval(hours=1)
    before, after = (
        wall.cast(dt.Timestamp(timezone=timezone)) for wall in (end - hour, end + hour)
    )
    return (after > before + ibis.interval(hours=2)) & (end >= start - hour)


def _is_aware(value: Any) -> bool:
    return value.type().is_timestamp() and value.type().timezone is not None


def oddities(table: Table, rows: ibis.Table) -> dict[str, ir.BooleanValue]:
    """What people should know of good rows, by name.

    ``long_before_sign_up``: a month and more earlier than its customer signed up. ``after_end``:
    later than the day on which it left.
    ``known_late``: known more than a month after it happened.
    """
    import ibis

    found: dict[str, Any] = {}
    time = rows[table.time]
    for name, edge in EDGES.items():
        if edge in rows.columns:
            found[name] = time >= rows[edge] if name == "after_end" else time < rows[edge]
    if table.column("available_at") and "available_at" in rows.columns:
        found["known_late"] = rows["available_at"] > time + ibis.interval(days=LONG)
    return found


def with_edges(customers: ibis.Table) -> ibis.Table:
    """Customers with the moments that make their rows odd: computed once, not for every row."""
    import ibis

    signed_up = customers["signed_up_at"]
    edges = {
        FIRST_DAYS_BEGIN: signed_up.truncate("D").cast(signed_up.type()),
        FIRST_DAYS_END: signed_up + ibis.interval(days=FIRST_DAYS),
        EDGES["long_before_sign_up"]: signed_up - ibis.interval(days=LONG),
    }
    if ENDS in customers.columns:
        edges[EDGES["after_end"]] = customers[ENDS].truncate("D") + ibis.interval(days=1)
    return customers.mutate(**edges).drop(*[c for c in (ENDS,) if c in customers.columns])


def _unreadable(column: Column, value: Any, given: Any, casts: Casts) -> dict[str, Any]:
    found = {}
    if column.required or column.never_null:
        # Of ids that are text the empty one is none.
        empty = column.kind == "id" and given.type().is_string()
        # Bytes that are no text fail here, and not in the middle of everything: to see a null the
        # engine need not look at the text, to see its length it must.
        is_text = column.kind == "text" and given.type().is_string()
        seen = given.length() if is_text else given
        found[f"null_{column.name}"] = value.isnull() if empty else seen.isnull()
    changed = value.type() != given.type() or casts.always_new(given.type())
    if column.kind != "text" and changed:
        there = given.notnull()
        if column.kind == "bool" and given.type().is_floating():
            there = casts.finite(given)
        found[f"unparsable_{column.name}"] = value.isnull() & there
    return found


def _impossible(column: Column, value: Any, casts: Casts) -> dict[str, Any]:
    found = {}
    if column.kind == "number":
        if value.type().is_floating():
            found[f"not_finite_{column.name}"] = ~casts.finite(value)
        found[f"out_of_range_{column.name}"] = ~value.between(-LARGEST, LARGEST)
    if column.kind == "time":
        first, last = _calendar()
        # What is still open may be said to end in a year that never comes.
        within = value >= first if column.open_ended else value.between(first, last)
        found[f"out_of_range_{column.name}"] = ~within
    if column.allowed:
        found[f"unknown_{column.name}"] = value.notnull() & value.notin(column.allowed)
    return found


def _calendar() -> tuple[ir.TimestampValue, ir.TimestampValue]:
    """The first moment and the last one that a date has a year of four digits for."""
    import ibis

    return ibis.timestamp("0001-01-01 00:00:00"), ibis.timestamp("9999-12-31 23:59:59.999999")


def with_reason(rows: ibis.Table, found: Mapping[str, Fault]) -> ibis.Table:
    """The rows with the number of their first fault as `REASON`: 1 for the first of `found`.

    Numbers are a third cheaper to group by than names; `GOOD` is the number of no fault.
    """
    import ibis

    if not found:
        return rows.mutate(**{REASON: _number(GOOD)})
    branches = [(f.bad.fill_null(False), _number(n)) for n, f in enumerate(found.values(), 1)]
    return rows.mutate(**{REASON: ibis.cases(*branches, else_=_number(GOOD))})


def with_open_ends(table: Table, rows: ibis.Table) -> ibis.Table:
    """The rows without ends that never come."""
    import ibis

    open_ended = [c.name for c in table.columns if c.open_ended and c.name in rows.columns]
    never = ibis.timestamp(f"{STILL_OPEN} 00:00:00")
    return rows.mutate(**{c: (rows[c] < never).ifelse(rows[c], None) for c in open_ended})


def marked(rows: ibis.Table, number: int, bad: ir.BooleanValue) -> ibis.Table:
    """The rows with a further fault, by its number, for those that have none yet."""
    first = (rows[REASON] == GOOD) & bad
    return rows.mutate(**{REASON: first.ifelse(_number(number), rows[REASON])})


def _number(reason: int) -> Any:
    import ibis

    return ibis.literal(reason, "int8")


def repeated_id(table: Table, rows: ibis.Table, found: dict[str, Fault]) -> ibis.Table:
    """Marks every further row with the same row id; the first one that was known stays.

    Of several known at the same moment it is the first in the source's order. So what comes later
    displaces no older row, wherever it is written. The fault is added to `found`.
    """
    import ibis

    key = tuple(name for name in table.row_id if name in rows.columns)
    if not key:
        return rows
    good = rows[REASON] == GOOD
    window = ibis.window(group_by=[*key, good], order_by=[known_at(table, rows), rows[ROW]])
    repeated = ibis.row_number().over(window) > 0
    found[f"repeated_{key[0]}"] = Fault(repeated, key)
    return marked(rows, len(found), repeated)


def known_at(table: Table, rows: ibis.Table) -> Any:
    """When each typed row became known: when it happened, or later where it says so."""
    import ibis

    late = [rows[name] for name in KNOWN_LATE if table.column(name) and name in rows.columns]
    return ibis.greatest(rows[table.time], *late) if late else rows[table.time]


def in_words(reason: ir.Value, found: Mapping[str, Fault]) -> ir.Value:
    """The names of faults from their numbers."""
    import ibis

    names = [(reason == n, name) for n, name in enumerate(found, 1)]
    return ibis.cases(*names, else_=ibis.null("string"))


def account(engine: Engine, table: Table, rows: ibis.Table, found: Mapping[str, Fault]) -> Account:
    """Count a reasoned table in one pass, by reason and day."""
    odd = oddities(table, rows)
    nulls = {c.name: rows[c.name].isnull() for c in table.columns if _may_be_null(c, rows)}
    counted = rows.group_by(REASON, day=rows[table.time].date()).agg(
        rows=rows.count(),
        first=rows[table.time].min(),
        last=rows[table.time].max(),
        **{f"odd {name}": rows.count(where=condition) for name, condition in odd.items()},
        **{f"null {name}": rows.count(where=condition) for name, condition in nulls.items()},
    )
    # The times of bad rows are no dates at times: only those of good ones are looked at.
    result = engine.to_pyarrow(counted.order_by([REASON, "day"]))
    reasons = result[REASON].to_numpy()
    good = result.filter(reasons == GOOD)
    sums = np.bincount(reasons, weights=result["rows"].to_numpy(), minlength=len(found) + 1)
    by_name = {name: int(sums[n]) for n, name in enumerate(found, 1) if sums[n]}
    return Account(
        rows=int(sums.sum()),
        quarantined=dict(sorted(by_name.items())),
        odd={name: _total(good, f"odd {name}") for name in odd},
        nulls={name: _total(good, f"null {name}") for name in nulls},
        first=str(good["first"][0].as_py()) if len(good) else None,
        last=str(good["last"][len(good) - 1].as_py()) if len(good) else None,
        daily=Daily(
            days=good["day"].to_numpy().astype("datetime64[D]").astype(np.int64),
            rows=good["rows"].to_numpy(),
            last=good["last"].to_numpy().astype("datetime64[us]"),
        ),
    )


def _total(counted: Any, name: str) -> int:
    # Where nothing was compared an engine may count nothing, rather than zero.
    return int(counted[name].fill_null(0).to_numpy().sum())


def _may_be_null(column: Column, rows: ibis.Table) -> bool:
    return column.name in rows.columns and not column.required and not column.never_null


def refuse_too_many(
    engine: Engine,
    table: Table,
    rows: ibis.Table,
    counts: Account,
    found: Mapping[str, Fault],
    *,
    where: str,
    limit: float,
) -> None:
    """Stop when more than `limit` (a share) of a table's rows are bad, with examples."""
    if counts.rows == 0 or counts.bad <= limit * counts.rows:
        return
    worst = max(counts.quarantined, key=lambda reason: counts.quarantined[reason])
    columns = [c for c in found[worst].columns if RAW + c in rows.columns]
    bad = rows.filter(rows[REASON] == list(found).index(worst) + 1)
    bad = bad.select(**{column: bad[RAW + column] for column in columns}).distinct()
    bad = bad.order_by(columns).limit(3)
    examples = engine.to_pyarrow(bad).to_pylist()
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in counts.quarantined.items())
    advice = None
    if len(columns) == 1 and worst.startswith("unparsable"):
        kind = next((c.kind for c in table.columns if c.name == columns[0]), "id")
        advice = _advice(kind, [row[columns[0]] for row in examples])
    raise ContractBroken(
        f"Too many bad rows in the table {table.name}: {counts.bad:,} of {counts.rows:,} "
        f"({reasons}).",
        where=where,
        value=f"{worst}, for example "
        + " | ".join(", ".join(f"{k} = {_shown(v)}" for k, v in row.items()) for row in examples),
        allowed=f"{100 * limit:.3g}% at most ([data] max_bad_share)",
        fix=advice
        or "look at them in the quarantine; correct the source, map its columns in "
        f"[data.columns.{table.name}], or raise [data] max_bad_share",
    )


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + " …"
