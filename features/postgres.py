"""Histories in PostgreSQL: read in one snapshot, streamed into the embedded engine.

Nothing is ever written to the database: one read-only transaction sees all tables as they were at
one moment, and a role that may only SELECT is enough, on a hot standby too. Ibis says what is read;
the rows travel by COPY, whose text form every type has, so no type can stop the reading.

What the URL leaves open is filled in by libpq: PGHOST, PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE …
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from features.copying import Target, carried, streamed, told_apart
from features.errors import ContractBroken, UsageError, UserError
from features.redaction import redacted
from features.sql import name_of
from features.tables import CURRENCY, TABLES, Column, Table

if TYPE_CHECKING:
    import ibis
    from ibis.backends.postgres import Backend as Postgres

    from features.engines import Embedded
    from features.sources import Source

URLS = ("postgresql://", "postgres://")
EXAMPLE = "postgresql://USER@HOST:5432/DATABASE"
CONNECT_TIMEOUT = "10"
KEEPALIVES = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
"""A server that is gone in the middle is noticed within a minute, not after two hours."""

NOT_READ = {("surveys", "comment")}
"""Declared columns whose values nobody reads: they do not leave the database."""
NOT_DECLARED = {("payments", name) for name in CURRENCY}
"""Columns that travel although no table declares them."""

# Said by libpq before it talks to a server, or by a server about the database's name.
_CONFIG_FAULT = re.compile(
    r'database ".*" does not exist|invalid integer value|invalid port number'
    r"|invalid [\w ]+ value|definition of service|service file|bad value for"
)


def read_tables(engine: Embedded, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    """Copy every input table that the database holds into the engine; by name, with its place.

    Raises
    ------
    UsageError
        Where the config is at fault: the driver is not installed, the URL or a setting in it is
        malformed, the database or a table that [data.tables] names does not exist.
    ContractBroken
        Where the config may be right and the database does not give the data: it is down, refuses
        the role or its password, does not answer in time, breaks off, or denies a table. The same
        command may work tomorrow, without a change.
    """
    found = {}
    with _snapshot(source) as database:
        for name, place in places(database, source).items():
            where = f"{source.shown}, table {place}"
            with told(database, source, name, place):
                found[name] = (_copied(engine, database, source, TABLES[name], place), where)
    # The database is not kept waiting while the engine sorts.
    return {
        name: (_in_order(engine, TABLES[name], rows), where)
        for name, (rows, where) in found.items()
    }


# The connection


@contextmanager
def _snapshot(source: Source) -> Iterator[Postgres]:
    """A connection in a read-only transaction, which sees the database as it is now."""
    connection = connect(source)
    import ibis
    import psycopg

    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # The first statement begins the transaction, which Ibis then only nests in.
        connection.execute("SET DateStyle = ISO")
        connection.execute("SET extra_float_digits = 3")
        yield ibis.postgres.from_connection(connection)
    except psycopg.Error as error:
        raise _unreadable(error, source, "The PostgreSQL database cannot be read.") from None
    finally:
        connection.close()


def connect(source: Source) -> Any:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise UsageError(
            "The driver for PostgreSQL is not installed.",
            where="[data] source",
            value=source.shown,
            fix='pip install "churn-risk[postgres]"',
        ) from None
    try:
        settings = _with_defaults(conninfo_to_dict(source.location))
        return psycopg.connect(**settings, prepare_threshold=None)
    except (psycopg.Error, OSError, ValueError) as error:
        refusal = _refused(error, source)
    # Raised out here, since the driver may quote the URL, and nothing of that goes along.
    raise refusal


def _with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of a URL and ours for those that neither it nor the environment gives."""
    defaults = {**KEEPALIVES, "fallback_application_name": "churn-risk"}
    if not os.environ.get("PGCONNECT_TIMEOUT"):
        defaults["connect_timeout"] = CONNECT_TIMEOUT
    if not re.fullmatch(r"[\d,]*", given.get("port", "")):
        # Often the rest of a password with an unescaped "/", which makes its beginning the port.
        raise ValueError(f"the port is no number: {given['port']}")
    return {**defaults, **given, "client_encoding": "UTF8"}


