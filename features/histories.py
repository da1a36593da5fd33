"""Histories one can work with: every table checked against its declaration, each row accounted for.

`read_histories` opens a source, sets bad rows aside with their reason and returns `Histories`,
whose tables hold good rows only, each with the whole-number index of its customer. Event tables
in Parquet stay where they are, as expressions over the files; CSV files and tables with row ids are
kept in the engine, which spills to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from features import contract, sources
from features.casting import Casts
from features.contract import (
    EDGES,
    ENDS,
    GOOD,
    OWN_COLUMNS,
    RAW,
    REASON,
    Account,
    Fault,
)
from features.coverage import span_of
from features.departures import ends_of, first_versions
from features.engines import ROW
from features.errors import ContractBroken, UsageError
from features.sources import RawTable, Source
from features.tables import CUSTOMER, CUSTOMERS, TABLES, Table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from features.engines import Engine


KINDS = {"time": "timestamp(6)", "number": "float64", "bool": "boolean", "text": "string"}
"""The types of the columns of a table without rows; its ids are those of the customers."""

UNKNOWN_CUSTOMER = "unknown_customer"
"""The fault of a row whose customer is in no table of customers."""


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
    observed_from, observed_until
        Since when and up to when the histories tell what happened.
    raw
        By name, the table as it lies there.
    not_read
        Attributes that are neither numbers, booleans nor text, by table.
    attributes
        Attributes of customers, with their kinds: number, bool (as 0 and 1) or text.
    customers
        How many customers there are.
    """

    engine: Engine
    tables: dict[str, ibis.Table]
    accounts: dict[str, Account]
    quarantined: dict[str, ibis.Table]
    empty: tuple[str, ...]
    observed_from: datetime
    observed_until: datetime
    attributes: dict[str, str]
    customers: int
    raw: dict[str, RawTable]
    not_read: dict[str, tuple[str, ...]]

    def close(self) -> None:
        """Release the engine and what it holds."""
        self.engine.disconnect()

    def with_empty(self, name: str) -> Histories:
        """The same with a table of events that has no rows, in place of one that is not there."""
        import ibis

        columns = {
            c.name: ibis.null(KINDS[c.kind]) for c in TABLES[name].columns if c.kind in KINDS
        }
        customers = self.tables["customers"].select(CUSTOMER, "customer_id", "signed_up_at")
        rows = customers.filter(customers[CUSTOMER] < 0).mutate(**columns)
        tables = {**self.tables, name: self.engine.named(f"good_{name}", rows)}
        return replace(self, tables={each: tables[each] for each in TABLES if each in tables})

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
    set_aside: Callable[[Engine, Mapping[str, ibis.Table]], None] | None = None,
    refused: list[ContractBroken] | None = None,
) -> Histories:
    """Open and check the histories of a source.

    Parameters
    ----------
    needed, needed_any
        Tables that must be there and have rows: all of the first, at least one of the second.
    max_bad_share
        More bad rows than this in a table stop the run.
    observed_until
        When the histories end; by default the last moment seen in them, strays aside.
    set_aside
        Gets the bad rows by table, also when there are too many of them.
    refused
        Gets what would stop the run because too many rows are bad; the run then goes on.

    Raises
    ------
    UsageError
        When the source is not there.
    ContractBroken
        When a table or column that is needed is missing, empty or unreadable, or too many rows
        are bad.
    """
    engine = sources.connect(source)
    bad: dict[str, ibis.Table] = {}
    try:
        raw = sources.read(engine, source)
        _require_tables(raw, needed, needed_any, source)
        reader = _Reader(engine, source, raw, max_bad_share, bad, refused)
        try:
            reader.read_all()
        finally:
            if set_aside:
                set_aside(engine, bad)
        _require_rows(reader, needed, needed_any)
        return reader.histories(
            _moment(observed_until, source.timezone) if observed_until else None
        )
    except BaseException:
        engine.disconnect()
        raise


