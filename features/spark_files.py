"""Files on Spark: Parquet read by Spark itself, CSV by DuckDB in Spark's tasks, a file each.

Spark's CSV reader takes a quote that does not close for text and goes on; DuckDB's strict one
refuses the file, with its lines. What the columns are is read off headers, by DuckDB as well, so
that parts which differ come together in the same way on both engines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from features.engines import PLACE
from features.spark import Spark, spark_schema
from features.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

ROWS_IN_A_FILE = 2**40
FILE = "file of the row"

Numbered = Mapping[int, tuple[Path, Mapping[str, str]]]
"""Files by their number, with what their folders say of their rows."""
Part = tuple["DataFrame", Mapping[str, Any]]
"""A data frame, and the types of its columns; moments are instants in all."""


def read(
    engine: Spark,
    table: str,
    query: str,
    texts: Sequence[str],
    parquets: Sequence[tuple[Path, Mapping[str, str]]],
) -> ibis.Table:
    """The files of a table as one, with the columns that DuckDB would give it.

    Parameters
    ----------
    query
        DuckDB's SQL for all the files; only described here.
    texts
        Its SQL for each CSV file.
    parquets
        The Parquet files, each with what its folders say of its rows.
    """
    described = engine.scratch.raw_sql(f"DESCRIBE {query}").fetchall()
    kinds = {name: _plain(kind) for name, kind, *_ in described}
    parts: list[Part] = []
    if texts:
        frame = engine.hold(csv(engine, list(enumerate(texts)), list(kinds)))
        # Read now, so that a faulty line is told of the file and not of what uses it.
        frame.count()
        parts.append((frame, dict.fromkeys(kinds, _plain("VARCHAR"))))
    if parquets:
        parts += parquet(engine, parquets, first=len(texts))
    return together(engine, parts, kinds, numbered=bool(TABLES[table].row_id))


def _plain(kind: str) -> Any:
    """DuckDB's type as one that Spark has, too."""
    import ibis.expr.datatypes as dt
    from ibis.backends.sql.datatypes import DuckDBType

    found = DuckDBType.from_string(kind)
    if found.is_timestamp():
        return dt.Timestamp(timezone=found.timezone and "UTC", scale=6)
    if found.is_unsigned_integer():
        return dt.int64
    plain = found.is_numeric() or found.is_boolean() or found.is_date() or found.is_nested()
    return found if plain else dt.string


def parquet(
    engine: Spark, parquets: Sequence[tuple[Path, Mapping[str, str]]], *, first: int
) -> list[Part]:
    """Data frames of files that are alike, each with its types; rows carry their place."""
    import pyarrow.parquet as pq

    alike: dict[str, list[int]] = {}
    schemas: dict[str, Any] = {}
    files = {first + number: parquet for number, parquet in enumerate(parquets)}
    for number, (file, _) in files.items():
        schema = pq.read_schema(file).remove_metadata()
        key = str(schema)
        schemas[key] = schema
        alike.setdefault(key, []).append(number)
    return [
        _alike(engine, {number: files[number] for number in alike[key]}, schemas[key])
        for key in alike
    ]


def _alike(engine: Spark, files: Numbered, schema: pa.Schema) -> Part:
    from pyspark.sql import functions as F  # noqa: N812

    frame = engine.session.read.parquet(*[_escaped(file) for file, _ in files.values()])
    said = {name for _, constants in files.values() for name in constants}
    folders = {name.lower() for name in said}
    columns, kinds = {}, {}
    for field in schema:
        # As with DuckDB, a folder has the last word.
        if field.name.lower() not in folders and field.name in frame.columns:
            columns[field.name], kinds[field.name] = _column(frame, field)
    place, row = F.col("_metadata.file_path"), F.col("_metadata.row_index")
    chosen = [column.alias(name) for name, column in columns.items()]
    frame = frame.select(*chosen, _local(place).alias(FILE), row.alias(PLACE))
    about = _about(engine, frame, files, sorted(said))
    frame = frame.join(F.broadcast(about), FILE, "left")
    frame = frame.withColumn(PLACE, F.col(PLACE) + F.col("number") * F.lit(ROWS_IN_A_FILE))
    import ibis.expr.datatypes as dt

    kinds |= dict.fromkeys(sorted(said), dt.string)
    return frame.drop(FILE, "number"), kinds


