"""Checks raw tables against their declaration, in the engine: typed rows, reasons for bad ones.

A bad row is never dropped in silence: `checked` returns the good rows, the bad ones with their
reason, and counts that add up (rows in = rows used + rows quarantined). A row with several faults
counts under its first one, in the order the faults are listed here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from features.errors import ContractBroken
from features.sources import RawTable
from features.tables import Column, Table

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

REASON = "quarantine_reason"
ROW = "row_in_source"
RAW = "raw value: "
"""Before the name of a column as it was given; no attribute of a customer is called so."""
LARGEST = 1e15
"""Larger amounts than this are taken for faults; sums stay exact below it."""
WHOLE_NUMBER = r"^(-[1-9][0-9]{0,17}|0|[1-9][0-9]{0,17})$"


@dataclass(frozen=True)
class Account:
    """What became of a table's rows.

    Attributes
    ----------
    rows
        Rows in the source.
    quarantined
        Rows set aside, by reason.
    first, last
        The span of the table's time, as ISO text; None without rows.
    """

    rows: int
    quarantined: dict[str, int]
    first: str | None = None
    last: str | None = None

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
            value=", ".join(raw.rows.columns),
            allowed=f"required: {', '.join(table.required)}",
            fix=f'if it has another name, say so: [data.columns.{table.name}] {name} = "{theirs}"',
        )


def whole_number_ids(engine: Backend, columns: Sequence[ir.Column]) -> bool:
    """Whether all of these id columns hold whole numbers and nothing else.

    Ids are compared across tables, so they are numbers everywhere or text everywhere. Text such as
    "007" is no whole number: turned into one it would be another id.
    """
    for column in columns:
        kind = column.type()
        if kind.is_uint64():
            return False
        if kind.is_integer():
            continue
        if kind.is_floating():
            other = (~finite(column) | (column != column.floor())).fill_null(False)
        elif kind.is_string():
            other = ~column.re_search(WHOLE_NUMBER).fill_null(True)
        else:
            return False
        if engine.to_pyarrow(other.any()).as_py():
            return False
    return True


def typed(table: Table, raw: RawTable, *, numeric_ids: bool, timezone: str) -> ibis.Table:
    """The table's declared columns with their declared types, and the raw ones after `RAW`.

    A value that does not parse is null here, while its raw column is not; `faults` tells.
    """
    rows = raw.rows
    columns: dict[str, ir.Value] = {}
    for name in rows.columns:
        declared = table.column(name) or _joining_column(name)
        if declared is not None:
            columns[RAW + name] = rows[name]
            columns[name] = _cast(
                rows[name], declared, table, raw, numeric_ids=numeric_ids, timezone=timezone
            )
        elif table.attributes:
            columns[name] = rows[name]
    if ROW in rows.columns:
        columns[ROW] = rows[ROW]
    if table.column("status") is not None and "status" not in rows.columns:
        import ibis

        columns["status"] = ibis.literal("paid")
    return rows.select(**columns)


def _joining_column(name: str) -> Column | None:
    return (
        Column(name, "id", "the subscription it belongs to") if name == "subscription_id" else None
    )


def _cast(
    value: ir.Value,
    column: Column,
    table: Table,
    raw: RawTable,
    *,
    numeric_ids: bool,
    timezone: str,
) -> Any:
    if column.kind == "id":
        return _as_id(value, numeric=numeric_ids or column.name != "customer_id")
    if column.kind == "time":
        return _as_time(value, column, table, raw, timezone)
    if column.kind == "number":
        return _as_number(value)
    if column.kind == "bool":
        return _as_bool(value)
    text = value.cast("string")
    return text.strip().lower() if column.allowed else text


def _as_id(value: Any, *, numeric: bool) -> Any:
    kind = value.type()
    if kind.is_integer():
        return value.cast("int64") if numeric else value.cast("string")
    if kind.is_floating():
        whole = finite(value).ifelse(value, None).try_cast("int64")
        return whole if numeric else whole.cast("string")
    text = value.cast("string")
    return text.try_cast("int64") if numeric and _is_customer(value) else text.nullif("")


def _is_customer(value: Any) -> bool:
    return value.get_name() == "customer_id"


def _as_time(value: Any, column: Column, table: Table, raw: RawTable, timezone: str) -> Any:
    """A naive timestamp on the wall clock of `timezone` (the engine's clock is set to it)."""
    import ibis.expr.datatypes as dt

    kind = value.type()
    if kind.is_timestamp() or kind.is_date():
        return value.cast(dt.Timestamp(scale=6))
    if kind.is_string():
        # Text without an offset is read in the engine's time zone, text with one is converted.
        return value.try_cast(dt.Timestamp(timezone=timezone)).cast(dt.Timestamp(scale=6))
    if kind.is_null():
        return value.cast(dt.Timestamp(scale=6))
    raise ContractBroken(
        f"{table.name}.{column.name} holds numbers where times are needed.",
        where=raw.where,
        value=f"type {kind}",
        allowed="timestamps, dates, or text such as 2026-11-01 08:30:00",
        fix="convert it when the table is written, for instance to_timestamp(seconds) in SQL",
    )


def _as_number(value: Any) -> Any:
    kind = value.type()
    if kind.is_integer():
        return value
    if kind.is_boolean():
        return value.cast("int8")
    return value.try_cast("float64") if kind.is_string() else value.cast("float64")


def _as_bool(value: Any) -> Any:
    kind = value.type()
    if kind.is_boolean():
        return value
    return value.try_cast("boolean") if kind.is_string() else value != 0


def finite(value: Any) -> Any:
    """Whether a floating-point value is a number: neither NaN nor infinite; null for null."""
    return ~(value.isnan() | value.isinf())


def faults(table: Table, rows: ibis.Table) -> dict[str, ir.BooleanValue]:
    """What can be wrong with a typed row, each as a condition that is true for the bad ones."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in rows.columns:
            given = RAW + column.name
            if given in rows.columns:
                found |= _unreadable(column, rows[column.name], rows[given])
            found |= _impossible(column, rows[column.name])
    for start, end in table.in_order:
        if start in rows.columns and end in rows.columns:
            found[f"{end}_before_{start}"] = rows[end] < rows[start]
    return found


def _unreadable(column: Column, value: Any, given: Any) -> dict[str, Any]:
    found = {}
    if column.required or column.never_null:
        found[f"null_{column.name}"] = given.isnull()
    if column.kind != "text":
        found[f"unparsable_{column.name}"] = value.isnull() & given.notnull()
    return found


def _impossible(column: Column, value: Any) -> dict[str, Any]:
    found = {}
    if column.kind == "number":
        if value.type().is_floating():
            found[f"not_finite_{column.name}"] = ~finite(value).fill_null(True)
        found[f"out_of_range_{column.name}"] = ~value.between(-LARGEST, LARGEST)
    if column.kind == "time":
        found[f"out_of_range_{column.name}"] = ~value.between(*_calendar())
    if column.allowed:
        found[f"unknown_{column.name}"] = value.notnull() & value.notin(column.allowed)
    return found


def _calendar() -> tuple[ir.TimestampValue, ir.TimestampValue]:
    """The first moment and the last one that a date has a year of four digits for."""
    import ibis

    return ibis.timestamp("0001-01-01 00:00:00"), ibis.timestamp("9999-12-31 23:59:59.999999")


def with_reason(rows: ibis.Table, found: Mapping[str, ir.BooleanValue]) -> ibis.Table:
    """The rows with their first fault as `REASON`; null where there is none."""
    import ibis

    if not found:
        return rows.mutate(**{REASON: ibis.null("string")})
    branches = [(condition.fill_null(False), reason) for reason, condition in found.items()]
    return rows.mutate(**{REASON: ibis.cases(*branches, else_=ibis.null("string"))})


def repeated_id(table: Table, rows: ibis.Table) -> ibis.Table:
    """Marks every further row with the same row id; the first one in the source's order stays."""
    import ibis

    key = [name for name in table.row_id if name in rows.columns]
    if not key:
        return rows
    good = rows[REASON].isnull()
    window = ibis.window(group_by=[*key, good], order_by=ROW)
    nth = ibis.row_number().over(window)
    reason = rows[REASON].coalesce((good & (nth > 0)).ifelse(f"repeated_{key[0]}", None))
    return rows.mutate(**{REASON: reason})


def account(engine: Backend, table: Table, rows: ibis.Table) -> Account:
    """Count a reasoned table in one pass."""
    counted = rows.group_by(REASON).agg(
        rows=lambda t: t.count(),
        first=lambda t: t[table.time].min().cast("string"),
        last=lambda t: t[table.time].max().cast("string"),
    )
    found = engine.to_pyarrow(counted).to_pylist()
    good = next((row for row in found if row[REASON] is None), {"first": None, "last": None})
    reasons = {row[REASON]: row["rows"] for row in found if row[REASON] is not None}
    return Account(
        rows=sum(row["rows"] for row in found),
        quarantined={name: reasons[name] for name in sorted(reasons)},
        first=good["first"],
        last=good["last"],
    )


def refuse_too_many(
    engine: Backend, table: Table, rows: ibis.Table, counts: Account, where: str, limit: float
) -> None:
    """Stop when more than `limit` (a share) of a table's rows are bad, with examples."""
    if counts.rows == 0 or counts.bad <= limit * counts.rows:
        return
    worst = max(counts.quarantined, key=lambda reason: counts.quarantined[reason])
    shown = [name for name in rows.columns if name.startswith(RAW)]
    bad = rows.filter(rows[REASON] == worst).select(shown).limit(3)
    examples = [
        ", ".join(f"{name.removeprefix(RAW)}={value}" for name, value in row.items())
        for row in engine.to_pyarrow(bad).to_pylist()
    ]
    reasons = ", ".join(f"{reason}: {n:,}" for reason, n in counts.quarantined.items())
    raise ContractBroken(
        f"Too many bad rows in the table {table.name}: {counts.bad:,} of {counts.rows:,} "
        f"({reasons}).",
        where=where,
        value=f"{worst}, for example {' | '.join(examples)}",
        allowed=f"{limit:.0%} at most ([data] max_bad_share)",
        fix="correct the source, map its columns in [data.columns], or raise max_bad_share",
    )
