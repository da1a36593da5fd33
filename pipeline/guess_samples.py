"""What the columns of files hold: read with the engine, from a spread sample, never as a whole.

Every name of a file or column is quoted: names come from outside and may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from features.sql import name_of
from pipeline.guess_files import FileGroup

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLED_ROWS = 20_000
SEARCHED_ROWS = 3_000_000
"""A sample is spread over this many first rows; figures over time are taken from all rows."""
COLUMNS_AT_ONCE = 40
FORM_ROWS = 500
"""Values that are looked at for the form of a date."""

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
UNREADABLE_DATES = {
    "%Y%m%d": "yyyymmdd",
    "%d-%m-%Y": "dd-mm-yyyy",
    "%d/%m/%Y": "dd/mm/yyyy",
    "%d.%m.%Y": "dd.mm.yyyy",
    "%m/%d/%Y": "mm/dd/yyyy",
    "%m-%d-%Y": "mm-dd-yyyy",
    "%d-%m-%Y %H:%M": "dd-mm-yyyy hh:mm",
    "%d/%m/%Y %H:%M": "dd/mm/yyyy hh:mm",
    "%d.%m.%Y %H:%M": "dd.mm.yyyy hh:mm",
    "%m/%d/%Y %H:%M": "mm/dd/yyyy hh:mm",
    "%d/%m/%Y %H:%M:%S": "dd/mm/yyyy hh:mm:ss",
    "%m/%d/%Y %H:%M:%S": "mm/dd/yyyy hh:mm:ss",
    "%Y-%m-%d %H:%M:%S %z": "yyyy-mm-dd hh:mm:ss +hhmm",
    "%d %b %Y": "dd Mon yyyy",
    "%b %d, %Y": "Mon dd, yyyy",
    "%d-%b-%Y": "dd-Mon-yyyy",
    "%Y-%m": "yyyy-mm",
}
"""How people write dates that the contract does not read, by their `strptime` form."""


@dataclass(frozen=True)
class Column:
    """What a sample shows of a column.

    Counts of the sampled rows: with a value (``given``), with different values, with values that
    read as a time, a number, a whole number or a truth value.
    """

    name: str
    type: str
    sampled: int
    given: int
    distinct: int
    times: int
    numbers: int
    whole: int
    bools: int
    example: str | None

    @property
    def is_time(self) -> bool:
        return self.type.startswith(("TIMESTAMP", "DATE"))

    @property
    def is_number(self) -> bool:
        return self.type.lstrip("U").startswith(NUMBERS)

    @property
    def is_text(self) -> bool:
        return self.type.startswith(("VARCHAR", "ENUM", "UUID"))

    @property
    def filled(self) -> float:
        return self.given / self.sampled if self.sampled else 0.0


@dataclass
class Profile:
    """A group of files as the engine sees it: columns, a sample of rows, and the way to all."""

    group: FileGroup
    engine: DuckDBPyConnection
    sample: str
    types: dict[str, str]
    _date_forms: dict[str, str | None] = field(default_factory=dict)

    @property
    def rows_sql(self) -> str:
        """All rows, as the right side of a FROM."""
        return f"({self.group.query})"

    @cached_property
    def columns(self) -> dict[str, Column]:
        """By name, in the order of the files; nested columns are left out."""
        names = list(self.types)
        found: dict[str, Column] = {}
        for begin in range(0, len(names), COLUMNS_AT_ONCE):
            found |= self._described(names[begin : begin + COLUMNS_AT_ONCE])
        return found

    @property
    def sampled(self) -> int:
        return next(iter(self.columns.values())).sampled if self.columns else 0

    def _described(self, names: list[str]) -> dict[str, Column]:
        parts = [part for name in names for part in _measures(name, self.types[name])]
        row = self.fetch(f"SELECT count(*), {', '.join(parts)} FROM {self.sample}")[0]
        size = (len(row) - 1) // len(names)
        return {
            name: Column(name, self.types[name], row[0], *row[1 + i * size : 1 + (i + 1) * size])
            for i, name in enumerate(names)
        }

    def commonest(self, name: str, most: int) -> list[tuple[str, float]]:
        """The commonest values of a column with their shares, in lower case."""
        value = f"lower(trim(CAST({name_of(name)} AS VARCHAR)))"
        query = (
            f"SELECT {value} AS v, count(*) / sum(count(*)) OVER () FROM {self.sample} "
            f"WHERE {value} IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v LIMIT {most}"
        )
        return self.fetch(query)

    def date_form(self, name: str) -> str | None:
        """How a column writes its dates, where that is a form which the contract does not read."""
        if name not in self._date_forms:
            self._date_forms[name] = self._find_date_form(self.columns[name])
        return self._date_forms[name]

    def _find_date_form(self, column: Column) -> str | None:
        """The form that reads nearly all of the first values, where there is one."""
        name = column.name
        text = f"CAST({name_of(name)} AS VARCHAR)"
        if column.type.startswith(("FLOAT", "DOUBLE")):
            text = f"CAST(TRY_CAST({name_of(name)} AS BIGINT) AS VARCHAR)"
        found = [
            f"count(*) FILTER (WHERE year(try_strptime({text}, '{form}')) BETWEEN 1900 AND 2200)"
            for form in UNREADABLE_DATES
        ]
        number = f"TRY_CAST({name_of(name)} AS DOUBLE)"
        # 2001 to 2100, in seconds and in milliseconds since 1970.
        found += [
            f"count(*) FILTER (WHERE {number} BETWEEN {low} AND {low} * 4.1)" for low in (1e9, 1e12)
        ]
        values = f"{self.sample} WHERE {name_of(name)} IS NOT NULL LIMIT {FORM_ROWS}"
        query = f"SELECT count(*), {', '.join(found)} FROM (SELECT {name_of(name)} FROM {values})"
        given, *counts = self.fetch(query)[0]
        forms = (*UNREADABLE_DATES.values(), "seconds since 1970", "milliseconds since 1970")
        likely = max(range(len(forms)), key=lambda i: counts[i])
        return forms[likely] if given and counts[likely] >= 0.9 * given else None

    def fetch(self, query: str) -> list[Any]:
        return self.engine.execute(query).fetchall()


def columns_of(engine: DuckDBPyConnection, query: str) -> dict[str, str]:
    """The names and types of a query's columns."""
    return {name: kind for name, kind, *_ in engine.execute(f"DESCRIBE {query}").fetchall()}