def _column(frame: DataFrame, field: pa.Field) -> tuple[Column, Any]:
    """A column with its moments as instants, and its type of Ibis, which says what they are."""
    import ibis.expr.datatypes as dt
    import pyarrow as arrow
    from ibis.backends.pyspark.datatypes import PySparkType
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql import types as T  # noqa: N812

    # In backquotes a name may hold dots.
    name = f"`{field.name.replace('`', '``')}`"
    column, kind = frame[name], frame.schema[field.name].dataType
    if isinstance(kind, T.NullType) or arrow.types.is_null(field.type):
        return column.cast("string"), dt.string
    if arrow.types.is_timestamp(field.type):
        if isinstance(kind, T.LongType):
            column = F.timestamp_micros(
                F.floor(column / 1000) if field.type.unit == "ns" else column
            )
        return column.cast("timestamp"), dt.Timestamp(timezone=field.type.tz and "UTC", scale=6)
    return column, PySparkType.to_ibis(kind)


def _about(engine: Spark, frame: DataFrame, files: Numbered, said: Sequence[str]) -> DataFrame:
    """What is known of each file: its number, and what its folders say."""
    import pyarrow as arrow

    numbers = {str(file): number for number, (file, _) in files.items()}
    places = [re.sub("^file:/+", "/", uri) for uri in frame.inputFiles()]
    found = [numbers[unquote(place)] for place in places]
    told = {name: [files[number][1].get(name) for number in found] for name in said}
    columns = {name: arrow.array(values, arrow.string()) for name, values in told.items()}
    return engine.session.createDataFrame(
        arrow.table({FILE: places, "number": arrow.array(found, arrow.int64()), **columns})
    )


def _local(place: Column) -> Column:
    from pyspark.sql import functions as F  # noqa: N812

    return F.regexp_replace(place, "^file:/+", "/")


def _escaped(file: Path) -> str:
    """A path in which Spark finds no pattern."""
    return re.sub(r"([{}\[\]*?\\])", r"\\\1", str(file))


def csv(engine: Spark, queries: Sequence[tuple[int, str]], columns: Sequence[str]) -> DataFrame:
    """Text columns of CSV files, each given by its number and the SQL that reads it."""
    import ibis
    import pyarrow as arrow

    schema = ibis.schema({**dict.fromkeys(columns, "string"), PLACE: "int64"})
    listed = arrow.table(
        {
            "number": arrow.array([number for number, _ in queries], arrow.int64()),
            "query": [query for _, query in queries],
        }
    )
    frame = engine.session.createDataFrame(listed).repartition(len(queries))
    return frame.mapInArrow(_reading(schema.to_pyarrow()), spark_schema(schema))


def _reading(schema: pa.Schema) -> Callable[..., Any]:
    place, in_a_file = PLACE, ROWS_IN_A_FILE

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as arrow

        with duckdb.connect() as engine:
            engine.execute("SET threads = 1")
            for task in (task for batch in batches for task in batch.to_pylist()):
                row = task["number"] * in_a_file
                pieces: Any = engine.execute(task["query"]).to_arrow_reader(65536)
                for piece in pieces:
                    rows = arrow.array(range(row, row + len(piece)), arrow.int64())
                    row += len(piece)
                    there = {name.lower(): piece[name] for name in piece.schema.names}
                    nothing = arrow.nulls(len(piece), arrow.string())
                    found = {n: there.get(n.lower(), nothing) for n in schema.names if n != place}
                    yield from arrow.table({**found, place: rows}).cast(schema).to_batches()

    return work


def together(
    engine: Spark,
    parts: Sequence[Part],
    kinds: Mapping[str, Any],
    *,
    numbered: bool,
) -> ibis.Table:
    """Parts as one table, with the types that they have in common."""
    import ibis

    if len(parts) == 1:
        kinds = {**kinds, **parts[0][1]}
    schema = ibis.schema({**kinds, **({PLACE: "int64"} if numbered else {})})
    aligned = [_aligned(engine, frame, had, schema) for frame, had in parts]
    whole = aligned[0]
    for frame in aligned[1:]:
        whole = whole.unionByName(frame)
    return engine.view(whole, schema)


def _aligned(engine: Spark, frame: DataFrame, had: Mapping[str, Any], schema: Any) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812

    there = {name.lower(): name for name in frame.columns}
    columns = []
    for wanted in spark_schema(schema).fields:
        kind, name = schema[wanted.name], there.get(wanted.name.lower())
        if name is None:
            columns.append(F.lit(None).cast(wanted.dataType).alias(wanted.name))
            continue
        column = frame[f"`{name.replace('`', '``')}`"]
        before = had.get(name)
        if (
            kind.is_timestamp()
            and kind.timezone
            and before is not None
            and (before.is_date() or (before.is_timestamp() and not before.timezone))
        ):
            # Where other parts hold instants, the wall clock becomes one.
            column = F.to_utc_timestamp(column.cast("timestamp"), engine.timezone)
        columns.append(column.cast(wanted.dataType).alias(wanted.name))
    return frame.select(*columns)
