"""Histories one can work with: every table checked against its declaration, each row accounted for.

`read_histories` opens a source, sets bad rows aside with their reason and returns `Histories`,
whose tables hold good rows only, each with the whole-number index of its customer. Event tables
stay where they are: they are expressions over the files, never copied into memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from features import contract, sources
from features.contract import RAW, REASON, ROW, Account
from features.errors import ContractBroken
from features.sources import RawTable, Source
from features.tables import CUSTOMERS, TABLES, Table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

CUSTOMER = "customer_index"
"""The column with a customer's index in every checked table: 0 … customers - 1, in id order."""


@dataclass(frozen=True)
class Histories:
    """Checked tables in an engine.

    Attributes
    ----------
    tables
        By name, the good rows: declared columns with their types, and `CUSTOMER`. Times are naive,
        on the wall clock of the source's time zone.
    accounts
        By name, what became of the rows.
    quarantined
        By name, the bad rows as they were given, with `REASON`.
    empty
        Tables that are there but have no rows: treated as absent.
    observed_until
        Up to when the histories tell what happened.
    attributes
        Attributes of customers, with their kinds: number, bool (as 0 and 1) or text.
    customers
        How many customers there are.
    """

    engine: Backend
    tables: dict[str, ibis.Table]
    accounts: dict[str, Account]
    quarantined: dict[str, ibis.Table]
    empty: tuple[str, ...]
    observed_until: datetime
    attributes: dict[str, str]
    customers: int

    def close(self) -> None:
        """Release the engine and what it holds."""
        self.engine.disconnect()

    def customer_ids(self) -> pa.ChunkedArray:
        """The customers' ids, in the order of their index."""
        ids = self.tables["customers"].order_by(CUSTOMER).select("customer_id")
        return self.engine.to_pyarrow(ids)["customer_id"]


def read_histories(
    source: Source,
    *,
    needed: tuple[str, ...] = (),
    needed_any: tuple[str, ...] = (),
    max_bad_share: float = 0.05,
    observed_until: datetime | date | None = None,
) -> Histories:
    """Open and check the histories of a source.

    Parameters
    ----------
    needed, needed_any
        Tables that must be there and have rows: all of the first, at least one of the second.
    max_bad_share
        More bad rows than this in a table stop the run.
    observed_until
        When the histories end; by default the last moment seen in them.

    Raises
    ------
    UsageError
        When the source is not there.
    ContractBroken
        When a table or column that is needed is missing, empty or unreadable, or too many rows
        are bad.
    """
    engine = sources.connect(source)
    raw = sources.read(engine, source)
    _require_tables(raw, needed, needed_any, source)
    for name, table in raw.items():
        contract.require_columns(
            TABLES[name],
            table,
            through_subscriptions="subscriptions" in raw
            and name not in ("customers", "subscriptions"),
        )
    reader = _Reader(engine, source, raw, max_bad_share)
    reader.read_customers()
    for name in raw:
        if name != "customers":
            reader.read_table(TABLES[name])
    _require_rows(reader, needed, needed_any)
    return Histories(
        engine=engine,
        tables={name: rows for name, rows in reader.good.items() if name not in reader.empty},
        accounts=reader.accounts,
        quarantined=reader.bad,
        empty=tuple(reader.empty),
        observed_until=_moment(observed_until, source.timezone)
        if observed_until
        else _last_moment(reader),
        attributes=reader.attributes,
        customers=engine.to_pyarrow(reader.good["customers"].count()).as_py(),
    )