class _Reader:
    """Reads a source table by table; customers first, since the others refer to them."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        raw: Mapping[str, RawTable],
        max_bad_share: float,
        bad: dict[str, ibis.Table],
        refused: list[ContractBroken] | None,
    ) -> None:
        self.engine = engine
        self.source = source
        self.raw = dict(raw)
        self.max_bad_share = max_bad_share
        self.good: dict[str, ibis.Table] = {}
        self.bad = bad
        self.refused = refused
        self.accounts: dict[str, Account] = {}
        self.attributes: dict[str, str] = {}
        self.empty: list[str] = []
        self.not_read: list[str] = []

    def read_all(self) -> None:
        """Every table, those that tell who left before the events that may come after it."""
        try:
            for name, table in self.raw.items():
                contract.require_columns(
                    TABLES[name],
                    table,
                    through_subscriptions="subscriptions" in self.raw
                    and name not in ("customers", "subscriptions"),
                )
                self.raw[name] = contract.with_fitting_types(self.engine, TABLES[name], table)
            self._read_customers()
            first = [name for name in ("subscriptions", "churned") if name in self.raw]
            for name in first:
                self._read_table(TABLES[name])
            self._add_ends(first)
            for name in self.raw:
                if name not in ("customers", *first):
                    self._read_table(TABLES[name])
        except self.engine.failures:
            self._refuse_unreadable()
            raise

    def _refuse_unreadable(self) -> None:
        """Stop with the table whose file cannot be read to its end, if that is what is wrong."""
        for name, table in self.raw.items():
            try:
                self.engine.read_through(table.rows)
            except self.engine.failures as error:
                raise sources.unreadable(name, table.where, error) from None

    def histories(self, observed_until: datetime | None) -> Histories:
        """What was read; the end of the histories is seen in them where it is not given."""
        names = [name for name in TABLES if name in self.good]
        tables = {
            name: self.engine.named(f"good_{name}", self.good[name])
            for name in names
            if name not in self.empty
        }
        begin, end = span_of(self.engine, tables, self.accounts)
        if observed_until and observed_until <= begin:
            raise UsageError(
                "The histories end before they begin.",
                where="[data] observed_until",
                value=str(observed_until),
                allowed=f"a moment after {begin}",
                fix="correct it, or leave it out",
            )
        return Histories(
            engine=self.engine,
            tables=tables,
            accounts={name: self.accounts[name] for name in names if name in self.accounts},
            quarantined={name: self.bad[name] for name in names if name in self.bad},
            empty=tuple(self.empty),
            observed_from=begin,
            observed_until=observed_until or end,
            attributes=self.attributes,
            customers=self.engine.to_pyarrow(self.good["customers"].count()).as_py(),
            raw=self.raw,
            not_read={"customers": tuple(self.not_read)} if self.not_read else {},
        )

    def _read_customers(self) -> None:
        if "customers" in self.raw:
            rows, found = self._reasoned(CUSTOMERS)
            self._settle(CUSTOMERS, contract.repeated_id(CUSTOMERS, rows, found), found)
            customers = self._with_attributes(self.good["customers"])
        else:
            customers = self._named_elsewhere()
        import ibis

        index = ibis.row_number().over(
            ibis.window(order_by=self.engine.by_id(customers["customer_id"]))
        )
        customers = customers.mutate(**{CUSTOMER: index.cast("int32")})
        self.good["customers"] = self.engine.keep("customers", customers)
        self.known = self._known(self.good["customers"])

    def _read_table(self, table: Table) -> None:
        rows, found = self._reasoned(table)
        if "customer_id" not in rows.columns:
            nameless = Fault(rows["subscription_id"].isnull(), ("subscription_id",))
            found["null_subscription_id"] = nameless
            rows = contract.marked(rows, len(found), nameless.bad)
            rows = self._join_subscriptions(rows)
        # A sign-up goes with every event, so that builders can tell a customer's first days.
        rows = _join_ids(rows, self.known, "customer_id")
        unknown = Fault(rows[CUSTOMER].isnull(), ("customer_id", "subscription_id"))
        found[UNKNOWN_CUSTOMER] = unknown
        rows = contract.marked(rows, len(found), unknown.bad)
        self._settle(table, contract.repeated_id(table, rows, found), found)

    def _reasoned(self, table: Table) -> tuple[ibis.Table, dict[str, Fault]]:
        """The table's rows, each with the first of its own faults."""
        raw, found = self.raw[table.name].rows, {}
        if table.row_id:
            raw = self.engine.in_order(table.name, raw)

        def judged(given: ibis.Table) -> ibis.Table:
            casts, timezone = self.engine.casts, self.source.timezone
            rows = contract.typed(table, given, casts, timezone=timezone)
            found.update(contract.faults(table, rows, casts, timezone=timezone))
            return contract.with_reason(rows, found)

        return self.engine.reused(self.engine.each_row(raw, judged)), found

    def _settle(self, table: Table, rows: ibis.Table, found: Mapping[str, Fault]) -> None:
        """Part good rows from bad ones, with counts."""
        name = table.name
        counts = contract.account(self.engine, table, rows, found)
        raw_columns = [column for column in rows.columns if column.startswith(RAW)]
        if counts.bad:
            given = {column.removeprefix(RAW): rows[column] for column in raw_columns}
            if table.attributes:
                given |= {c: rows[c] for c in rows.columns if _is_attribute(c, raw_columns)}
            self.bad[name] = rows.filter(rows[REASON] != GOOD).select(
                **given, **{REASON: contract.in_words(rows[REASON], found)}
            )
        try:
            contract.refuse_too_many(
                self.engine,
                table,
                rows,
                counts,
                found,
                where=self.raw[name].where,
                limit=self.max_bad_share,
            )
        except ContractBroken as error:
            if self.refused is None:
                raise
            self.refused.append(error)
        self.accounts[name] = counts
        if counts.used == 0:
            self.empty.append(name)
        others = [column for column in (REASON, ROW, *EDGES.values()) if column in rows.columns]
        good = rows.filter(_is_good(rows, counts)).drop(*raw_columns, *others)
        self.good[name] = contract.with_open_ends(table, good)

    def _with_attributes(self, customers: ibis.Table) -> ibis.Table:
        """Customers with their ids as numbers where all are, and their attributes typed.

        Attributes are numbers, booleans (as 0 and 1) or text.
        """
        names = [c for c in customers.columns if _is_attribute(c)]
        columns = self.raw["customers"].rows.columns
        self.not_read += [c for c in columns if contract.names_no_attribute(c)]
        for name, kind in self._attribute_kinds(customers, names).items():
            if kind is None:
                self.not_read.append(name)
            else:
                self.attributes[name] = kind
        ids = "int64" if self._are_whole(customers) else "string"
        kept = [c for c in customers.columns if c not in names]
        casts = self.engine.casts

        def typed(rows: ibis.Table) -> ibis.Table:
            attributes = {n: _attribute(rows[n], k, casts) for n, k in self.attributes.items()}
            rows = rows.select(*kept, **attributes)
            return rows.mutate(customer_id=rows["customer_id"].cast(ids))

        return self.engine.each_row(customers, typed)

    def _are_whole(self, customers: ibis.Table) -> bool:
        return contract.are_whole_numbers(self.engine, customers, "customer_id")

    def _attribute_kinds(
        self, customers: ibis.Table, names: Sequence[str]
    ) -> dict[str, str | None]:
        """Whether attributes are numbers, booleans or text; None where they are nothing of it."""
        types = {name: customers[name].type() for name in names}
        texts = [name for name in names if types[name].is_string()]

        def looked_at(rows: ibis.Table) -> ibis.Table:
            found = {}
            for name in texts:
                given = rows[name].strip().nullif("")
                number = self.engine.casts.float_of(given)
                # "01234" is a code: as a number it would be the same as "1234".
                a_code = given.re_search(r"^[+-]?0[0-9]")
                found[f"there {name}"] = given.notnull()
                found[f"no number {name}"] = given.notnull() & (number.isnull() | a_code)
                found[f"no bool {name}"] = given.notnull() & ~given.lower().isin(["true", "false"])
            return rows.select(**found)

        has: dict[str, Any] = {}
        if texts:
            rows = self.engine.each_row(customers.select(*texts), looked_at)
            asked = rows.aggregate(**{column: rows[column].any() for column in rows.columns})
            has = self.engine.to_pyarrow(asked).to_pylist()[0]

        def kind(name: str) -> str | None:
            if types[name].is_numeric() or types[name].is_boolean():
                return "number"
            if name not in texts:
                return None
            if not has[f"there {name}"]:
                return "text"
            if not has[f"no number {name}"]:
                return "number"
            return "text" if has[f"no bool {name}"] else "bool"

        return {name: kind(name) for name in names}

    def _named_elsewhere(self) -> ibis.Table:
        """Customers from the other tables: who is named there, signed up at the first row."""
        import ibis

        parts = []
        for name in self.raw:
            rows, found = self._reasoned(TABLES[name])
            if "customer_id" in rows.columns:
                rows = contract.repeated_id(TABLES[name], rows, found)
                good = rows.filter(rows[REASON] == GOOD)
                # A row that became known later tells nobody before that there is a customer.
                known = contract.known_at(TABLES[name], good)
                good = good.group_by("customer_id").agg(signed_up_at=known.min())
                parts.append(good.mutate(customer_id=good["customer_id"].cast("string")))
        if not parts:
            raise ContractBroken(
                "No table names a customer.",
                where=self.source.shown,
                allowed="a customers table, or customer_id in another one",
                fix="map the column in [data.columns.<table>] customer_id",
            )
        named = ibis.union(*parts) if len(parts) > 1 else parts[0]
        named = named.group_by("customer_id").agg(signed_up_at=named["signed_up_at"].min())
        named = self.engine.keep("named", named)
        if self._are_whole(named):
            named = named.mutate(customer_id=named["customer_id"].cast("int64"))
        return named

    def _add_ends(self, tables: Sequence[str]) -> None:
        """When customers left for good, beside their sign-up: the events may not come later."""
        left = [name for name in tables if name not in self.empty]
        if left:
            churned, subscriptions = (
                self.good[name] if name in left else None for name in ("churned", "subscriptions")
            )
            ends = ends_of(churned, subscriptions)
            joined = self.good["customers"].left_join(ends, CUSTOMER).drop(f"{CUSTOMER}_right")
            self.known = self._known(joined)

    def _known(self, customers: ibis.Table) -> ibis.Table:
        """What the rows of other tables need of their customers."""
        columns = [c for c in ("customer_id", CUSTOMER, "signed_up_at", ENDS) if c in customers]
        return self.engine.keep("known", contract.with_edges(customers.select(columns)))

    def _join_subscriptions(self, rows: ibis.Table) -> ibis.Table:
        """The rows of a table that names subscriptions, with the customer of each."""
        owners = self.good["subscriptions"]
        if "valid_from" in owners.columns:
            # Who takes over a subscription later was not its customer before.
            owners = first_versions(owners)
        owners = owners.select("subscription_id", "customer_id")
        return _join_ids(rows, owners, "subscription_id")


