"""Where histories are checked and vectors computed: embedded DuckDB, Spark, or the database itself.

An `Engine` wraps an Ibis backend and adds the few things in which engines differ: how rows are
streamed out, how a table is kept, in what order a source's rows lie, and how values are read. What
is written against it (the contract, the joins, the vectors) is the same for all of them.
"""

from __future__ import annotations

import difflib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from features.casting import Casts
from features.errors import UsageError
from features.sql import name_of, text_of

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

ENGINES = ("duckdb", "spark", "postgresql")
SYNONYMS = {"postgres": "postgresql"}
CHUNK_ROWS = 2**19
"""Rows of a batch: a column of them stays in the processor's caches."""
ROW = "row_in_source"
"""The place of a row in its source, in a table whose rows have ids."""
PLACE = "place in the source"
"""The same, in a raw table of an engine that cannot number rows afterwards."""


def engine_named(name: str) -> str:
    """The engine that a config names.

    Raises
    ------
    UsageError
        When there is none of that name.
    """
    found = SYNONYMS.get(name.strip().lower(), name.strip().lower())
    if found in ENGINES:
        return found
    near = difflib.get_close_matches(found, [*ENGINES, *SYNONYMS], n=1, cutoff=0.5)
    raise UsageError(
        f"There is no engine {name!r}.",
        where="[data] engine",
        value=repr(name),
        allowed="duckdb (embedded), spark, or postgresql (the database that is the source)",
        fix=f"did you mean {near[0]!r}?" if near else 'engine = "duckdb"',
    )


