"""What vectors are made of: windows, tables, event types, attributes; kept with the model.

A plan is made once, from history before a date, and then makes the same columns for any cutoff: a
new event type at scoring time changes no column of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from features.errors import ContractBroken
from features.histories import Histories
from features.tables import TABLES

MOST_LEVELS = {
    ("usage", "event"): 12,
    ("tickets", "category"): 6,
    ("surveys", "kind"): 4,
    ("payments", "method"): 4,
}
"""Columns that are counted per value, and for how many of the commonest values at most."""

READ_BY_FAMILIES = ("customers", "subscriptions", "usage", "payments", "tickets", "surveys")
"""The tables that features are made from."""

NOT_READ = ("comment", "invoice_id", "available_at", "contact_allowed")
"""Columns that no feature is made from: a model does not need them."""

RARE = 0.001
"""A value with a smaller share of its table's rows gets no column of its own."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides which columns vectors have.

    Attributes
    ----------
    windows
        Days, ascending.
    tables
        By input table, the columns it had.
    levels
        By ``table.column``, the values that are counted separately, the commonest first.
    attributes
        By attribute of customers, its kind: number, bool or text.
    """

    windows: tuple[int, ...]
    tables: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, str]

    def has(self, table: str, *columns: str) -> bool:
        """Whether the plan counts on this table, with all of these columns."""
        return table in self.tables and all(name in self.tables[table] for name in columns)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Plan:
        return Plan(
            windows=tuple(values["windows"]),
            tables={name: tuple(columns) for name, columns in values["tables"].items()},
            levels={name: tuple(levels) for name, levels in values["levels"].items()},
            attributes=dict(values["attributes"]),
        )


NO_PLAN = Plan(windows=(), tables={}, levels={}, attributes={})
"""For columns that no plan decides on."""


def make_plan(histories: Histories, *, windows: Sequence[int], known_before: date) -> Plan:
    """A plan for these histories; event types are chosen from rows before `known_before`."""
    tables = {
        name: tuple(
            column.name
            for column in TABLES[name].columns
            if column.name in rows.columns and column.name not in NOT_READ
        )
        for name, rows in histories.tables.items()
        if name in READ_BY_FAMILIES
    }
    levels = {
        f"{table}.{column}": _levels(histories, table, column, most, known_before)
        for (table, column), most in MOST_LEVELS.items()
        if column in tables.get(table, ())
    }
    return Plan(tuple(sorted(windows)), tables, levels, dict(histories.attributes))


def _levels(
    histories: Histories, table: str, column: str, most: int, known_before: date
) -> tuple[str, ...]:
    """The commonest values of a column, ties by name."""
    import ibis

    rows = histories.tables[table]
    moment = ibis.timestamp(f"{known_before} 00:00:00")
    rows = rows.filter(rows[TABLES[table].time] < moment)
    if "available_at" in rows.columns:
        rows = rows.filter((rows["available_at"] < moment) | rows["available_at"].isnull())
    counted = rows.filter(rows[column].notnull()).group_by(column).agg(n=lambda t: t.count())
    found = histories.engine.to_pyarrow(counted.order_by([ibis.desc("n"), column])).to_pylist()
    total = sum(row["n"] for row in found)
    return tuple(row[column] for row in found[:most] if row["n"] >= RARE * total)


def require(histories: Histories, plan: Plan) -> None:
    """Stop when the histories lack what a plan, and the model that it belongs to, counts on.

    Raises
    ------
    ContractBroken
        Naming the table or columns that are missing.
    """
    for table, columns in plan.tables.items():
        rows = histories.tables.get(table)
        missing = [c for c in columns if rows is None or c not in rows.columns]
        missing += [
            name
            for name in (plan.attributes if table == "customers" else ())
            if name not in histories.attributes
        ]
        if missing:
            raise ContractBroken(
                f"The model was trained with the table {table}, which now lacks "
                + ("any rows." if rows is None else f"columns: {', '.join(missing)}."),
                where="[data] source",
                allowed="the columns of the training: "
                + ", ".join([*columns, *(plan.attributes if table == "customers" else ())]),
                fix="restore the table, or train again without it: churn train",
            )