def _is_good(rows: ibis.Table, counts: Account) -> Any:
    """Whether a row is good, looking only at what was wrong with any.

    Most histories have no faults of their own; to look for each in every pass would double its
    cost. That customers are known is said so that the join with them can be an inner one. It counts
    on files that stay as they are while they are read.
    """
    conditions = []
    if CUSTOMER in rows.columns:
        conditions.append(rows[CUSTOMER].notnull())
    if not conditions or set(counts.quarantined) - {UNKNOWN_CUSTOMER}:
        conditions.append(rows[REASON] == GOOD)
    return conditions


def _is_attribute(column: str, others: Sequence[str] = ()) -> bool:
    """Whether a column of the customers is theirs rather than ours."""
    ours = column in OWN_COLUMNS or column in others
    return not ours and CUSTOMERS.column(column) is None


def _join_ids(rows: ibis.Table, known: ibis.Table, name: str) -> ibis.Table:
    """The rows with the columns of `known`, and its ids; those of nobody known get nulls.

    Whole numbers meet text as text in the one way they are written: 7 is "7", and "007" is not.
    The cast is made where there are fewer rows, unless text has to stay text.
    """
    ours, theirs = rows[name], known[name]
    key = "id of the join"
    if ours.type() != theirs.type():
        rows = rows.mutate(**{key: ours.cast("string")})
        known = known.mutate(**{key: theirs.cast("string")})
    else:
        rows, known = rows.rename({key: name}), known.mutate(**{key: theirs})
    rows = rows.drop(name) if name in rows.columns else rows
    joined = rows.left_join(known, key)
    return joined.drop(key, f"{key}_right")


