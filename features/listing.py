"""The features that histories get, without their vectors: what families make of no customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from features.catalogue import Feature
from features.compute import Job, declared, timeline_of
from features.cut import Points
from features.past import Chunk, Present
from features.plan import Plan
from features.reads import Layout, Roll, sent
from features.telling import settled
from features.timeline import EPOCH
from features.vectors import FAMILIES

if TYPE_CHECKING:
    import ibis


def list_features(tables: Mapping[str, ibis.Table], plan: Plan) -> tuple[Feature, ...]:
    """The catalogue that vectors of these tables have, in the order of their columns.

    Families declare what they read of the tables, and make columns of a chunk without customers:
    no row is read, so it costs the same for any histories.
    """
    import pyarrow as pa

    families = [family for family in FAMILIES if plan.has(family.table)]
    # Columns do not depend on the cutoffs: one will do.
    timeline = timeline_of(plan, [EPOCH])
    present = Present(tables, plan, timeline)
    layouts: dict[str, Layout] = {}
    nothing: dict[str, Any] = {}
    for name, read in declared(families, present)[0].items():
        rows = read.rows
        if isinstance(read, Roll):
            rows, layouts[name] = sent(read, before=timeline.end(), daily=False)
        schema = rows.schema().to_pyarrow()
        nothing[name] = pa.RecordBatch.from_pylist([], schema=schema)
    job = Job(plan, timeline, tuple(family.columns for family in families), layouts)
    nobody = Points(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))
    chunk = Chunk(customers=range(0), points=nobody, rows=lambda name: [nothing[name]])
    return settled(feature for feature, _ in job.columns(chunk))
