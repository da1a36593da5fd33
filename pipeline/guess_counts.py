"""What all rows of the guessed tables add up to: rows, bad ones, spans, and customers by day.

Each table is read once, and only its mapped columns; what is kept is one row per customer and day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from features.tables import Column as Ours
from pipeline.guess_samples import id_sql, quoted, text_sql, time_sql
from pipeline.guess_tables import EVENTS, Mapped

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Account:
    """A table in figures; ``bad`` counts the rows that would be set aside, by reason."""

    rows: int
    customers: int
    first: date | None
    last: date | None
    bad: Mapping[str, int] = field(default_factory=dict)

    @property
    def bad_share(self) -> float:
        return sum(self.bad.values()) / self.rows if self.rows else 0.0

    @property
    def bad_told(self) -> str:
        return ", ".join(f"{reason} {rows:,}" for reason, rows in self.bad.items())


class Counted:
    """The guessed tables counted; `days` and `spans` are kept in the engine for what follows."""

    def __init__(self, tables: Mapping[str, Mapped]) -> None:
        self.tables = dict(tables)
        self.engine = next(iter(tables.values())).profile.engine
        self.accounts: dict[str, Account] = {}
        ordered = sorted(tables, key=lambda name: name not in ("subscriptions", "customers"))
        if "subscriptions" in tables:
            self._keep_spans()
        for name in ordered:
            self._count(tables[name])
        for name in ordered:
            self.accounts[name] = self._account(name)

    def without(self, names: list[str]) -> Counted:
        """The same without some tables, which are not counted again."""
        rest = Counted.__new__(Counted)
        rest.tables = {name: one for name, one in self.tables.items() if name not in names}
        rest.engine = self.engine
        rest.accounts = {name: self.accounts[name] for name in rest.tables}
        return rest

    def fetch(self, query: str) -> list:
        return self.engine.execute(query).fetchall()

    def _count(self, one: Mapped) -> None:
        """One row per customer, day and reason to be set aside."""
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {days_of(one.name)} AS SELECT customer, "
            "date_diff('day', DATE '1970-01-01', CAST(moment AS DATE)) AS day, reason, "
            "count(*) AS rows, count(*) FILTER (WHERE reason IS NULL AND acts) AS acts "
            f"FROM ({_rows_sql(one)}) GROUP BY ALL"
        )

    def _account(self, name: str) -> Account:
        days = days_of(name)
        rows, customers, first, last = self.fetch(
            f"SELECT coalesce(sum(rows), 0), count(DISTINCT customer) FILTER (WHERE reason IS NULL)"
            f", min(day) FILTER (WHERE reason IS NULL), max(day) FILTER (WHERE reason IS NULL) "
            f"FROM {days}"
        )[0]
        bad = dict(
            self.fetch(
                f"SELECT reason, sum(rows) FROM {days} WHERE reason IS NOT NULL "
                "GROUP BY reason ORDER BY sum(rows) DESC, reason"
            )
        )
        bad |= self._strangers(name) | self._repeated(self.tables[name])
        return Account(int(rows), customers, _day(first), _day(last), _whole(bad))

    def _strangers(self, name: str) -> dict[str, int]:
        if name == "customers" or "customers" not in self.tables:
            return {}
        found = self.fetch(
            f"SELECT sum(rows) FROM {days_of(name)} WHERE reason IS NULL AND customer NOT IN "
            f"(SELECT customer FROM {days_of('customers')} WHERE reason IS NULL)"
        )
        return {"unknown_customer": found[0][0] or 0}

    def _repeated(self, one: Mapped) -> dict[str, int]:
        keys = [one.columns[key] for key in one.table.row_id if key in one.columns]
        if not keys:
            return {}
        listed = ", ".join(quoted(key) for key in keys)
        given = f"{quoted(keys[0])} IS NOT NULL"
        found = self.fetch(
            f"SELECT count(*) - count(DISTINCT ({listed})) FROM {one.profile.rows_sql} "
            f"WHERE {given}"
        )
        return {f"repeated_{one.table.row_id[0]}": found[0][0]}

    def _keep_spans(self) -> None:
        """The newest version of every subscription: its customer, start and end, in days."""
        one = self.tables["subscriptions"]
        columns, types = one.columns, one.profile.types
        version = columns.get("valid_from")
        order = f"ORDER BY {quoted(version)} DESC NULLS LAST" if version else ""
        key = quoted(columns["subscription_id"])
        ended = columns.get("ended_at")
        end = time_sql(ended, types[ended]) if ended else "CAST(NULL AS TIMESTAMP)"
        start = time_sql(columns["started_at"], types[columns["started_at"]])
        owner = id_sql(columns["customer_id"], types[columns["customer_id"]])
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE spans AS SELECT CAST({key} AS VARCHAR) AS "
            f"subscription, {owner} AS customer, {_days_sql(start)} AS started, "
            f"{_days_sql(end)} AS ended FROM {one.profile.rows_sql} WHERE {key} IS NOT NULL "
            f"AND {owner} IS NOT NULL AND {start} IS NOT NULL "
            f"QUALIFY row_number() OVER (PARTITION BY {key} {order}) = 1"
        )

    @cached_property
    def events(self) -> list[str]:
        """Tables of things that happen, with rows."""
        return [name for name in EVENTS if name in self.tables and self.accounts[name].last]


def _whole(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: int(rows) for reason, rows in counts.items() if rows}


def days_of(name: str) -> str:
    """The kept table of a table's days."""
    return quoted(f"days_{name}")


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def _day(number: int | None) -> date | None:
    return None if number is None else to_date(number)


