"""Answers of the engine as they come, a batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from features.engines import Engine

ROWS_A_BATCH = 2**17
"""Rows that are put in order together: as many as the processor's caches hold."""


def stream(engine: Engine, rows: ibis.Table) -> pa.RecordBatchReader:
    """The rows of an expression as Arrow batches; the engine computes while they are used.

    Take them all before the next question: there is one connection.
    """
    return engine.to_pyarrow_batches(rows, chunk_size=ROWS_A_BATCH)