def _attribute(value: Any, kind: str, casts: Casts) -> Any:
    if kind == "text":
        return value.strip().nullif("")
    if kind == "bool":
        return (value.strip().lower() == "true").cast("int32").cast("float64")
    if value.type().is_string():
        value = casts.float_of(value)
    if value.type().is_boolean():
        # Not every database turns a boolean into a fraction at once.
        value = value.cast("int32")
    number = value.cast("float64")
    usable = casts.finite(number) & number.between(-contract.LARGEST, contract.LARGEST)
    return usable.ifelse(number, None)


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
            value=f"found: {', '.join(raw)}" + _unused(source),
            allowed=f"{missing[0]}.parquet or .csv, or a file named in [data.tables]",
            fix="add the table, name its file in [data.tables], or choose another "
            "[churn] definition: subscription, inactivity, event",
        )


def _unused(source: Source) -> str:
    files = sources.unused_files(source)
    return f"; not read: {sources.shortened(files)}" if files else ""


def _require_rows(reader: _Reader, needed: tuple[str, ...], any_of: tuple[str, ...]) -> None:
    if all(name in reader.empty for name in reader.raw):
        needed = tuple(reader.raw)
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


def _moment(value: datetime | date, timezone: str) -> datetime:
    """On the histories' own clock."""
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(timezone)) if value.tzinfo else value
        return local.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)
