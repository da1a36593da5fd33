"""Rows on their way from the engine to their chunk of customers; on disk where memory is short.

Each batch is put in the order of the chunks as it comes, so that a chunk is a slice of every batch.
What does not fit in the budget is written to a temporary file, by chunk, and read back when the
chunk's turn comes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from features import kernels
from features.arrays import no_rows
from features.tables import CUSTOMER

PARTS = 4
"""A table's chunks are kept in so many parts, each of which is let go when its chunks are done."""


class Budget:
    """How many bytes of rows may wait in memory, all tables together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class Shuffle:
    """The rows of a table by chunk: customers ``[n * size, (n + 1) * size)`` are chunk n.

    The size is a power of two.

    Every chunk has a batch, if an empty one, so that its columns are known. Chunks are asked for in
    their order.
    """

    def __init__(self, schema: Any, *, size: int, chunks: int, budget: Budget) -> None:
        if size & (size - 1):
            raise ValueError(f"{size} customers to a chunk are no power of two")
        self._schema = schema
        self._bits, self._chunks, self._budget = size.bit_length() - 1, chunks, budget
        self._per_part = max(1, -(-chunks // PARTS))
        self._waiting: list[list[tuple[Any, np.ndarray]]] = [[] for _ in range(PARTS)]
        self._bytes = 0
        self._spilled: list[tuple[Any, np.ndarray]] = []
        self._files = ExitStack()

    def fill(self, batches: Iterable[Any]) -> None:
        """Take the rows of an engine's answer, whose types may be others than those declared."""
        for batch in batches:
            self._schema = batch.schema
            if len(batch):
                self._add(batch)

    def chunk(self, number: int) -> Iterator[Any]:
        """The rows of a chunk, in batches."""
        for reader, places in self._spilled:
            for place in range(places[number], places[number + 1]):
                yield reader.get_batch(place)
        yield from self._slices(number)
        yield no_rows(self._schema)

    def done_before(self, number: int) -> bool:
        """Let go of the parts whose chunks all come before this one; whether there were any."""
        done = [part for part in self._waiting[: number // self._per_part] if part]
        for part in done:
            part.clear()
        return bool(done)

    def _slices(self, number: int) -> Iterator[Any]:
        part, place = divmod(number, self._per_part)
        for batch, starts in self._waiting[part]:
            if starts[place + 1] > starts[place]:
                yield batch.slice(starts[place], starts[place + 1] - starts[place])

    def close(self) -> None:
        """Let go of the rows, and of the file."""
        for part in self._waiting:
            part.clear()
        self._spilled.clear()
        self._budget.used -= self._bytes
        self._bytes = 0
        self._files.close()

    def _add(self, batch: Any) -> None:
        customer = batch.column(batch.schema.get_field_index(CUSTOMER)).to_numpy()
        if customer.min() < 0 or customer.max() >= self._chunks << self._bits:
            raise ValueError(f"a customer beyond {self._chunks} chunks")
        starts = np.empty(self._chunks + 1, dtype=np.int64)
        order = kernels.order_by_chunk(customer, self._bits, starts)
        for part, waiting in enumerate(self._waiting):
            bounds = starts[part * self._per_part : (part + 1) * self._per_part + 1]
            if len(bounds) and bounds[-1] > bounds[0]:
                waiting.append((_taken(batch, order[bounds[0] : bounds[-1]]), bounds - bounds[0]))
        self._bytes += batch.nbytes
        self._budget.used += batch.nbytes
        if self._budget.used > self._budget.limit:
            self._spill()

    def _spill(self) -> None:
        """Write what waits to a file: a batch for each chunk that has rows."""
        import pyarrow as pa

        folder = Path(self._files.enter_context(tempfile.TemporaryDirectory(prefix="churn-risk-")))
        written = np.zeros(self._chunks + 1, dtype=np.int64)
        schema = next(part for part in self._waiting if part)[0][0].schema
        with (
            pa.OSFile(str(folder / "rows.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, schema) as writer,
        ):
            for number in range(self._chunks):
                rows = list(self._slices(number))
                if rows:
                    writer.write_batch(pa.concat_batches(rows))
                written[number + 1] = written[number] + bool(rows)
        file = self._files.enter_context(pa.OSFile(str(folder / "rows.arrow"), "rb"))
        self._spilled.append((pa.ipc.open_file(file), written))
        for part in self._waiting:
            part.clear()
        self._budget.used -= self._bytes
        self._bytes = 0


def _taken(batch: Any, rows: np.ndarray) -> Any:
    """Some of the rows; in plain loops where these will do, as they are several times faster."""
    import pyarrow as pa

    columns, places = [], None
    for column in batch.columns:
        kind = column.type
        if not _is_plain(column):
            places = pa.array(rows) if places is None else places
            columns.append(column.take(places))
            continue
        raw = np.frombuffer(column.buffers()[1], dtype=f"i{kind.bit_width // 8}")
        found = kernels.taken(raw[column.offset : column.offset + len(column)], rows)
        columns.append(pa.Array.from_buffers(kind, len(found), [None, pa.py_buffer(found)]))
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _is_plain(column: Any) -> bool:
    """Whether a column is numbers or moments, all of them there."""
    import pyarrow as pa

    kind = column.type
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return not column.null_count and (numbers or pa.types.is_timestamp(kind))
