"""Histories checked where they lie, by PostgreSQL: in one snapshot, over one connection.

The server computes contract, joins and counts; what is asked for comes out by COPY. It makes
temporary views, functions and tables, which go with the connection, and changes nothing else.

What the server's own parser would read otherwise than DuckDB never gets to it: text in the plain
form of a time or number is read by the server, and of any other text each distinct value is read by
DuckDB, whose answer is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features import postgres
from features.casting import WHOLE_NUMBER, Casts
from features.copying import Carried, Target, as_text, carried, streamed, told_apart
from features.engines import CHUNK_ROWS, PLACE, ROW, Embedded, Engine, arrow_schema, as_asked
from features.errors import ContractBroken, UsageError
from features.sql import name_of, text_of
from features.tables import TABLES, Table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from features.sources import Source

MOST_ODD = 10_000
"""Distinct texts of an odd form that are looked at in a column."""
PLAIN = {
    "time": r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-](0[0-9]|1[0-4])(:[0-5][0-9])?)?)?$",
    "number": r"^[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})([eE][+-]?[0-9]{1,2})?$",
    "bool": "^(true|false)$",
}
"""Forms that the server and DuckDB read alike."""
_TYPES = {"time": "timestamptz", "number": "float8", "bool": "boolean"}
_SERVER_TYPES = {
    "BOOLEAN": "boolean",
    "BIGINT": "bigint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamptz",
}


class Postgres(Engine):
    """The database that holds the histories."""

    name = "postgresql"

    def __init__(self, source: Source) -> None:
        """An engine on a snapshot of the database.

        Raises
        ------
        UsageError
            When the URL is wrong, the driver missing, or the role may make no temporary tables.
        ContractBroken
            When the server does not answer or refuses.
        """
        super().__init__()
        self.source = source
        # Reads odd texts, and gives the types to what comes out of the server as text.
        self.scratch = Embedded(source.timezone, source.memory_limit)
        self.connection = postgres.connect(source)
        self.failures: tuple[type[Exception], ...] = ()
        self.casts = ServerCasts(self)
        self._kept: dict[str, ibis.Table] = {}
        self._numbers = iter(range(1_000_000))
        try:
            self._begin()
        except BaseException:
            self.disconnect()
            raise

    def _begin(self) -> None:
        import ibis
        import psycopg

        self.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self.run("SET DateStyle = ISO")
        # Within the transaction that has begun; Ibis sets the clock to UTC, so ours comes after.
        self.backend = ibis.postgres.from_connection(self.connection)
        self.backend.compiler = _compiler()
        self._set_up()

    def _set_up(self) -> None:
        self.run("SET extra_float_digits = 3")
        # To compile a query takes a second, and there are dozens; casts and joins gain little.
        self.run("SET jit = off")
        self.run(f"SET TimeZone = {text_of(self.source.timezone)}")
        self.run(
            'CREATE TEMP TABLE odd_texts (kind text, given text COLLATE "C", "time" timestamptz, '
            '"number" float8, "bool" boolean, PRIMARY KEY (kind, given))'
        )
        for kind, form in PLAIN.items():
            # Only the server can tell that there is no 30th of February.
            self.run(
                f"CREATE FUNCTION pg_temp.churn_{kind}(given text) RETURNS {_TYPES[kind]} "
                "LANGUAGE plpgsql STABLE STRICT AS $$ BEGIN "
                f"IF given ~ {text_of(form)} THEN RETURN given::{_TYPES[kind]}; END IF; "
                f"RETURN (SELECT odd.{kind} FROM pg_temp.odd_texts odd "
                f"WHERE odd.kind = {text_of(kind)} AND odd.given = $1); "
                "EXCEPTION WHEN data_exception THEN RETURN NULL; END $$"
            )
        self.run(
            "CREATE FUNCTION pg_temp.churn_whole(given text) RETURNS boolean LANGUAGE sql "
            f"IMMUTABLE AS $$ SELECT given ~ {text_of(WHOLE_NUMBER)} $$"
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what the server refuses into a message."""
        import psycopg

        try:
            yield
        except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege) as e:
            raise UsageError(
                "The database cannot be the engine: it does not let this role make temporary "
                "tables, or read a table.",
                where=f"[data] engine = postgresql, source = {self.source.shown}",
                value=postgres.said(e, self.source),
                allowed="a role with the rights to SELECT and TEMPORARY, on a server that is no "
                "standby",
                fix='grant them, or engine = "duckdb", which needs SELECT alone',
            ) from None
        except psycopg.Error as error:
            raise ContractBroken(
                "The database could not compute what was asked.",
                where=self.source.shown,
                value=postgres.said(error, self.source),
                allowed="a database that can be read to the end",
                fix='try again; if it stays so, engine = "duckdb" asks less of the server',
            ) from None

    def run(self, query: str) -> Any:
        """Run SQL in the server's dialect."""
        with self.told():
            return self.connection.execute(query)

    def to_pyarrow(self, expr: ibis.Expr) -> Any:
        rows = expr.as_table()
        target = self._fetched(rows)
        found = self.scratch.to_pyarrow(self.scratch.table(target.name))
        self.scratch.raw_sql(f"DROP TABLE {name_of(target.name)}")
        if [column.kind for column in target.columns] == _kinds(rows):
            return as_asked(expr, found.rename_columns(rows.columns))
        # A moment that no calendar holds came as text.
        return found.rename_columns(rows.columns)

    def to_pyarrow_batches(
        self, expr: ibis.Table, *, chunk_size: int = CHUNK_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """The rows in pieces; until they are through, the connection can do nothing else."""
        schema, columns = arrow_schema(expr.schema()), _carried(expr)
        values = ", ".join(column.parsed(f"c{i}") for i, column in enumerate(columns))
        with self.told():
            for chunk in streamed(self.connection, self.compile(expr)):
                self.scratch.con.register("leaving_rows", as_text(chunk, len(columns)))
                found = self.scratch.con.sql(f"SELECT {values} FROM leaving_rows")
                table = found.to_arrow_table().rename_columns(schema.names).cast(schema)
                self.scratch.con.unregister("leaving_rows")
                yield from table.to_batches(max_chunksize=chunk_size)

    def to_parquet(self, rows: ibis.Table, file: Path | str) -> None:
        target = self._fetched(rows)
        found = self.scratch.table(target.name)
        named = {name: found[c] for name, c in zip(rows.columns, found.columns, strict=True)}
        self.scratch.to_parquet(found.select(**named), file)
        self.scratch.raw_sql(f"DROP TABLE {name_of(target.name)}")

    def _fetched(self, rows: ibis.Table) -> Target:
        """The rows of a table in the embedded engine."""
        target = Target(self.scratch, f"fetched_{next(self._numbers)}", told_apart(_carried(rows)))
        with self.told():
            for chunk in streamed(self.connection, self.compile(rows)):
                target.add(chunk)
        return target

    def keep(self, name: str, rows: ibis.Table) -> ibis.Table:
        import ibis

        kept = f"kept_{next(self._numbers)}_{name}"
        self.run(f"CREATE TEMP TABLE {name_of(kept)} AS {self.compile(rows)}")
        # The server knows nothing of how many rows a temporary table has, unless it looks.
        self.run(f"ANALYZE {name_of(kept)}")
        self._kept[name] = ibis.table(rows.schema(), name=kept)
        return self._kept[name]

    def table(self, name: str) -> ibis.Table:
        return self._kept[name.removeprefix("kept_")]

    def _bring(self, name: str, rows: pa.Table, schema: Any) -> None:
        from ibis.backends.sql.datatypes import PostgresType

        kinds = [f"{name_of(c)} {PostgresType.to_string(kind)}" for c, kind in schema.items()]
        self.run(f"CREATE TEMP TABLE {name_of(name)} ({', '.join(kinds)})")
        with (
            self.told(),
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY {name_of(name)} FROM STDIN") as copy,
        ):
            for row in rows.to_pylist():
                copy.write_row(list(row.values()))
        self.run(f"ANALYZE {name_of(name)}")

    def in_order(self, name: str, rows: ibis.Table) -> ibis.Table:
        return self.keep(f"{name}_rows", rows.mutate(**{ROW: rows[PLACE]}).drop(PLACE))

    def by_id(self, ids: Any) -> Any:
        import ibis

        @ibis.udf.scalar.builtin
        def convert_to(text: str, encoding: str) -> bytes: ...  # type: ignore[empty-body]

        # As bytes, which no locale sorts in its own way.
        return convert_to(ids, "UTF8") if ids.type().is_string() else ids

    def identical_rows(self, rows: ibis.Table, key: str, *, one_in: int) -> int:
        """By a hash of 64 bits of the rows' text."""
        columns = ", ".join(name_of(column) for column in rows.columns)
        hashed = f"hashtextextended({name_of(key)}::text, 0)"
        sample = f"WHERE mod({hashed}, {one_in}) = 0" if one_in > 1 else ""
        query = (
            f"SELECT count(*) - count(DISTINCT hashtextextended(ROW({columns})::text, 0)) "
            f"FROM ({self.compile(rows)}) AS rows {sample}"
        )
        ((found,),) = self.run(query).fetchall()
        return int(found) * one_in

    def read_through(self, rows: ibis.Table) -> None:
        self.run(f"SELECT count(rows) FROM ({self.compile(rows)}) AS rows")

    def disconnect(self) -> None:
        # Nothing of the transaction stays: its tables were temporary ones.
        self.connection.close()
        self.scratch.disconnect()


def _compiler() -> Any:
    """Ibis' compiler for PostgreSQL, which turns a boolean into no number but an integer."""
    import ibis.expr.datatypes as dt
    from ibis.backends.sql.compilers.postgres import PostgresCompiler

    class ServerCompiler(PostgresCompiler):
        __slots__ = ()

        def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802 - Ibis' name
            if op.arg.dtype.is_boolean() and to.is_numeric():
                arg = self.cast(arg, dt.int32)
            return super().visit_Cast(op, arg=arg, to=to)

    return ServerCompiler()


def read_tables(engine: Postgres, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    """Every input table that the database holds, by name, with its place."""
    found = {}
    for name, place in postgres.places(engine.backend, source).items():
        where = f"{source.shown}, table {place}"
        with postgres.told(engine.backend, source, name, place):
            found[name] = (_view(engine, source, TABLES[name], place), where)
    return found


def _view(engine: Postgres, source: Source, table: Table, place: postgres.Place) -> ibis.Table:
    """A temporary view with the columns that are read, in the types that DuckDB would have."""
    import ibis

    rows, declared = postgres.needed(engine.backend, source, table, place)
    query = engine.compile(rows)
    described = engine.connection.execute(f"SELECT * FROM ({query}) AS rows LIMIT 0").description
    columns = [carried(column, declared[column.name]) for column in described]
    values = [_server_value(column) for column in columns]
    named = told_apart(columns)
    selected = [f"{v} AS {name_of(c.name)}" for v, c in zip(values, named, strict=True)]
    schema = {column.name: _ibis_type(column.kind) for column in named}
    if table.row_id:
        # A database keeps no order, so rows lie in one of their own.
        order = ", ".join(f"{value} NULLS LAST" for value in values)
        selected.append(f"row_number() OVER (ORDER BY {order}) AS {name_of(PLACE)}")
        schema[PLACE] = _ibis_type("BIGINT")
    view = f"raw_{table.name}"
    engine.connection.execute(
        f"CREATE TEMP VIEW {view} AS SELECT {', '.join(selected)} FROM ({query}) AS rows"
    )
    engine.connection.execute(f"SELECT 1 FROM {view} LIMIT 0")
    return ibis.table(schema, name=view)


def _server_value(column: Carried) -> str:
    name = f"rows.{name_of(column.name)}"
    if column.kind not in _SERVER_TYPES:
        # A char(9) loses its padding; text sorts as it does in DuckDB.
        return f'CAST({name} AS text) COLLATE "C"'
    kind = _SERVER_TYPES[column.kind]
    value = f"CAST({name} AS {kind})"
    return f"NULLIF({value}, 'infinity'::{kind})" if column.still_open else value


def _ibis_type(kind: str) -> Any:
    import ibis.expr.datatypes as dt
    from ibis.backends.sql.datatypes import DuckDBType

    if kind.startswith("TIMESTAMP"):
        return dt.Timestamp(timezone="UTC" if kind == "TIMESTAMPTZ" else None, scale=6)
    return DuckDBType.from_string(kind)


def _carried(rows: ibis.Table) -> list[Carried]:
    kinds = zip(rows.columns, _kinds(rows), strict=True)
    return [Carried(name, kind) for name, kind in kinds]


def _kinds(rows: ibis.Table) -> list[str]:
    """The types of a table's columns in DuckDB's words."""
    from ibis.backends.sql.datatypes import DuckDBType

    def kind(given: Any) -> str:
        if given.is_timestamp():
            return "TIMESTAMPTZ" if given.timezone else "TIMESTAMP"
        return "VARCHAR" if given.is_string() else DuckDBType.to_string(given)

    return [kind(given) for given in rows.schema().types]


class ServerCasts(Casts):
    """Values as DuckDB reads them, in the server's words."""

    def __init__(self, engine: Postgres) -> None:
        self.engine = engine
        self._learned: set[str] = set()

    def whole_of(self, value: Any) -> Any:
        import ibis

        @ibis.udf.scalar.builtin
        def trunc(value: float) -> float: ...  # type: ignore[empty-body]

        # Ibis' floor makes a bigint of everything, and fails for NaN.
        whole = (value == trunc(value)) & (value.abs() < 9.2e18)
        return whole.ifelse(value, None).cast("int64")

    def is_whole(self, text: Any) -> Any:
        import ibis

        @ibis.udf.scalar.builtin(database="pg_temp")
        def churn_whole(given: str) -> bool: ...  # type: ignore[empty-body]

        return churn_whole(text)

    def as_instant(self, value: Any, timezone: str) -> Any:
        import ibis

        if value.type().is_string():
            return self._read("time", value.strip())
        # Before Christ, and minus infinity: what DuckDB's calendar does not hold either.
        return (value >= ibis.timestamp("0001-01-01 00:00:00")).ifelse(value, None)

    def as_number(self, value: Any) -> Any:
        return value.cast("int32") if value.type().is_boolean() else super().as_number(value)

    def float_of(self, text: Any) -> Any:
        return self._read("number", text)

    def bool_of(self, text: Any) -> Any:
        return self._read("bool", text)

    def finite(self, value: Any) -> Any:
        # NaN is larger than all numbers here.
        return value.cast("float64").abs() <= 1.7976931348623157e308

    def always_new(self, kind: Any) -> bool:
        return bool(kind.is_timestamp() or kind.is_date())

    def _read(self, kind: str, text: Any) -> Any:
        """A text as a value: by the server where its form is plain, else as DuckDB said."""
        import ibis
        import ibis.expr.datatypes as dt

        self._learn(kind, text)
        result = {"time": dt.Timestamp(timezone="UTC"), "number": dt.float64, "bool": dt.boolean}

        def given(text):  # type: ignore[no-untyped-def]
            ...

        given.__name__ = f"churn_{kind}"
        signature = ((dt.string,), result[kind])
        return ibis.udf.scalar.builtin(given, database="pg_temp", signature=signature)(text)

    def _learn(self, kind: str, text: Any) -> None:
        """Have DuckDB read the texts of a column that are of no plain form."""
        rows = text.name("given").as_table()
        query = self.engine.compile(rows)
        if f"{kind} {query}" in self._learned:
            return
        self._learned.add(f"{kind} {query}")
        odd = self.engine.run(
            f"SELECT DISTINCT given FROM ({query}) AS rows "
            f"WHERE given !~ {text_of(PLAIN[kind])} LIMIT {MOST_ODD + 1}"
        ).fetchall()
        values = self._by_duckdb(kind, [given for (given,) in odd])
        if len(odd) > MOST_ODD and any(value is not None for value in values.values()):
            raise _too_odd(text, values)
        known = [(kind, given, value) for given, value in values.items() if value is not None]
        with self.engine.told(), self.engine.connection.cursor() as cursor:
            cursor.executemany(
                f'INSERT INTO odd_texts (kind, given, "{kind}") VALUES (%s, %s, %s) '
                "ON CONFLICT DO NOTHING",
                known,
            )

    def _by_duckdb(self, kind: str, given: list[str]) -> dict[str, Any]:
        import ibis

        if not given:
            return {}
        casts, texts = Casts(), ibis.memtable({"given": given}, schema={"given": "string"})
        text = texts["given"]
        value = {
            # As text: infinity and years beyond 9999 have a form that the server reads.
            "time": casts.as_instant(text, "UTC").cast("string"),
            "number": casts.float_of(text),
            "bool": casts.bool_of(text),
        }[kind]
        found = self.engine.scratch.to_pyarrow(texts.select("given", value=value))
        return dict(zip(found["given"].to_pylist(), found["value"].to_pylist(), strict=True))


def _too_odd(text: Any, values: dict[str, Any]) -> UsageError:
    import ibis.expr.operations as ops

    fields = [node.name for node in text.op().find(ops.Field)]
    tables = [node.name for node in text.op().find(ops.UnboundTable)]
    examples = [given for given, value in values.items() if value is not None][:3]
    return UsageError(
        f"The column {fields[0] if fields else text.get_name()} holds texts that only DuckDB "
        "can read.",
        where=", ".join(name.removeprefix("raw_") for name in tables) or "[data] engine",
        value=" | ".join(examples),
        allowed="times such as 2026-11-01 08:30:00, numbers such as 12.50",
        fix='engine = "duckdb", or give the column a type of its own in the database',
    )
