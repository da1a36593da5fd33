"""Histories on Spark: Ibis compiles joins and counts, Arrow carries rows, Spark spreads the work.

What looks at one row at a time runs in Spark's tasks too, but in DuckDB: the same SQL, by the same
parser of times and numbers, so that a row is good or bad wherever it is asked. All moments are kept
as if the histories' wall clock were UTC's; Ibis' types say which of them are instants.
"""

from __future__ import annotations

import atexit
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from features.casting import Casts
from features.engines import CHUNK_ROWS, PLACE, ROW, Embedded, Engine, arrow_schema, as_asked
from features.spark_session import is_local, session

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from pyspark.sql import DataFrame

GIVEN = "given_rows"

_shipped: set[str] = set()


class Spark(Engine):
    """A Spark session, with the tables of one reading under names of their own."""

    name = "spark"

    def __init__(self, timezone: str = "UTC", memory_limit: str | None = None) -> None:
        """An engine on the session that the environment configures, or on this machine.

        Raises
        ------
        UsageError
            When Spark or Java is missing.
        """
        super().__init__()
        self.timezone = timezone
        # Reads headers and explains faulty files; and knows whether the time zone is one.
        self.scratch = Embedded(timezone)
        self.session = session(memory_limit)
        import ibis
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        self.failures = (PySparkException, Py4JError)
        self.casts = Casts()
        self.backend = ibis.pyspark.connect(self.session)
        self._prefix = f"churn_{uuid4().hex[:12]}"
        self._tables: dict[str, ibis.Table] = {}
        self._views: list[str] = []
        self._held: list[DataFrame] = []

    def frame(self, rows: ibis.Table) -> DataFrame:
        """A table as Spark's own data frame."""
        return self.session.sql(self.compile(rows))

    def view(self, frame: DataFrame, schema: Any) -> ibis.Table:
        """A data frame as a table, with types of Ibis that tell instants from the wall clock."""
        import ibis

        name = f"{self._prefix}_{len(self._views)}"
        frame.createOrReplaceTempView(name)
        self._views.append(name)
        return ibis.table(schema, name=name)

    def hold(self, frame: DataFrame) -> DataFrame:
        """A data frame that is computed once; what does not fit in memory goes to disk."""
        self._held.append(frame.persist())
        return frame

    def to_pyarrow(self, expr: ibis.Expr) -> Any:
        rows = expr.as_table()
        return as_asked(expr, self.frame(rows).toArrow())

    def to_pyarrow_batches(
        self, expr: ibis.Table, *, chunk_size: int = CHUNK_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Spark hands its results over as a whole: for what is large, work in its tasks instead."""
        return iter(self.to_pyarrow(expr).to_batches(max_chunksize=chunk_size))

    def to_parquet(self, rows: ibis.Table, file: Path | str) -> None:
        import pyarrow.parquet as pq

        pq.write_table(self.to_pyarrow(rows), file)

    def keep(self, name: str, rows: ibis.Table) -> ibis.Table:
        self._tables[name] = self.view(self.hold(self.frame(rows)), rows.schema())
        return self._tables[name]

    def table(self, name: str) -> ibis.Table:
        return self._tables[name.removeprefix("kept_")]

    def in_order(self, name: str, rows: ibis.Table) -> ibis.Table:
        return rows.mutate(**{ROW: rows[PLACE]}).drop(PLACE)

    def each_row(self, rows: ibis.Table, judged: Callable[[ibis.Table], ibis.Table]) -> ibis.Table:
        import ibis

        made = judged(ibis.table(rows.schema(), name=GIVEN))
        query = ibis.to_sql(made, dialect="duckdb")
        given, result = arrow_schema(rows.schema()), made.schema()
        work = in_tasks(str(query), self.timezone, given, arrow_schema(result, instants=True))
        frame = self.frame(rows).mapInArrow(work, spark_schema(result))
        return self.view(frame, result)

    def reused(self, rows: ibis.Table) -> ibis.Table:
        return self.view(self.hold(self.frame(rows)), rows.schema())

    def _bring(self, name: str, rows: pa.Table, schema: Any) -> None:
        instants = rows.cast(arrow_schema(schema, instants=True))
        self.session.createDataFrame(instants).createOrReplaceTempView(name)
        self._views.append(name)

    def identical_rows(self, rows: ibis.Table, key: str, *, one_in: int) -> int:
        """By a hash of 64 bits."""
        from pyspark.sql import functions as F  # noqa: N812

        frame = self.frame(rows)
        if one_in > 1:
            frame = frame.filter(F.pmod(F.xxhash64(frame[key]), F.lit(one_in)) == 0)
        # A hash leaves nulls out, so that (1, null) and (null, 1) would be the same.
        columns = [part for c in frame.columns for part in (frame[c], frame[c].isNull())]
        hashes = frame.select(F.xxhash64(*columns).alias("hash"))
        counted = hashes.agg(F.count("hash"), F.count_distinct("hash")).collect()[0]
        return int(counted[0] - counted[1]) * one_in

    def read_through(self, rows: ibis.Table) -> None:
        self.frame(rows).write.format("noop").mode("overwrite").save()

    def ship(self, package: str) -> None:
        """Send one of our packages to where Spark's tasks run, so that they can import it."""
        if is_local(self.session) or package in _shipped:
            return
        folder = Path(str(importlib.import_module(package).__file__)).parent
        # Tasks may fetch it at any time until the session ends.
        place = tempfile.mkdtemp(prefix="churn-risk-")
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        packed = shutil.make_archive(f"{place}/{package}", "zip", folder.parent, package)
        self.session.addArtifacts(packed, pyfile=True)
        _shipped.add(package)

    def disconnect(self) -> None:
        self.scratch.disconnect()
        for frame in self._held:
            frame.unpersist()
        for name in self._views:
            self.session.catalog.dropTempView(name)
        self._held, self._views = [], []


def in_tasks(query: str, timezone: str, given: pa.Schema, made: pa.Schema) -> Callable[..., Any]:
    """What a task does with its rows: DuckDB's SQL, a batch at a time.

    A function within a function travels with the task; nothing of ours needs to be there.
    """

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as arrow

        with duckdb.connect() as engine:
            engine.execute("SET threads = 1")
            engine.execute(f"SET TimeZone = '{timezone}'")
            for batch in batches:
                engine.register("given_rows", arrow.Table.from_batches([batch]).cast(given))
                found: Any = engine.execute(query).to_arrow_table()
                yield from found.cast(made).to_batches()

    return work


def spark_schema(schema: Any) -> Any:
    """The types of a table in Spark: all moments as instants."""
    from ibis.backends.pyspark.datatypes import PySparkSchema

    return PySparkSchema.from_ibis(schema)
