"""Where histories lie: Parquet or CSV files, a DuckDB file or PostgreSQL, read through Ibis.

The result is a raw table expression for each input table that is there. CSV cells stay text here,
so that one bad cell cannot stop the reading; `contract` gives them their types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features import postgres, redaction
from features.errors import ContractBroken, UsageError
from features.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

FILE_ENDINGS = (".parquet", ".csv", ".csv.gz")
DUCKDB_URL = "duckdb:///"


@dataclass(frozen=True)
class Source:
    """What a config says about the histories.

    Parameters
    ----------
    location
        A folder, ``duckdb:///file.db``, or ``postgresql://…``; show it as `shown` only.
    base
        The folder that a relative location starts at.
    tables
        For a table that has another name or place: its file, glob or database table.
    columns
        By table, for columns that have other names: ours to theirs.
    timezone
        In which naive timestamps are read, and in which days begin.
    memory_limit
        For the engine, such as ``"4GB"``; None leaves the engine's own default.
    """

    location: str = field(repr=False)
    base: Path = field(default_factory=Path)
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    timezone: str = "UTC"
    memory_limit: str | None = None

    @property
    def folder(self) -> Path:
        return (self.base / self.location).resolve()

    @property
    def shown(self) -> str:
        """The location as it may be told: without a password."""
        return redaction.shown(self.location)


@dataclass(frozen=True)
class RawTable:
    """An input table as it lies there: its expression, and where it was found."""

    rows: ibis.Table
    where: str


def connect(source: Source) -> Backend:
    """An embedded DuckDB whose clock is in the source's time zone."""
    import ibis

    engine = ibis.duckdb.connect()
    engine.raw_sql(f"SET TimeZone = {_quoted(source.timezone)}")
    engine.raw_sql("SET preserve_insertion_order = true")
    if source.memory_limit:
        engine.raw_sql(f"SET memory_limit = {_quoted(source.memory_limit)}")
    return engine


def read(engine: Backend, source: Source) -> dict[str, RawTable]:
    """Every input table that the source holds, by name, with its foreign column names mapped."""
    found = _finder(source.location)(engine, source)
    if not found:
        raise ContractBroken(
            "There is no input table here.",
            where=source.shown,
            allowed="files such as " + ", ".join(f"{name}.parquet" for name in TABLES),
            fix="name the files in [data.tables], or simulate demo histories with: "
            "churn simulate FOLDER --customers 2000 --months 18 --seed 7",
        )
    return {name: _renamed(name, *found[name], source.columns.get(name, {})) for name in found}


def _finder(location: str) -> Callable[..., dict[str, tuple[ibis.Table, str]]]:
    if location.startswith(postgres.URLS):
        return postgres.read_tables
    return _in_database if "://" in location else _in_folder


