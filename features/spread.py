"""Chunks of customers computed where Spark has their rows: only vectors come back.

All reads of a job travel in one data frame, with the read's number and the customer's chunk beside
each row. Spark brings a chunk's rows together, and a task computes its columns with the very code
that runs in this process otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from features.arrays import no_rows
from features.catalogue import Feature
from features.cut import Points
from features.histories import Histories
from features.past import Chunk
from features.tables import CUSTOMER

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from features.compute import Column, Job, Prepared
    from features.spark import Spark

READ, CHUNK = "read", "chunk"
PLACE, CUTOFF = "place", "cutoff"
POINTS = "points"


def on_spark(histories: Histories, prepared: Prepared, points: Points) -> list[Column]:
    """The columns of a prepared job for these points."""
    engine = cast("Spark", histories.engine)
    engine.ship("features")
    names = [POINTS, *prepared.rows]
    frames = [_of_points(engine, points), *map(engine.frame, prepared.rows.values())]
    tagged = [_tagged(frame, n, prepared.size) for n, frame in enumerate(frames)]
    rows = functools.reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), tagged)
    features = _features(prepared)
    kinds = ["string" if feature.is_text else "double" for feature in features]
    schema = ", ".join([f"{PLACE} long", *(f"c{n} {kind}" for n, kind in enumerate(kinds))])
    work = _in_a_task(prepared.job, names, prepared.size, histories.customers)
    found = rows.groupBy(CHUNK).applyInArrow(work, schema).toArrow()
    order = np.argsort(found[PLACE].to_numpy())
    return [
        (feature, found[f"c{n}"].to_numpy(zero_copy_only=False)[order])
        for n, feature in enumerate(features)
    ]


def _features(prepared: Prepared) -> list[Feature]:
    """What the columns will be: computed for nobody."""
    schemas = {name: rows.schema().to_pyarrow() for name, rows in prepared.rows.items()}
    nowhere = Points(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))
    nobody = Chunk(range(0), nowhere, lambda name: [no_rows(schemas[name])])
    return [feature for feature, _ in prepared.job.columns(nobody)]


def _of_points(engine: Spark, points: Points) -> DataFrame:
    import pyarrow as pa

    place = np.arange(len(points), dtype=np.int64)
    return engine.session.createDataFrame(
        pa.table({PLACE: place, CUTOFF: points.cutoff, CUSTOMER: points.customer})
    )


def _tagged(frame: DataFrame, number: int, size: int) -> DataFrame:
    """The rows of a read, with their chunk; no two reads share a column."""
    from pyspark.sql import functions as F  # noqa: N812

    columns = [frame[name].alias(f"{number} {name}") for name in frame.columns]
    chunk = F.floor(frame[CUSTOMER] / size).cast("int")
    return frame.select(F.lit(number).alias(READ), chunk.alias(CHUNK), *columns)


def _in_a_task(
    job: Job, names: list[str], size: int, customers: int
) -> Callable[[pa.Table], pa.Table]:
    def work(table: pa.Table) -> pa.Table:
        import pyarrow as arrow
        import pyarrow.compute as pc

        reads = table[READ].combine_chunks()
        parts = {}
        for number, name in enumerate(names):
            prefix = f"{number} "
            columns = [each for each in table.column_names if each.startswith(prefix)]
            part = table.select(columns).filter(pc.equal(reads, number))
            parts[name] = part.rename_columns([each.removeprefix(prefix) for each in columns])
        wanted = parts[POINTS]
        points = Points(wanted[CUTOFF].to_numpy(), wanted[CUSTOMER].to_numpy())
        first = table[CHUNK][0].as_py() * size
        chunk = Chunk(
            customers=range(first, min(first + size, customers)),
            points=points,
            rows=lambda name: parts[name].to_batches() or [no_rows(parts[name].schema)],
        )
        found: dict[str, Any] = {PLACE: wanted[PLACE].to_numpy()}
        for n, (feature, values) in enumerate(job.columns(chunk)):
            kind = arrow.string() if feature.is_text else arrow.float64()
            found[f"c{n}"] = arrow.array(values, kind, from_pandas=False)
        return arrow.table(found)

    return work