class _Reader:
    """Reads one source table by table; customers first, since the others refer to them."""

    def __init__(
        self, engine: Backend, source: Source, raw: Mapping[str, RawTable], max_bad_share: float
    ) -> None:
        self.engine = engine
        self.source = source
        self.raw = dict(raw)
        self.max_bad_share = max_bad_share
        self.good: dict[str, ibis.Table] = {}
        self.bad: dict[str, ibis.Table] = {}
        self.accounts: dict[str, Account] = {}
        self.attributes: dict[str, str] = {}
        self.empty: list[str] = []
        ids = [t.rows["customer_id"] for t in self.raw.values() if "customer_id" in t.rows.columns]
        self.numeric_ids = contract.whole_number_ids(engine, ids)

    def read_customers(self) -> None:
        if "customers" in self.raw:
            rows = self._reasoned(CUSTOMERS, self._typed(CUSTOMERS))
            self._settle(CUSTOMERS, rows)
            customers = self._with_attributes(self.good["customers"])
        else:
            customers = self._named_elsewhere()
        import ibis

        index = ibis.row_number().over(ibis.window(order_by=customers["customer_id"]))
        customers = customers.mutate(**{CUSTOMER: index.cast("int32")})
        self.good["customers"] = self._keep("customers", customers)

    def read_table(self, table: Table) -> None:
        rows = self._typed(table)
        if "customer_id" not in rows.columns:
            rows = self._join_subscriptions(rows)
        known = self.good["customers"]
        columns = ["customer_id", CUSTOMER]
        # A sign-up goes with every event, so that builders can tell a customer's first days.
        columns += ["signed_up_at"] if "signed_up_at" not in rows.columns else []
        rows = rows.left_join(known.select(columns), "customer_id").drop("customer_id_right")
        self._settle(table, self._reasoned(table, rows, unknown=rows[CUSTOMER].isnull()))

    def _typed(self, table: Table) -> ibis.Table:
        raw = self.raw[table.name]
        if table.row_id:
            import ibis

            numbered = raw.rows.mutate(**{ROW: ibis.row_number()})
            raw = RawTable(self._keep(f"{table.name}_rows", numbered), raw.where)
        return contract.typed(
            table, raw, numeric_ids=self.numeric_ids, timezone=self.source.timezone
        )

    def _reasoned(self, table: Table, rows: ibis.Table, unknown: Any = None) -> ibis.Table:
        found = contract.faults(table, rows)
        if unknown is not None:
            found["unknown_customer"] = unknown
        return contract.repeated_id(table, contract.with_reason(rows, found))

    def _settle(self, table: Table, rows: ibis.Table) -> None:
        """Part good rows from bad ones, with counts."""
        name = table.name
        counts = contract.account(self.engine, table, rows)
        contract.refuse_too_many(
            self.engine, table, rows, counts, self.raw[name].where, self.max_bad_share
        )
        raw_columns = [column for column in rows.columns if column.startswith(RAW)]
        self.accounts[name] = counts
        if counts.used == 0:
            self.empty.append(name)
        if counts.bad:
            given = {column.removeprefix(RAW): rows[column] for column in raw_columns}
            self.bad[name] = rows.filter(rows[REASON].notnull()).select(
                **given, **{REASON: rows[REASON]}
            )
        self.good[name] = rows.filter(rows[REASON].isnull()).drop(
            *raw_columns, REASON, *([ROW] if ROW in rows.columns else [])
        )

    def _with_attributes(self, customers: ibis.Table) -> ibis.Table:
        """Customers with their attributes typed: numbers, booleans (as 0 and 1) or text."""
        names = [c for c in customers.columns if CUSTOMERS.column(c) is None]
        typed = {}
        for name in names:
            value = customers[name]
            kind = self._attribute_kind(value)
            if kind is not None:
                self.attributes[name] = kind
                typed[name] = _attribute(value, kind)
        kept = [c for c in customers.columns if c not in names]
        return customers.select(*kept, **typed)

    def _attribute_kind(self, value: Any) -> str | None:
        kind = value.type()
        if kind.is_numeric() or kind.is_boolean():
            return "number"
        if not kind.is_string():
            return None
        given = value.strip().nullif("")
        not_numbers = (given.notnull() & given.try_cast("float64").isnull()).any()
        not_bools = (given.notnull() & ~given.lower().isin(["true", "false"])).any()
        frame = value.as_table().aggregate(numbers=~not_numbers, bools=~not_bools, n=given.count())
        found = self.engine.to_pyarrow(frame).to_pylist()[0]
        if not found["n"]:
            return "text"
        return "number" if found["numbers"] else "bool" if found["bools"] else "text"

    def _named_elsewhere(self) -> ibis.Table:
        """Customers from the other tables: who is named there, signed up at the first row."""
        import ibis

        parts = []
        for name in self.raw:
            rows = self._typed(TABLES[name])
            if "customer_id" in rows.columns:
                found = contract.with_reason(rows, contract.faults(TABLES[name], rows))
                good = found.filter(found[REASON].isnull())
                parts.append(good.select(customer_id="customer_id", signed_up_at=TABLES[name].time))
        if not parts:
            raise ContractBroken(
                "No table names a customer.",
                where=self.source.shown,
                allowed="a customers table, or customer_id in another one",
                fix="map the column in [data.columns.<table>] customer_id",
            )
        named = ibis.union(*parts) if len(parts) > 1 else parts[0]
        return named.group_by("customer_id").agg(signed_up_at=named["signed_up_at"].min())

    def _join_subscriptions(self, rows: ibis.Table) -> ibis.Table:
        """The rows of a table that names subscriptions, with the customer of each."""
        subscriptions = self.good["subscriptions"]
        owners = subscriptions.group_by("subscription_id").agg(
            customer_id=subscriptions["customer_id"].min()
        )
        if rows["subscription_id"].type() != owners["subscription_id"].type():
            rows, owners = (
                t.mutate(subscription_id=t["subscription_id"].cast("string"))
                for t in (rows, owners)
            )
        return rows.left_join(owners, "subscription_id").drop("subscription_id_right")

    def _keep(self, name: str, rows: ibis.Table) -> ibis.Table:
        query = self.engine.compile(rows)
        self.engine.raw_sql(f'CREATE OR REPLACE TEMP TABLE "kept_{name}" AS {query}')
        return self.engine.table(f"kept_{name}")