def _refused(error: Exception, source: Source) -> UserError:
    """Why there is no connection: the config's fault, or the server's."""
    import psycopg

    told = said(error, source)
    if not isinstance(error, psycopg.OperationalError) or _CONFIG_FAULT.search(str(error)):
        return UsageError(
            "The PostgreSQL database that the config names cannot be opened.",
            where=f"[data] source = {source.shown}",
            value=told,
            allowed=f"{EXAMPLE}; what is left out is read from PGHOST, PGUSER …, and signs such "
            "as @ / : in a password are written %40 %2F %3A",
            fix="correct the URL, or the variable or service file that completes it",
        )
    return ContractBroken(
        "The PostgreSQL server cannot be reached, or refuses.",
        where=f"[data] source = {source.shown}",
        value=told,
        allowed="a server that answers, and a role that may read the tables",
        fix="start the server, or correct host, port, role or password (PGPASSWORD, or the "
        "file ~/.pgpass)",
    )


def said(error: Exception, source: Source) -> str:
    """What the driver said, on one line and without passwords."""
    said = " ".join(redacted(str(error), source.location).split())
    return said if len(said) <= 500 else said[:500] + " …"


@contextmanager
def told(database: Postgres, source: Source, name: str, place: Place) -> Iterator[None]:
    """Turns what can go wrong while a table is read into a message about that table."""
    import psycopg
    import pyarrow as pa

    where = f"{source.shown}, table {place}"
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise ContractBroken(
            f"The table {name} may not be read.",
            where=where,
            value=said(error, source),
            allowed="a role with the right to SELECT",
            fix=f"GRANT USAGE ON SCHEMA {place.quoted_schema} TO {database.con.info.user}; "
            f"GRANT SELECT ON {place.quoted} TO {database.con.info.user};",
        ) from None
    except (psycopg.Error, pa.ArrowInvalid) as error:
        lost = database.con.broken or database.con.closed
        what = f"The table {name} could not be read to its end."
        if lost:
            what = f"The connection was lost while the table {name} was read."
        raise _unreadable(error, source, what, where) from None


def _unreadable(
    error: Exception, source: Source, what: str, where: str | None = None
) -> ContractBroken:
    return ContractBroken(
        what,
        where=where or source.shown,
        value=said(error, source),
        allowed="a database that can be read to the end",
        fix="try again; if it stays so, ask who runs the database",
    )


# What is there


@dataclass(frozen=True)
class Place:
    """A table or view in the database."""

    schema: str
    name: str
    number: int = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def called(self, visible: Mapping[str, Place]) -> str:
        """Its shortest name: without the schema where that is on the search path."""
        return self.name if visible.get(self.name) == self else str(self)

    @property
    def quoted_schema(self) -> str:
        return name_of(self.schema)

    @property
    def quoted(self) -> str:
        return f"{self.quoted_schema}.{name_of(self.name)}"


def places(database: Postgres, source: Source) -> dict[str, Place]:
    """Where each input table lies: by name on the search path, or as [data.tables] says."""
    everywhere, visible = _relations(database)
    found = {}
    for name in TABLES:
        theirs = source.tables.get(name, name)
        if not theirs:
            continue
        schema, table = _parts(theirs)
        place = visible.get(theirs) or everywhere.get((schema, table))
        place = place or (None if schema else visible.get(table))
        if place:
            found[name] = place
        elif name in source.tables:
            raise UsageError(
                f"No table is what the config names for the table {name}.",
                where=f"[data.tables] {name}",
                value=theirs,
                allowed=_listed([place.called(visible) for place in everywhere.values()]),
                fix="correct the name, or remove the line",
            )
    return found


def _relations(database: Postgres) -> tuple[dict[tuple[str, str], Place], dict[str, Place]]:
    """All tables, views and foreign tables, by schema and name; those on the path by name."""
    listed = database.con.execute(
        "SELECT n.nspname, c.relname, c.oid, pg_catalog.pg_table_is_visible(c.oid) "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' "
        "AND n.nspname !~ '^pg_'"
    ).fetchall()
    everywhere = {(place[0], place[1]): Place(*place) for *place, _ in listed}
    visible = {name: everywhere[schema, name] for schema, name, _, seen in listed if seen}
    return everywhere, visible