def _in_folder(engine: Backend, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    if not source.folder.is_dir():
        raise UsageError(
            "The folder with the histories does not exist.",
            where="[data] source",
            value=source.location,
            allowed="a folder with <table>.parquet or <table>.csv files, or duckdb:///FILE",
            fix=f"correct it (relative paths start at {source.base}), or simulate demo "
            f"histories with: churn simulate {source.location} --customers 2000 --months 18 "
            "--seed 7",
        )
    found = {}
    for name in TABLES:
        pattern = source.tables.get(name)
        files = _files(source.folder, name, pattern)
        if files:
            found[name] = (_read_files(engine, name, files), _places(files))
        elif pattern:
            raise UsageError(
                f"No file matches what the config names for the table {name}.",
                where=f"[data.tables] {name}",
                value=pattern,
                allowed=f"a file or glob below {source.folder}",
                fix="correct the name, or remove the line",
            )
    return found


def _files(folder: Path, name: str, pattern: str | None) -> list[Path]:
    """The files of a table in a stable order."""
    if pattern is None:
        parts = folder / f"{name}.parquet"
        if parts.is_dir():
            return sorted(file for file in parts.rglob("*.parquet") if file.is_file())
        candidates = [folder / f"{name}{ending}" for ending in FILE_ENDINGS]
        return [file for file in candidates if file.is_file()][:1]
    if Path(pattern).is_absolute():
        folder, pattern = Path(Path(pattern).anchor), str(Path(pattern).relative_to("/"))
    try:
        return sorted(file for file in folder.glob(pattern) if file.is_file())
    except ValueError as error:
        raise UsageError(
            f"This is no file name or glob: {error}.",
            where=f"[data.tables] {name}",
            value=repr(pattern),
            allowed='such as "events.parquet" or "events/*.parquet"',
            fix="correct it",
        ) from None


def _places(files: list[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _read_files(engine: Backend, name: str, files: list[Path]) -> ibis.Table:
    import duckdb

    # The files are read through our own SQL: Ibis sniffs the types of CSV columns.
    listed = "[" + ", ".join(_quoted(str(file)) for file in files) + "]"
    if all(file.suffix == ".parquet" for file in files):
        query = f"SELECT * FROM read_parquet({listed}, union_by_name = true)"
        keep = "VIEW"
    else:
        query = (
            f"SELECT * FROM read_csv({listed}, header = true, skip = 0, all_varchar = true, "
            "union_by_name = true, sample_size = -1)"
        )
        keep = "TABLE"
    try:
        engine.raw_sql(f'CREATE TEMP {keep} "raw_{name}" AS {query}')
        rows = engine.table(f"raw_{name}")
    except duckdb.Error as error:
        raise _unreadable(name, _places(files), str(error)) from None
    if len(rows.columns) == 1 and any(mark in rows.columns[0] for mark in ",;|\t"):
        # The engine takes lines of different lengths for lines without any columns.
        raise _unreadable(name, _places(files), "not every row has the columns of the header")
    return rows


def _in_database(engine: Backend, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    import duckdb

    if not source.location.startswith(DUCKDB_URL):
        raise UsageError(
            "This kind of database is not supported.",
            where="[data] source",
            value=source.location.split("://")[0] + "://…",
            allowed="a folder, duckdb:///FILE, or postgresql://USER@HOST:5432/DATABASE",
            fix="export the tables to Parquet",
        )
    file = source.base / source.location.removeprefix(DUCKDB_URL)
    if not file.is_file():
        raise UsageError(
            "The database file does not exist.",
            where="[data] source",
            value=source.location,
            allowed="a DuckDB file; relative paths start at the config's folder",
            fix="correct the path",
        )
    try:
        engine.raw_sql(f"ATTACH {_quoted(str(file))} AS source (READ_ONLY)")
        listed = (
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_catalog = 'source' AND table_schema = 'main'"
        )
        present = {name for (name,) in engine.raw_sql(listed).fetchall()}
        found = {}
        for name in TABLES:
            theirs = source.tables.get(name, name)
            if theirs in present:
                table = engine.table(theirs, database=("source", "main"))
                found[name] = (table, f"{source.location}, table {theirs}")
            elif name in source.tables:
                raise UsageError(
                    f"No table is what the config names for the table {name}.",
                    where=f"[data.tables] {name}",
                    value=theirs,
                    allowed=", ".join(sorted(present)),
                    fix="correct the name, or remove the line",
                )
    except duckdb.Error as error:
        raise _unreadable("source", str(file), str(error)) from None
    return found


def _renamed(name: str, rows: ibis.Table, where: str, columns: Mapping[str, str]) -> RawTable:
    """The table with its mapped columns under our names."""
    for ours, theirs in columns.items():
        if theirs not in rows.columns:
            raise UsageError(
                f"The config maps {name}.{ours} to a column that is not there.",
                where=f"[data.columns.{name}] {ours}; {where}",
                value=theirs,
                allowed=", ".join(rows.columns),
                fix="correct the name",
            )
    taken = set(columns.values())
    kept = {c: c for c in rows.columns if c not in taken and c not in columns}
    order = {**dict(columns), **kept}
    selected = {ours: _readable(rows[theirs]) for ours, theirs in order.items()}
    return RawTable(rows.select(**selected), where)


def _readable(column: ir.Column) -> ir.Column:
    """A column without any value has no type in Parquet: it is text without any value here."""
    return column.cast("string") if column.type().is_unknown() else column


def _unreadable(name: str, where: str, error: str) -> ContractBroken:
    return ContractBroken(
        f"The table {name} cannot be read.",
        where=where,
        value=error.splitlines()[0],
        allowed="a valid Parquet file, or a CSV file with a header",
        fix="write the file again, or correct the row that is named",
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
