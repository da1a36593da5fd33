"""Rows on their way from PostgreSQL into the embedded engine: COPY's text out, typed columns in.

Every type has a text form, so no type can stop the reading: what the engine has no type for goes
on as text. A few megabytes are held at a time; the engine's temporary table spills to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from features.sql import name_of
from features.tables import Column

if TYPE_CHECKING:
    import pyarrow as pa

    from features.engines import Embedded

CHUNK = 8 * 2**20
"""Bytes of rows that are held at a time, on their way into the engine."""
CHUNK_VIEW = "arriving_rows"

_TYPES = {
    16: "BOOLEAN",
    20: "BIGINT",
    21: "SMALLINT",
    23: "INTEGER",
    700: "FLOAT",
    701: "DOUBLE",
    1082: "DATE",
    1114: "TIMESTAMP",
    1184: "TIMESTAMPTZ",
}
"""By PostgreSQL's type id, the engine's type; a domain has the id of what it is made of."""
_NUMERIC, _PADDED = 1700, 1042
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")


@dataclass(frozen=True)
class Carried:
    """A column on its way: its name, its type in the engine, and what its text form needs."""

    name: str
    kind: str
    padded: bool = False
    still_open: bool = False

    def parsed(self, text: str) -> str:
        """SQL that makes a value of its text form."""
        if self.still_open:
            text = f"nullif({text}, 'infinity')"
        if self.padded:
            text = f"rtrim({text}, ' ')"
        return text if self.kind == "VARCHAR" else f"CAST({text} AS {self.kind})"

    def no_calendar_holds(self, text: str) -> str:
        """SQL that is true for infinity, years after 9999 and years before Christ."""
        if self.still_open:
            text = f"nullif({text}, 'infinity')"
        return f"coalesce(bool_or({text}[5] <> '-' OR suffix({text}, 'BC')), false)"


def carried(described: Any, declared: Column | None) -> Carried:
    """How a column travels that the server described; ``declared`` says what it is for us."""
    kind = _TYPES.get(described.type_code, "VARCHAR")
    if described.type_code == _NUMERIC and not (declared and declared.kind in ("id", "text")):
        # As in a Parquet file: amounts become floating-point numbers, ids stay exact.
        kind = "DOUBLE"
    return Carried(
        described.name,
        kind,
        padded=described.type_code == _PADDED,
        still_open=kind in _TIMES and declared is not None and declared.open_ended,
    )


def told_apart(columns: Sequence[Carried]) -> list[Carried]:
    """The engine takes ``Plan`` and ``plan`` for the same name: a later one gets a number."""
    taken: set[str] = set()
    named = []
    for column in columns:
        name, number = column.name, 0
        while name.lower() in taken:
            number += 1
            name = f"{column.name}_{number}"
        taken.add(name.lower())
        named.append(replace(column, name=name))
    return named


def streamed(connection: Any, query: str) -> Iterator[bytearray]:
    """The rows of a query as CSV, a few megabytes at a time; a row is never torn."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as rows,
    ):
        chunk = bytearray()
        for row in rows:
            # Copied at once: the driver's memory would be kept for each of the rows.
            chunk += row
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = bytearray()
        if chunk:
            yield chunk


def as_text(chunk: bytearray, columns: int) -> pa.Table:
    """The columns c0, c1 … as text; PostgreSQL quotes an empty text, and no null."""
    import pyarrow as pa
    from pyarrow import csv

    names = [f"c{i}" for i in range(columns)]
    return csv.read_csv(
        pa.py_buffer(chunk),
        # One block: no row is too long for it.
        csv.ReadOptions(column_names=names, block_size=len(chunk) + 1),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


class Target:
    """A temporary table of the engine that takes the rows in."""

    def __init__(self, engine: Embedded, name: str, columns: Sequence[Carried]) -> None:
        self.engine = engine
        self.name = name
        self.columns = list(columns)
        kinds = ", ".join(f"{name_of(column.name)} {column.kind}" for column in self.columns)
        engine.raw_sql(f"CREATE TEMP TABLE {name_of(name)} ({kinds})")

    def add(self, chunk: bytearray) -> None:
        """Append the rows of a piece of CSV."""
        self.engine.con.register(CHUNK_VIEW, as_text(chunk, len(self.columns)))
        self._keep_what_no_calendar_holds()
        values = ", ".join(column.parsed(f"c{i}") for i, column in enumerate(self.columns))
        self.engine.raw_sql(f"INSERT INTO {name_of(self.name)} SELECT {values} FROM {CHUNK_VIEW}")
        self.engine.con.unregister(CHUNK_VIEW)

    def _keep_what_no_calendar_holds(self) -> None:
        """A column with an infinite moment goes on as text: its other rows are good."""
        times = [(i, column) for i, column in enumerate(self.columns) if column.kind in _TIMES]
        if not times:
            return
        odd = ", ".join(column.no_calendar_holds(f"c{i}") for i, column in times)
        found = self.engine.raw_sql(f"SELECT {odd} FROM {CHUNK_VIEW}").fetchone()
        for (i, column), is_odd in zip(times, found, strict=True):
            if is_odd:
                self.columns[i] = self._as_text_from_now_on(column)

    def _as_text_from_now_on(self, column: Carried) -> Carried:
        name = name_of(column.name)
        text = f"CAST({name} AS VARCHAR)"
        if column.kind == "TIMESTAMPTZ":
            text = f"CAST({name} AT TIME ZONE 'UTC' AS VARCHAR) || '+00'"
        self.engine.raw_sql(
            f"ALTER TABLE {name_of(self.name)} ALTER COLUMN {name} TYPE VARCHAR USING {text}"
        )
        return replace(column, kind="VARCHAR")