class Engine(ABC):
    """An Ibis backend, and the differences between backends.

    Attributes
    ----------
    name
        As in ``[data] engine``.
    backend
        Ibis' own object; compile with it, but run through the engine.
    casts
        How raw values are read; for expressions within `each_row`.
    memory_limit
        What ``[data] memory_limit`` says, such as ``"4GB"``.
    failures
        What is raised when the engine cannot read or compute something.
    """

    name: ClassVar[str]
    backend: Any
    casts: Casts
    failures: tuple[type[Exception], ...]
    memory_limit: str | None = None

    def __init__(self) -> None:
        self._local: set[str] = set()

    def compile(self, expr: ibis.Expr) -> str:
        """The SQL of an expression, in the engine's dialect; small tables of ours come along."""
        import ibis.expr.operations as ops

        for table in expr.op().find(ops.InMemoryTable):
            if table.name not in self._local:
                self._bring(table.name, table.data.to_pyarrow(table.schema), table.schema)
                self._local.add(table.name)
        return str(self.backend.compile(expr))

    def _bring(self, name: str, rows: pa.Table, schema: Any) -> None:
        """Hand a table of this process (``ibis.memtable``) to the engine, under its name."""
        raise NotImplementedError

    @abstractmethod
    def to_pyarrow(self, expr: ibis.Expr) -> Any:
        """The result of an expression: an Arrow table, column or scalar, with Ibis' types."""

    @abstractmethod
    def to_pyarrow_batches(
        self, expr: ibis.Table, *, chunk_size: int = CHUNK_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a table as they come, in pieces of about `chunk_size`.

        Take them all before the next question: there is one connection.
        """

    @abstractmethod
    def to_parquet(self, rows: ibis.Table, file: Path | str) -> None:
        """Write the rows of a table to a Parquet file."""

    @abstractmethod
    def keep(self, name: str, rows: ibis.Table) -> ibis.Table:
        """Compute a table now and keep it as a temporary one, in place of one so named."""

    @abstractmethod
    def table(self, name: str) -> ibis.Table:
        """A table that is kept."""

    @abstractmethod
    def in_order(self, name: str, rows: ibis.Table) -> ibis.Table:
        """The rows of a raw table, kept, with their place in the source as `ROW`."""

    def each_row(self, rows: ibis.Table, judged: Callable[[ibis.Table], ibis.Table]) -> ibis.Table:
        """A select that looks at one row at a time, written with `casts`.

        It gives the same values on each engine, so that whether a text is a number, or a row is
        bad, does not depend on where it is asked. `judged` may get a stand-in for the rows: what
        it makes of it can be used in what it returns, and nowhere else.
        """
        return judged(rows)

    def reused(self, rows: ibis.Table) -> ibis.Table:
        """A table that is looked at several times; kept where to compute it anew costs more."""
        return rows

    def named(self, name: str, rows: ibis.Table) -> ibis.Table:
        """A table under a name, so that queries on it are compiled from there."""
        return rows

    def by_id(self, ids: Any) -> Any:
        """What to order by for the order of ids: numbers by value, text by code point."""
        return ids

    @abstractmethod
    def identical_rows(self, rows: ibis.Table, key: str, *, one_in: int) -> int:
        """How many rows repeat another one, looked at for one in so many values of `key`."""

    @abstractmethod
    def read_through(self, rows: ibis.Table) -> None:
        """Read every value of a table; raises one of `failures` where one cannot be read."""

    @abstractmethod
    def disconnect(self) -> None:
        """Release the engine and what it holds."""


class Embedded(Engine):
    """DuckDB within this process: the default, and the measure for the others."""

    name = "duckdb"
    backend: Backend

    def __init__(self, timezone: str = "UTC", memory_limit: str | None = None) -> None:
        """An empty engine whose clock is in a time zone.

        Raises
        ------
        UsageError
            When the engine does not know the time zone.
        """
        import duckdb
        import ibis

        super().__init__()
        self.memory_limit = memory_limit
        self.failures = (duckdb.Error,)
        self.casts = Casts()
        self.backend = ibis.duckdb.connect()
        try:
            self.raw_sql(f"SET TimeZone = {text_of(timezone)}")
        except duckdb.Error:
            raise UsageError(
                "The engine does not know this time zone.",
                where="[data] timezone",
                value=repr(timezone),
                allowed='a name such as "UTC" or "Europe/Amsterdam"',
                fix="name the region and city",
            ) from None
        self.raw_sql("SET preserve_insertion_order = true")
        # What does not fit in memory goes here; the engine removes it.
        spill = Path(tempfile.gettempdir()) / f"churn-risk-{uuid4().hex}"
        self.raw_sql(f"SET temp_directory = {text_of(str(spill))}")
        if memory_limit:
            self.raw_sql(f"SET memory_limit = {text_of(memory_limit)}")

    @property
    def con(self) -> Any:
        """DuckDB's own connection."""
        return self.backend.con

    def raw_sql(self, query: str) -> Any:
        """Run SQL in DuckDB's dialect."""
        return self.backend.raw_sql(query)

    def execute(self, expr: ibis.Expr) -> Any:
        """The result of an expression as pandas or Python has it."""
        return self.backend.execute(expr)

    def compile(self, expr: ibis.Expr) -> str:
        # Ibis hands over what is ours, when it runs what it compiled.
        return str(self.backend.compile(expr))

    def to_pyarrow(self, expr: ibis.Expr) -> Any:
        return self.backend.to_pyarrow(expr)

    def to_pyarrow_batches(
        self, expr: ibis.Table, *, chunk_size: int = CHUNK_ROWS
    ) -> pa.RecordBatchReader:
        # Ibis 12 asks DuckDB 2 for batches by a name it no longer has.
        self.backend._run_pre_execute_hooks(expr)
        return self.con.sql(self.compile(expr)).to_arrow_reader(chunk_size)

    def to_parquet(self, rows: ibis.Table, file: Path | str) -> None:
        self.backend.to_parquet(rows, str(file))

    def keep(self, name: str, rows: ibis.Table) -> ibis.Table:
        kept = f"kept_{name}"
        self.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name_of(kept)} AS {self.compile(rows)}")
        return self.table(kept)

    def named(self, name: str, rows: ibis.Table) -> ibis.Table:
        """As a view: the whole way from the raw rows takes longer to compile than to run."""
        self.raw_sql(f"CREATE TEMP VIEW {name_of(name)} AS {self.compile(rows)}")
        return self.table(name)

    def table(self, name: str, database: Any = None) -> ibis.Table:
        return self.backend.table(name, database=database)

    def in_order(self, name: str, rows: ibis.Table) -> ibis.Table:
        import ibis

        return self.keep(f"{name}_rows", rows.mutate(**{ROW: ibis.row_number()}))

    def identical_rows(self, rows: ibis.Table, key: str, *, one_in: int) -> int:
        """By a hash of 64 bits: to compare the rows themselves would take several times as long."""
        columns = ", ".join(name_of(column) for column in rows.columns)
        sample = f"WHERE hash({name_of(key)}) % {one_in} = 0" if one_in > 1 else ""
        query = (
            f"SELECT count(*) - count(DISTINCT hash({columns})) "
            f"FROM ({self.compile(rows)}) AS rows {sample}"
        )
        ((found,),) = self.raw_sql(query).fetchall()
        return int(found) * one_in

    def read_through(self, rows: ibis.Table) -> None:
        self.raw_sql(f"SELECT sum(hash(COLUMNS(*))) FROM ({self.compile(rows)})").fetchall()

    def disconnect(self) -> None:
        self.backend.disconnect()


def as_asked(expr: ibis.Expr, found: Any) -> Any:
    """A result with Ibis' types, as what was asked for: a table, a column or a scalar."""
    import ibis.expr.types as ir

    found = found.cast(arrow_schema(expr.as_table().schema()))
    if isinstance(expr, ir.Table):
        return found
    return found.column(0) if isinstance(expr, ir.Column) else found.column(0)[0]


def arrow_schema(schema: Any, *, instants: bool = False) -> pa.Schema:
    """The types of a table in Arrow; with `instants` every moment as Spark has it."""
    import pyarrow as arrow

    def kind(given: pa.DataType) -> pa.DataType:
        if not arrow.types.is_timestamp(given):
            return given
        return arrow.timestamp("us", "UTC" if instants else given.tz)

    return arrow.schema([(field.name, kind(field.type)) for field in schema.to_pyarrow()])
