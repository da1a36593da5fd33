"""Answers of the engine as they come, a batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

ROWS_A_BATCH = 2**17
"""Rows that are put in order together: as many as the processor's caches hold."""


def stream(engine: Any, rows: ibis.Table) -> pa.RecordBatchReader:
    """The rows of an expression as Arrow batches; the engine computes while they are used.

    Take them all before the next question: there is one connection. Ibis 12 asks DuckDB 2 for
    batches by a name it no longer has.
    """
    engine._run_pre_execute_hooks(rows)
    return engine.con.sql(engine.compile(rows)).to_arrow_reader(ROWS_A_BATCH)