def to_date(number: int) -> date:
    """The date of a day number; far-off ones are cut to what a date can be."""
    return EPOCH + timedelta(days=min(max(int(number), -719_162), 2_932_896))


def _days_sql(moment: str) -> str:
    return f"date_diff('day', DATE '1970-01-01', CAST({moment} AS DATE))"


def _rows_sql(one: Mapped) -> str:
    """Rows as customer, moment, why it would be set aside, and whether it is a sign of life."""
    types = one.profile.types
    time = one.columns[one.table.time]
    owner, rows = _owner_sql(one)
    return (
        f"SELECT {owner} AS customer, {time_sql(time, types[time])} AS moment, "
        f"{_reason_sql(one, owner)} AS reason, {_acts_sql(one)} AS acts FROM {rows}"
    )


def _owner_sql(one: Mapped) -> tuple[str, str]:
    """The customer of a row, and the rows: joined with the subscriptions where they name those."""
    if not one.through_subscriptions:
        theirs = one.columns["customer_id"]
        return id_sql(theirs, one.profile.types[theirs]), one.profile.rows_sql
    key = quoted(one.columns["subscription_id"])
    owners = 'SELECT subscription AS "its key", min(customer) AS "its owner" FROM spans GROUP BY 1'
    joined = f'{one.profile.rows_sql} LEFT JOIN ({owners}) ON CAST({key} AS VARCHAR) = "its key"'
    return '"its owner"', joined


def _reason_sql(one: Mapped, owner: str) -> str:
    """Why the contract would set a row aside, or null."""
    missing = "unknown_customer" if one.through_subscriptions else "null_customer_id"
    branches = [f"WHEN {owner} IS NULL THEN '{missing}'"]
    for ours in one.table.columns:
        theirs = one.columns.get(ours.name)
        if theirs and ours.name != "customer_id":
            branches += _faults(ours, theirs, one.profile.types[theirs])
    for start, end in one.table.in_order:
        if start in one.columns and end in one.columns:
            early, late = one.columns[start], one.columns[end]
            branches.append(
                f"WHEN {time_sql(late, one.profile.types[late])} < "
                f"{time_sql(early, one.profile.types[early])} THEN '{end}_before_{start}'"
            )
    return f"CASE {' '.join(branches)} END"


def _faults(ours: Ours, theirs: str, kind: str) -> list[str]:
    name = quoted(theirs)
    found = []
    if ours.required or ours.never_null:
        found.append(f"WHEN {name} IS NULL THEN 'null_{ours.name}'")
    value = _value_sql(ours, theirs, kind)
    if value:
        found.append(f"WHEN {name} IS NOT NULL AND {value} IS NULL THEN 'unparsable_{ours.name}'")
    if ours.allowed:
        allowed = ", ".join(text_sql(value) for value in ours.allowed)
        text = f"lower(trim(CAST({name} AS VARCHAR)))"
        found.append(f"WHEN {text} NOT IN ({allowed}) THEN 'unknown_{ours.name}'")
    return found


def _value_sql(ours: Ours, theirs: str, kind: str) -> str:
    if ours.kind == "time":
        return time_sql(theirs, kind)
    return f"TRY_CAST({quoted(theirs)} AS DOUBLE)" if ours.kind == "number" else ""


def _acts_sql(one: Mapped) -> str:
    """Whether a row is a sign of life: of payments, those that were paid."""
    if one.name != "payments":
        return "true"
    amount = f"TRY_CAST({quoted(one.columns['amount'])} AS DOUBLE) >= 0"
    status = one.columns.get("status")
    paid = f" AND lower(trim(CAST({quoted(status)} AS VARCHAR))) = 'paid'" if status else ""
    return f"({amount}{paid})"
