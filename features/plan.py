"""What vectors are made of: windows, tables, event types, attributes; kept with the model.

A plan is made once, from history before a date, and then makes the same columns for any cutoff: a
new event type at scoring time changes no column of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from features.errors import ContractBroken, UsageError
from features.histories import Histories
from features.tables import TABLES

MOST_LEVELS = {
    ("usage", "event"): 12,
    ("tickets", "category"): 6,
    ("surveys", "kind"): 4,
    ("payments", "method"): 4,
}
"""Columns that are counted per value, and for how many of the commonest values at most."""

READ_BY_FAMILIES = (
    *("customers", "subscriptions", "usage", "payments", "tickets", "surveys", "contacts"),
)
"""The tables that features are made from."""

NOT_READ = ("comment", "invoice_id", "available_at", "contact_allowed", "currency", "cost")
"""Columns that no feature is made from: a model does not need them."""

RARE = 0.001
"""A value with a smaller share of its table's rows gets no column of its own."""

MOST_TEXTS = 50
FEWEST_ROWS = 10
"""Of a text feature with more values than that the commonest are told apart, if so many rows have
them: a value of fewer says who a customer is rather than what it is like."""

MOST_NAMED = 10

OTHER = "other"
"""What a text feature says of all other values."""

LONGEST_WINDOW = 36_500


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
        By ``table.column``, the values that are told apart, the commonest first: of events those
        that are counted separately, of texts (attributes, plans) those that are not `OTHER`.
    attributes
        By attribute of customers that becomes a feature, its kind: number, bool or text.
    """

    windows: tuple[int, ...]
    tables: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, str]

    def has(self, table: str, *columns: str) -> bool:
        """Whether the plan counts on this table, with all of these columns."""
        return table in self.tables and all(name in self.tables[table] for name in columns)

    def told_apart(self, column: str, texts: np.ndarray) -> np.ndarray:
        """The texts of a ``table.column`` with all that are not among its levels as `OTHER`."""
        if column not in self.levels:
            return texts
        import pandas as pd

        levels = set(self.levels[column])
        codes, found = pd.factorize(texts)
        told = [text if text in levels else OTHER for text in found]
        # Where there is no text the code is -1: the last one.
        return np.array([*told, None], dtype=object)[codes]

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
    """A plan for these histories; event types and texts are chosen from rows before `known_before`.

    Raises
    ------
    UsageError
        When a window is not a positive number of days.
    """
    _refuse_odd(windows)
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
        f"{counted.table}.{counted.column}": counted.levels
        for counted in counted_of(histories, known_before)
    }
    attributes = dict(histories.attributes)
    for text in texts_of(histories, known_before):
        if text.names_rows:
            if text.table == "customers":
                del attributes[text.column]
            else:
                tables[text.table] = tuple(c for c in tables[text.table] if c != text.column)
        else:
            levels[f"{text.table}.{text.column}"] = text.levels
    return Plan(tuple(sorted(set(windows))), tables, levels, attributes)


def _refuse_odd(windows: Sequence[int]) -> None:
    for days in windows:
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LONGEST_WINDOW:
            raise UsageError(
                "A window is not a positive number of days.",
                where="[features] windows_days",
                value=repr(days),
                allowed=f"whole numbers from 1 to {LONGEST_WINDOW}",
                fix="windows_days = [7, 30, 90, 365]",
            )


@dataclass(frozen=True)
class Text:
    """A column of text that becomes a feature or is counted, as far as its values are common.

    Attributes
    ----------
    values
        How many different ones there are.
    levels
        Those that are told apart, the commonest first.
    share
        Of the rows with a value, how many have one of these.
    """

    table: str
    column: str
    values: int
    levels: tuple[str, ...]
    share: float

    @property
    def names_rows(self) -> bool:
        """Whether there are many values and none is common, as of a name, an id or a comment."""
        return self.values > 0 and not self.levels


def texts_of(histories: Histories, known_before: date) -> list[Text]:
    """The columns that become text features, by what their values were before a date."""
    kinds = histories.attributes.items()
    columns = [("customers", name) for name, kind in kinds if kind == "text"]
    if "subscriptions" in histories.tables and "plan" in histories.tables["subscriptions"].columns:
        columns.append(("subscriptions", "plan"))
    found = []
    for table, column in columns:
        values = _commonest(histories, table, column, MOST_TEXTS, known_before)
        many = values.different > MOST_TEXTS
        kept = {text: n for text, n in values.rows.items() if n >= FEWEST_ROWS or not many}
        share = sum(kept.values()) / values.total if values.total else 0.0
        found.append(Text(table, column, values.different, tuple(kept), share))
    return found


def counted_of(histories: Histories, known_before: date) -> list[Text]:
    """The columns that are counted by value, by what their values were before a date."""
    found = []
    for (table, column), most in MOST_LEVELS.items():
        if table in histories.tables and column in histories.tables[table].columns:
            values = _commonest(histories, table, column, most, known_before)
            kept = {text: n for text, n in values.rows.items() if n >= RARE * values.total}
            share = sum(kept.values()) / values.total if values.total else 0.0
            found.append(Text(table, column, values.different, tuple(kept), share))
    return found


@dataclass(frozen=True)
class _Values:
    """The rows that have the commonest values, and how many rows and values there are in all."""

    rows: Mapping[str, int]
    total: int
    different: int


def _commonest(
    histories: Histories, table: str, column: str, most: int, known_before: date
) -> _Values:
    """The commonest values of a column, ties by name."""
    import ibis

    rows = histories.tables[table]
    moment = ibis.timestamp(f"{known_before} 00:00:00")
    rows = rows.filter(rows[TABLES[table].time] < moment)
    for later in ("available_at", "valid_from"):
        if later in rows.columns:
            rows = rows.filter((rows[later] < moment) | rows[later].isnull())
    # Rows of a customer may lie before its sign-up, when nobody knew whose they are.
    if "signed_up_at" in rows.columns:
        rows = rows.filter(rows["signed_up_at"] < moment)
    rows = rows.filter(rows[column].notnull()).select(value=rows[column])
    counted = rows.group_by("value").agg(n=lambda t: t.count())
    # However many values there are, few of them leave the engine.
    counted = counted.mutate(total=counted["n"].sum(), different=counted.count())
    first = counted.order_by([ibis.desc("n"), "value"]).limit(most)
    found = histories.engine.to_pyarrow(first).to_pylist()
    if not found:
        return _Values({}, 0, 0)
    by_value = {row["value"]: row["n"] for row in found}
    return _Values(by_value, int(found[0]["total"]), int(found[0]["different"]))


def require(histories: Histories, plan: Plan) -> None:
    """Stop when the histories lack what a plan, and the model that it belongs to, counts on.

    Raises
    ------
    ContractBroken
        Naming the table or columns that are missing.
    """
    tables = [table for table in plan.tables if table not in histories.tables]
    columns = [name for table in plan.tables for name in _lacking(histories, plan, table)]
    what = [f"the rows of {', '.join(tables)}"] if tables else []
    what += [f"{len(columns):,} columns" if len(columns) > 1 else "a column"] if columns else []
    if what:
        raise ContractBroken(
            f"The histories lack what the model was trained with: {' and '.join(what)}.",
            where="[data] source, [data.tables], [data.columns]",
            value=_some([*tables, *columns]),
            allowed="every table and column that the training had",
            fix="restore them, or train again without them: churn train",
        )


def _lacking(histories: Histories, plan: Plan, table: str) -> list[str]:
    """The columns of a table that the plan counts on and the histories do not have."""
    if table not in histories.tables:
        return []
    # Plans of before may name columns that no feature is made from.
    wanted = [name for name in plan.tables[table] if name not in NOT_READ]
    wanted += plan.attributes if table == "customers" else ()
    there = histories.tables[table].columns
    return [f"{table}.{name}" for name in wanted if name not in there]


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
