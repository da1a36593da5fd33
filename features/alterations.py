"""The same past with another future: copies of tables in which only what came later differs.

Whatever is computed for a cutoff must come out the same from every such copy. The rows are altered
as they lie there, before any check, so what the contract makes of them (rows set aside, the first
row of an id, whose customers are known) is put to the proof as well.

What is later goes by the declarations alone: a row is known from its own time, or from
`available_at` or `valid_from` where these are later; a column with `known_from` from then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from features import contract
from features.casting import Casts
from features.contract import KNOWN_LATE, RAW, known_at
from features.histories import Histories
from features.sources import RawTable
from features.tables import CUSTOMER, TABLES, Column, Table

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    from ibis.expr.datatypes import DataType

FARTHEST_DAYS = 40
ONE_IN = 4
"""One row in so many is copied where rows are added."""


@dataclass(frozen=True)
class Altered:
    """A table with another future: its rows as they would lie there, and how many are altered."""

    rows: ibis.Table
    touched: ir.IntegerScalar


def deleted(rows: Later) -> Altered:
    """Nothing from the cutoff on: neither rows nor versions of rows."""
    return Altered(rows.with_columns({}, where=~rows.later), rows.later.sum())


def changed(rows: Later) -> Altered:
    """Everything from the cutoff on is different: values, times, ends and closes."""
    columns = {}
    touched = rows.later
    for name in rows.given:
        column = rows.table.column(name)
        known = rows.other_row(name)
        if column is not None and column.known_from:
            open_still = rows.unknown(column) & ~rows.later
            touched = touched | open_still
            known = open_still.ifelse(rows.other_value(column), known)
        columns[name] = known
    return Altered(rows.with_columns(columns), touched.sum())


def added(rows: Later) -> Altered:
    """More rows, known from the cutoff on, a microsecond later, or days later.

    Copies of rows with their times moved; where a table may tell when a row became known, some
    happened long before.
    """
    import ibis

    picked = rows.pick(ONE_IN) == 0
    before = rows.with_columns(rows.widened({}))
    copies = rows.with_columns(rows.widened(rows.copied()), where=picked)
    return Altered(ibis.union(before, copies, distinct=False), picked.sum())


def masked(rows: Later) -> Altered:
    """What is filled in later is empty again, and later versions of a row are gone."""
    columns: dict[str, Any] = {}
    touched = rows.later_version
    for name, given in rows.given.items():
        column = rows.table.column(name)
        if column is not None and column.known_from:
            hidden = rows.unknown(column) & rows.typed[name].notnull()
            touched = touched | hidden
            columns[name] = hidden.ifelse(None, given)
    return Altered(rows.with_columns(columns, where=~rows.later_version), touched.sum())


ALTERATIONS: dict[str, Callable[[Later], Altered]] = {
    "deleted": deleted,
    "changed": changed,
    "added": added,
    "masked": masked,
}
"""By name, what is done to a table: to its rows from the cutoff on, or to what came later in it."""


def altered(
    histories: Histories,
    name: str,
    how: str,
    cutoff: date,
    *,
    timezone: str,
    spared: Sequence[str] = (),
) -> Altered:
    """A table with another future from the cutoff on, but for customers that are `spared`."""
    table, raw = TABLES[name], histories.raw[name]
    key, ids = "customer_id", list(spared)
    if key not in raw.rows.columns:
        key, owned = "subscription_id", histories.tables["subscriptions"]
        owned = owned.filter(owned["customer_id"].cast("string").isin(ids))
        ids = histories.engine.to_pyarrow(owned[key].cast("string")).to_pylist()
    rows = Later(table, raw, cutoff, timezone=timezone, spared=(key, ids))
    return ALTERATIONS[how](rows)


def spared_at(histories: Histories, cutoff: date) -> list[str]:
    """Customers whose rows stay as they are, so that no table is left without any: their ids.

    Of each table in which nothing is known before the cutoff it is the customer of the last row.
    Without a table there would be no vectors to compare.
    """
    import ibis

    found = []
    for name, rows in histories.tables.items():
        time = TABLES[name].time
        before = (contract.known_at(TABLES[name], rows) < _moment(cutoff)).sum()
        if not histories.engine.to_pyarrow(before).as_py():
            last = rows.order_by([ibis.desc(time), CUSTOMER]).limit(1)
            found += histories.engine.to_pyarrow(last["customer_id"].cast("string")).to_pylist()
    return sorted(set(found))


def _moment(cutoff: date) -> Any:
    import ibis

    return ibis.timestamp(f"{cutoff} 00:00:00")


class Later:
    """A raw table with what of it is later than a cutoff, and other values for that.

    Attributes
    ----------
    given
        The columns as they lie there, those that nothing reads aside.
    typed
        The same rows with what each column says.
    later, later_version
        Which rows are known only from the cutoff on, and which of these are versions of older ones.
    """

    def __init__(
        self,
        table: Table,
        raw: RawTable,
        cutoff: date,
        *,
        timezone: str,
        spared: tuple[str, Sequence[str]],
    ) -> None:
        import ibis

        self.table = table
        self.timezone = timezone
        self.cutoff = _moment(cutoff)
        self.typed = contract.typed(table, raw.rows, timezone=timezone, casts=Casts())
        self.given: dict[str, Any] = {
            name: self.typed[RAW + name if RAW + name in self.typed.columns else name]
            for name in raw.rows.columns
            if name in self.typed.columns
        }
        time = self.typed[table.time]
        self.free = ~self.typed[spared[0]].cast("string").isin(list(spared[1])).fill_null(False)
        self.later = self.free & (known_at(table, self.typed) >= self.cutoff).fill_null(False)
        versions = ibis.literal("valid_from" in self.given and "valid_from" in table.row_id)
        self.later_version = self.later & (time < self.cutoff) & versions

    def with_columns(self, columns: Mapping[str, Any], *, where: Any = None) -> ibis.Table:
        """The raw rows with other values in some columns."""
        rows = self.typed if where is None else self.typed.filter(where)
        return rows.select(**{**self.given, **columns})

    def pick(self, n: int, of: str = "") -> Any:
        """A number below `n` for each row, which is the same every time."""
        key = next(c for c in ("customer_id", "subscription_id") if c in self.given)
        mixed = self.typed[key].cast("string") + self.typed[self.table.time].cast("string") + of
        return ((mixed.hash() % n + n) % n).fill_null(0)

    def unknown(self, column: Column) -> Any:
        """Where a column that is filled in later is not known at the cutoff, or never was."""
        assert column.known_from
        if column.known_from not in self.given:
            return self.free
        known = self.typed[column.known_from]
        unknown = known >= self.cutoff
        if column.known_from == column.name:
            # What does not parse was given, nobody knows when.
            unknown = unknown | self.given[column.name].isnull()
        else:
            unknown = unknown | known.isnull()
        if column.name == "ended_at" and "cancelled_at" in self.given:
            unknown = unknown & ~(self.typed["cancelled_at"] < self.cutoff).fill_null(False)
        return self.free & unknown.fill_null(False)

    def other_value(self, column: Column) -> Any:
        """What a column that was not known yet might have become."""
        import ibis

        if column.kind != "time":
            return self._other(column)
        pick = self.pick(4, column.name)
        moved = ibis.cases((pick == 1, self.cutoff), (pick > 1, self._some_days_later(column.name)))
        return _as_given(moved, self.given[column.name].type(), self.timezone)

    def other_row(self, name: str) -> Any:
        """A column in which every row that is later says something else."""
        given, column = self.given[name], self.table.column(name)
        if column is None:
            return self.later.ifelse(_other_attribute(given), given)
        if column.kind == "id" or name in KNOWN_LATE:
            return given
        if column.kind != "time":
            return self.later.ifelse(self._other(column), given)
        if name == self.table.time:
            # What became known late may have happened at any other time before.
            earlier = self.typed[name] - self._some_days(name)
            late = self.typed[name] < self.cutoff
            moved = late.ifelse(earlier, self._some_days_later(name))
        elif column.known_from:
            late = self.typed[self.table.time] < self.cutoff
            moved = late.ifelse(self.cutoff - self._some_days(name), None)
        else:
            moved = self.typed[name] + self._some_days(name)
        return self.later.ifelse(_as_given(moved, given.type(), self.timezone), given)

    def _other(self, column: Column) -> Any:
        """Another value of the same kind; ids and what has an odd type stay."""
        import ibis

        given = self.given[column.name]
        kind, pick = given.type(), self.pick(4, column.name)
        if column.kind == "bool":
            return (
                (pick < 2).cast("int8").cast(kind) if kind.is_numeric() else _flag(pick < 2, kind)
            )
        if column.kind == "number" and kind.is_numeric():
            return pick.try_cast(kind)
        if not kind.is_string():
            return given
        if column.kind == "number":
            return pick.cast("string")
        if column.allowed:
            words = [(pick == n, word) for n, word in enumerate(column.allowed)]
            return ibis.cases(*words, else_=column.allowed[0])
        return (pick < 2).ifelse(given, given + " (changed)")

    def _some_days(self, of: str) -> Any:
        import ibis

        return (self.pick(FARTHEST_DAYS, of) + 1) * ibis.interval(days=1)

    def _some_days_later(self, of: str) -> Any:
        return self.cutoff + self._some_days(of)

    def copied(self) -> dict[str, Any]:
        """The columns of copies of rows that become known from the cutoff on."""
        import ibis

        pick = self.pick(3, "when")
        tick = ibis.interval(microseconds=1)
        at = ibis.cases(
            (pick == 0, self.cutoff),
            (pick == 1, self.cutoff + tick),
            else_=self._some_days_later("when"),
        )
        late = self.pick(2, "late") == 0
        known = next((c for c in KNOWN_LATE if c in self.widened({})), None)
        time = at if known is None else late.ifelse(self.typed[self.table.time], at)
        columns = {self.table.time: time}
        if known:
            columns[known] = late.ifelse(at, None)
        for column in self.table.columns:
            if column.known_from and column.kind == "time" and column.name in self.given:
                # The end of a later version may be dated back.
                back = late & (self.pick(3, column.name) == 0)
                columns[column.name] = back.ifelse(self.cutoff - self._some_days(column.name), None)
        found = {
            name: _as_given(moment, self.widened({})[name].type(), self.timezone)
            for name, moment in columns.items()
        }
        for name in self.table.row_id[:1]:
            same = late if known == "valid_from" else ibis.literal(False)
            found[name] = same.ifelse(self._id(name), _new_id(self._id(name)))
        return found

    def widened(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Columns for rows old and new: ids that can be made anew, and when a row became known."""
        import ibis

        every: dict[str, Any] = dict(self.given)
        every |= {name: self._id(name) for name in self.table.row_id[:1]}
        if self.table.column("available_at") and "available_at" not in every:
            every["available_at"] = ibis.null("timestamp(6)")
        return {**every, **columns}

    def _id(self, name: str) -> Any:
        return self.typed[name]


def _new_id(value: Any) -> Any:
    return -value - 1 if value.type().is_integer() else "added " + value


def _flag(value: Any, kind: DataType) -> Any:
    return value.ifelse("true", "false") if kind.is_string() else value


def _other_attribute(given: Any) -> Any:
    """Attributes are numbers, booleans or text; an odd cell makes text of a column of numbers."""
    return given + " (changed)" if given.type().is_string() else given.nullif(given)


def _as_given(moment: Any, kind: DataType, timezone: str) -> Any:
    """A moment on the wall clock as the table has its times: text, date, with or without zone."""
    if kind.is_string() or kind.is_date():
        return moment.cast(kind)
    import ibis.expr.datatypes as dt

    if kind.is_timestamp() and kind.timezone:
        return moment.cast(dt.Timestamp(timezone=timezone)).cast(kind)
    return moment.cast(kind)