def _columns(database: Postgres, place: Place) -> list[str]:
    """The columns of a table. Not by Ibis, which stumbles over types that it cannot parse."""
    listed = database.con.execute(
        "SELECT attname FROM pg_catalog.pg_attribute "
        "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (place.number,),
    )
    return [name for (name,) in listed.fetchall()]


def _parts(name: str) -> tuple[str, str]:
    """Schema and table of ``analytics.events``; quotes as in SQL are allowed, and case counts."""
    part = r'("(?:[^"]|"")+"|[^".]+)'
    found = re.fullmatch(rf'{part}\.("(?:[^"]|"")+"|[^"]+)', name) or re.fullmatch(
        f"(){part}", name
    )
    if not found:
        return "", name
    schema, table = (re.sub(r'^"(.*)"$', r"\1", part).replace('""', '"') for part in found.groups())
    return schema, table


def _listed(names: Sequence[str], most: int = 30) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(sorted(names)[:most]) or "no table that this role can see") + more


# What travels


def _copied(
    engine: Embedded, database: Postgres, source: Source, table: Table, place: Place
) -> ibis.Table:
    """A table's rows in a temporary table of the engine."""
    rows, declared = needed(database, source, table, place)
    described = database.con.execute(database.compile(rows.limit(0))).description
    columns = [carried(column, declared[column.name]) for column in described]
    target = Target(engine, f"raw_{table.name}", told_apart(columns))
    for chunk in streamed(database.con, database.compile(rows)):
        target.add(chunk)
    return engine.table(target.name)


def needed(
    database: Postgres, source: Source, table: Table, place: Place
) -> tuple[ibis.Table, dict[str, Column | None]]:
    """What is read of a table, and what each of its columns is for us."""
    named = source.columns.get(table.name, {})
    renamed = {ours: theirs for ours, theirs in named.items() if theirs}
    present = [c for c in _columns(database, place) if c in renamed.values() or named.get(c) != ""]
    rows = _needed(table, place, present, renamed)
    ours = {theirs: name for name, theirs in renamed.items()}
    declared = {name: table.column(ours.get(name, name)) for name in rows.columns}
    return rows, declared


def _needed(
    table: Table, place: Place, present: Sequence[str], renamed: Mapping[str, str]
) -> ibis.Table:
    """The columns that are read of a table; without rows where one is missing.

    The contract will then say what is missing, with all the columns that are there.
    """
    import ibis

    # Whatever a column holds travels as text, so for Ibis each column is text.
    rows = ibis.table(dict.fromkeys(present, "string"), name=place.name, database=place.schema)
    if _lacks(table, present, renamed):
        return rows.limit(0)
    wanted = {column.name for column in table.columns} | {"subscription_id"}
    wanted |= {column for name, column in NOT_DECLARED if name == table.name}
    theirs = {renamed.get(name, name) for name in wanted}
    unread = {renamed.get(column, column) for name, column in NOT_READ if name == table.name}
    chosen = [name for name in present if table.attributes or name in theirs]
    return rows.select(
        **{name: ibis.null("string") if name in unread else rows[name] for name in chosen}
    )


def _lacks(table: Table, present: Collection[str], renamed: Mapping[str, str]) -> bool:
    """Whether a column is missing that the table needs or the config names."""
    missing = {name for name in table.required if renamed.get(name, name) not in present}
    if renamed.get("subscription_id", "subscription_id") in present:
        missing -= {"customer_id"}
    return bool(missing or set(renamed.values()) - set(present))


def _in_order(engine: Embedded, table: Table, rows: ibis.Table) -> ibis.Table:
    """The rows of a table with row ids in an order of their own.

    The first row with an id stays and further ones are set aside, and a database may give its rows
    in another order tomorrow.
    """
    if not table.row_id:
        return rows
    name = f"sorted_{table.name}"
    engine.raw_sql(
        f"CREATE TEMP TABLE {name} AS SELECT * FROM raw_{table.name} ORDER BY ALL NULLS LAST"
    )
    engine.raw_sql(f"DROP TABLE raw_{table.name}")
    return engine.table(name)