def _attribute(value: Any, kind: str) -> Any:
    if kind == "text":
        return value.strip().nullif("")
    if kind == "bool":
        return (value.strip().lower() == "true").cast("float64")
    if value.type().is_string():
        value = value.try_cast("float64")
    number = value.cast("float64")
    return contract.finite(number).ifelse(number, None)


def _require_tables(
    raw: Mapping[str, RawTable], needed: tuple[str, ...], any_of: tuple[str, ...], source: Source
) -> None:
    missing = [name for name in needed if name not in raw]
    if not missing and any_of and not any(name in raw for name in any_of):
        missing = [" or ".join(any_of)]
    if missing:
        raise ContractBroken(
            f"The churn definition needs the table {missing[0]}, which is not there.",
            where=source.shown,
            value=f"found: {', '.join(raw)}",
            allowed=f"{missing[0]}.parquet or .csv, or a file named in [data.tables]",
            fix="add the table, name its file in [data.tables], or choose another "
            "[churn] definition: subscription, inactivity, event",
        )


def _require_rows(reader: _Reader, needed: tuple[str, ...], any_of: tuple[str, ...]) -> None:
    empty = [name for name in ("customers", *needed) if name in reader.empty]
    if not empty and any_of and not any(n in reader.good and n not in reader.empty for n in any_of):
        empty = [name for name in any_of if name in reader.empty]
    if empty:
        raise ContractBroken(
            f"The table {empty[0]} has no rows that can be used.",
            where=reader.raw[empty[0]].where,
            value=f"{reader.accounts[empty[0]].rows} rows, {reader.accounts[empty[0]].bad} bad",
            allowed="at least one good row",
            fix="check the export that writes it",
        )


def _last_moment(reader: _Reader) -> datetime:
    """The last moment at which something is known to have happened.

    Subscriptions may be booked for later and end later still, so their times and those of the
    customers count only where no events tell how far the histories reach.
    """
    there = {name for name in reader.good if name not in reader.empty}
    happened = {"usage", "payments", "tickets"} & there
    booked = ("customers", "subscriptions", "contacts") if happened else ()
    columns = [
        (name, table.time) for name, table in TABLES.items() if name in there and name not in booked
    ]
    columns += [("tickets", "closed_at"), ("subscriptions", "cancelled_at")]
    if not happened | ({"surveys", "churned"} & there):
        columns.append(("subscriptions", "ended_at"))
    found = []
    for name, column in columns:
        if name in there and column in reader.good[name].columns:
            if column == TABLES[name].time and name in reader.accounts:
                text = reader.accounts[name].last
                moment = datetime.fromisoformat(text) if text else None
            else:
                moment = reader.engine.to_pyarrow(reader.good[name][column].max()).as_py()
            found += [moment] if moment else []
    return max(found)


def _moment(value: datetime | date, timezone: str) -> datetime:
    """On the histories' own clock."""
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(timezone)) if value.tzinfo else value
        return local.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)