def profile(engine: DuckDBPyConnection, group: FileGroup, number: int) -> Profile:
    """Sample a group of files.

    Raises
    ------
    duckdb.Error, UserError
        When the files cannot be read.
    """
    query = group.query
    types = {n: kind for n, kind in columns_of(engine, query).items() if not _is_nested(kind)}
    sample, searched = name_of(f"sample_{number}"), f"({query} LIMIT {SEARCHED_ROWS})"
    (rows,) = engine.execute(f"SELECT count(*) FROM {searched}").fetchall()[0]
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {sample} AS SELECT * EXCLUDE ({_NUMBER}) FROM "
        f"(SELECT *, row_number() OVER () AS {_NUMBER} FROM {searched}) "
        f"WHERE {_NUMBER} % {max(1, rows // SAMPLED_ROWS)} = 0"
    )
    return Profile(group, engine, sample, types)


_NUMBER = '"number of the row, for the sample"'


def _is_nested(kind: str) -> bool:
    return kind.startswith(("STRUCT", "MAP", "UNION", "BLOB", "BIT")) or kind.endswith("]")


def time_sql(name: str, kind: str) -> str:
    """A column as a naive timestamp, null where the contract cannot read it."""
    value = name_of(name)
    if kind.startswith(("VARCHAR", "ENUM")):
        value = f"TRY_CAST(CAST({value} AS VARCHAR) AS TIMESTAMPTZ)"
    elif not kind.startswith(("TIMESTAMP", "DATE")):
        return "CAST(NULL AS TIMESTAMP)"
    moment = f"TRY_CAST({value} AS TIMESTAMP)"
    return f"(CASE WHEN isfinite({moment}) THEN {moment} END)"


def id_sql(name: str, kind: str) -> str:
    """A column as the text of an id: 12.0 in one table is 12 in another."""
    value = name_of(name)
    if kind.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        return f"CAST(TRY_CAST({value} AS BIGINT) AS VARCHAR)"
    return f"nullif(CAST({value} AS VARCHAR), '')"


def _measures(name: str, kind: str) -> list[str]:
    """SQL for what `Column` counts."""
    value = name_of(name)
    text = f"nullif(trim(CAST({value} AS VARCHAR)), '')"
    number = f"TRY_CAST({text} AS DOUBLE)"
    return [
        f"count({text})",
        f"count(DISTINCT {text})",
        f"count({time_sql(name, kind)})",
        f"count(*) FILTER (WHERE isfinite({number}))",
        f"count(*) FILTER (WHERE isfinite({number}) AND {number} = floor({number}))",
        f"count(TRY_CAST({text} AS BOOLEAN))",
        f"min({text})",
    ]
