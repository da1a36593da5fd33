"""Where histories lie: a folder of Parquet or CSV files, a DuckDB file or a PostgreSQL database.

The result is a raw table expression for each input table that is there, under our column names.
Values stay as they were given; `contract` gives them their types.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features import csv_files, postgres, redaction
from features.engines import PLACE, Embedded, Engine, engine_named
from features.errors import ContractBroken, UsageError, UserError
from features.sql import path_of, text_of
from features.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir

FILE_ENDINGS = (".parquet", *csv_files.ENDINGS)
DUCKDB_URL = "duckdb:///"
DUCKDB_SCHEMA = "main"


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
        For a table that has another name or place: its file, folder, glob or database table. An
        empty text says that the table is not there, whatever is called so.
    columns
        By table, for columns that have other names: ours to theirs. An empty text says that the
        column is not there, whatever is called so.
    timezone
        In which naive timestamps are read, and in which days begin.
    memory_limit
        For the engine, such as ``"4GB"``; None leaves the engine's own default.
    engine
        Where histories are checked and vectors computed: duckdb, spark or postgresql.
    """

    location: str = field(repr=False)
    base: Path = field(default_factory=Path)
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    timezone: str = "UTC"
    memory_limit: str | None = None
    engine: str = "duckdb"

    @property
    def is_database(self) -> bool:
        return "://" in self.location

    @property
    def folder(self) -> Path:
        return (self.base / self.location).resolve()

    @property
    def shown(self) -> str:
        """The location as it may be told: without a password."""
        return redaction.shown(self.location)


@dataclass(frozen=True)
class RawTable:
    """An input table as it lies there: its expression, where it was found, and what is not read.

    ``ignored`` names the columns that no declaration knows.
    """

    rows: ibis.Table
    where: str
    ignored: tuple[str, ...] = ()


def connect(source: Source) -> Engine:
    """The engine that the config names, with its clock in the source's time zone.

    Raises
    ------
    UsageError
        When there is no such engine, it cannot work on this source, or is not installed.
    """
    name = engine_named(source.engine)
    if name == "spark":
        return _spark(source)
    if name == "postgresql":
        return _in_database(source)
    return Embedded(source.timezone, source.memory_limit)


def _spark(source: Source) -> Engine:
    if source.is_database:
        raise UsageError(
            "Spark reads folders of files here, no databases.",
            where="[data] engine",
            value=f"spark, with source = {source.shown}",
            allowed="a folder with <table>.parquet or <table>.csv files",
            fix='engine = "duckdb", which copies what it needs from a database, or '
            'engine = "postgresql" for what is in PostgreSQL',
        )
    from features.spark import Spark

    return Spark(source.timezone, source.memory_limit)


def _in_database(source: Source) -> Engine:
    if not source.location.startswith(postgres.URLS):
        raise UsageError(
            "The engine is a database, and the histories are not in it.",
            where="[data] engine",
            value=f"postgresql, with source = {source.shown}",
            allowed="source = postgresql://USER@HOST:5432/DATABASE with this engine",
            fix='engine = "duckdb", which reads folders and databases',
        )
    from features.postgres_engine import Postgres

    return Postgres(source)


def read(engine: Engine, source: Source) -> dict[str, RawTable]:
    """Every input table that the source holds, by name, with its foreign column names mapped."""
    found = _finder(engine, source.location)(engine, source)
    if not found:
        raise ContractBroken(
            "There is no input table here.",
            where=source.shown,
            value=", ".join(unused_files(source)[:10]) or None,
            allowed="files such as " + ", ".join(f"{name}.parquet" for name in TABLES),
            fix="name the files in [data.tables] (churn init guesses them), or simulate demo "
            "histories with: churn simulate FOLDER --customers 2000 --months 18 --seed 7",
        )
    return {name: _renamed(name, *found[name], source.columns.get(name, {})) for name in found}


def unused_files(source: Source) -> list[str]:
    """Files among the histories that look like tables and belong to none, in order of name."""
    if source.is_database or not source.folder.is_dir():
        return []
    used = {file for name in TABLES for file in files_of(source, name)}
    there = (
        file
        for file in source.folder.iterdir()
        if _is_table(file.name)
        # The simulator's truth is beside its histories, never in them.
        and file.name != "truth.parquet"
    )
    parts = {folder for file in used for folder in file.parents}
    return sorted(file.name for file in there if file not in used and file not in parts)


def near_table(file: str) -> str | None:
    """The input table whose name a file's name resembles."""
    stem = file.lower().split(".")[0]
    near = difflib.get_close_matches(stem, list(TABLES), n=1, cutoff=0.6)
    return near[0] if near else None


def _finder(engine: Engine, location: str) -> Callable[..., dict[str, tuple[ibis.Table, str]]]:
    if engine.name == "postgresql":
        from features import postgres_engine

        return postgres_engine.read_tables
    if location.startswith(postgres.URLS):
        return postgres.read_tables
    if location.startswith(DUCKDB_URL):
        return _in_duckdb
    return _unsupported if "://" in location else _in_folder


def _unsupported(engine: Embedded, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    raise UsageError(
        "This kind of database is not supported.",
        where="[data] source",
        value=source.location.split("://")[0] + "://…",
        allowed="a folder, duckdb:///FILE, or postgresql://USER@HOST:5432/DATABASE",
        fix="export the tables to Parquet",
    )


def _in_folder(engine: Engine, source: Source) -> dict[str, tuple[ibis.Table, str]]:
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
        files = files_of(source, name)
        if files:
            found[name] = (_read_files(engine, name, files, source.folder), csv_files.places(files))
        elif source.tables.get(name):
            raise UsageError(
                f"No file matches what the config names for the table {name}.",
                where=f"[data.tables] {name}",
                value=source.tables[name],
                allowed=f"a file, folder or glob below {source.folder}",
                fix="correct the name, or remove the line",
            )
    return found


def files_of(source: Source, name: str) -> list[Path]:
    """The files of a table in a stable order.

    Raises
    ------
    UsageError
        When there are several places for it, or what the config names is no glob.
    """
    if source.tables.get(name) == "":
        return []
    if name in source.tables:
        return _matching(source.folder, name, source.tables[name])
    wanted = {f"{name}{ending}" for ending in (*FILE_ENDINGS, "")}
    found = sorted(place for place in source.folder.iterdir() if place.name.lower() in wanted)
    places = [place for place in found if _parts(place)]
    if len(places) > 1:
        raise UsageError(
            f"There is more than one place for the table {name}.",
            where=str(source.folder),
            value=", ".join(place.name for place in places),
            allowed="one of them",
            fix=f'say which: [data.tables] {name} = "{places[0].name}"',
        )
    return _parts(places[0]) if places else []


def _matching(folder: Path, name: str, pattern: str) -> list[Path]:
    """The files that a name or glob of the config stands for, each once."""
    if (folder / pattern).exists():
        place = folder / pattern
        return [place] if place.is_file() else _parts(place)
    if Path(pattern).is_absolute():
        folder, pattern = Path(Path(pattern).anchor), str(Path(pattern).relative_to("/"))
    try:
        return sorted({part for place in folder.glob(pattern) for part in _parts(place)})
    except (ValueError, NotImplementedError) as error:
        raise UsageError(
            f"This is no file name or glob: {error}.",
            where=f"[data.tables] {name}",
            value=repr(pattern),
            allowed='such as "events.parquet" or "events/*.parquet"',
            fix="correct it",
        ) from None


def _parts(place: Path) -> list[Path]:
    """A table's file itself, or those below a folder, hidden ones aside."""
    if place.is_file():
        return [place] if _is_table(place.name) else []
    if not place.is_dir():
        return []
    return sorted(
        file
        for file in place.rglob("*")
        if file.is_file()
        and _is_table(file.name)
        and not any(part.startswith((".", "_")) for part in file.relative_to(place).parts)
    )


def _is_table(name: str) -> bool:
    return name.lower().endswith(FILE_ENDINGS) and not name.startswith((".", "_"))


def _read_files(engine: Engine, name: str, files: list[Path], folder: Path) -> ibis.Table:
    """Parquet stays in its files; CSV is read once, into a table of the engine's."""
    csvs = [file for file in files if _is_csv(file)]
    if isinstance(engine, Embedded):
        return _into_duckdb(engine, name, files, csvs, folder)
    from features import spark_files

    assert isinstance(engine, spark_files.Spark)
    parquets = [file for file in files if file not in csvs]
    texts = [csv_files.query_of(name, file, _partition(file, folder)) for file in csvs]
    constants = [_partition(file, folder) for file in parquets]
    try:
        return spark_files.read(
            engine,
            name,
            query_of(name, files, folder),
            texts,
            list(zip(parquets, constants, strict=True)),
        )
    except (*engine.failures, *engine.scratch.failures) as error:
        if csvs and not parquets:
            raise csv_files.explained(engine.scratch, name, csvs, said(error)) from None
        raise unreadable(name, csv_files.places(files), error) from None


def _into_duckdb(
    engine: Embedded, name: str, files: list[Path], csvs: list[Path], folder: Path
) -> ibis.Table:
    import duckdb

    keep = "TABLE" if csvs else "VIEW"
    query = query_of(name, files, folder)
    try:
        engine.raw_sql(f'CREATE TEMP {keep} "raw_{name}" AS {query}')
        return engine.table(f"raw_{name}")
    except duckdb.Error as error:
        if csvs and not isinstance(error, duckdb.OutOfMemoryException):
            raise csv_files.explained(engine, name, csvs, str(error)) from None
        raise unreadable(name, csv_files.places(files), error) from None


def query_of(name: str, files: list[Path], folder: Path) -> str:
    """The SQL that reads the files of a table below a folder: Parquet as it is, CSV as text.

    Raises
    ------
    ContractBroken
        When a CSV file has no usable header.
    """
    csvs = [file for file in files if _is_csv(file)]
    parquets = [file for file in files if not _is_csv(file)]
    # The files are read through our own SQL: Ibis sniffs the types of CSV columns.
    queries = [csv_files.query_of(name, file, _partition(file, folder)) for file in csvs]
    if parquets:
        queries.append(_parquet(parquets, folder))
    return " UNION ALL BY NAME ".join(queries)


def _is_csv(file: Path) -> bool:
    return file.name.lower().endswith(csv_files.ENDINGS)


def _parquet(files: list[Path], folder: Path) -> str:
    """Parquet files, with what the folders below the source say of them."""
    hive = any(_partition(file, folder) for file in files)
    listed = ", ".join(path_of(file) for file in files)
    return (
        f"SELECT * FROM read_parquet([{listed}], union_by_name = true, binary_as_string = true, "
        f"hive_partitioning = {str(hive).lower()}, hive_types_autocast = false)"
    )


def _partition(file: Path, folder: Path) -> dict[str, str]:
    """What the folders above a file say of all its rows: ``month=2026-01/`` (Hive's way)."""
    try:
        above = file.relative_to(folder).parts[:-1]
    except ValueError:
        above = file.parts[:-1]
    return dict(part.split("=", 1) for part in above if part.count("=") == 1)


def _in_duckdb(engine: Embedded, source: Source) -> dict[str, tuple[ibis.Table, str]]:
    import duckdb
    from ibis.common.exceptions import TableNotFound

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
        engine.raw_sql(f"ATTACH {text_of(str(file))} AS source (READ_ONLY)")
        listed = (
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_catalog = 'source' ORDER BY table_schema, table_name"
        )
        present = [tuple(row) for row in engine.raw_sql(listed).fetchall()]
    except duckdb.Error as error:
        raise ContractBroken(
            "The DuckDB file cannot be read.",
            where=str(file),
            value=str(error).splitlines()[0],
            allowed="a DuckDB database that no other program has open for writing",
            fix="close the other program, or correct [data] source; a folder of files is named "
            "as it is, without duckdb:///",
        ) from None
    found = {}
    for name, (schema, table) in _chosen(source, present).items():
        where = f"{source.location}, table {table}"
        try:
            found[name] = (engine.table(table, database=("source", schema)), where)
        except (duckdb.Error, TableNotFound) as error:
            # Such as a view of something that is there no more.
            raise unreadable(name, where, error) from None
    return found


def _chosen(source: Source, present: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Which schema and table of a database is which input table.

    Raises
    ------
    UsageError
        When a table that the config names is not there.
    """
    there = list(present)
    found = {}
    for name in TABLES:
        theirs = source.tables.get(name, name)
        if not theirs:
            continue
        schema, _, table = theirs.rpartition(".")
        candidates = [(schema, table), (DUCKDB_SCHEMA, theirs)]
        match = next((candidate for candidate in candidates if candidate in there), None)
        if match:
            found[name] = match
        elif name in source.tables:
            shown = [t if s == DUCKDB_SCHEMA else f"{s}.{t}" for s, t in there]
            raise UsageError(
                f"No table is what the config names for the table {name}.",
                where=f"[data.tables] {name}",
                value=theirs,
                allowed=", ".join(sorted(shown)[:20]) or "none: the database holds no table",
                fix="correct the name, or remove the line",
            )
    return found


def _renamed(name: str, rows: ibis.Table, where: str, columns: Mapping[str, str]) -> RawTable:
    """The table with its mapped columns under our names."""
    for ours, theirs in columns.items():
        if theirs and theirs not in rows.columns:
            near = difflib.get_close_matches(theirs, rows.columns, n=1)
            raise UsageError(
                f"The config maps {name}.{ours} to a column that is not there.",
                where=f"[data.columns.{name}] {ours}; {where}",
                value=theirs,
                allowed=shortened(rows.columns),
                fix=f"did you mean {near[0]!r}?" if near else "correct the name",
            )
    mapped = {ours: theirs for ours, theirs in columns.items() if theirs}
    taken, named = set(mapped.values()), {ours.lower() for ours in columns}
    # The engine takes names that differ in case only for the same.
    kept = {c: c for c in rows.columns if c not in taken and c.lower() not in named}
    order = {**mapped, **kept}
    selected = {ours: _readable(rows[theirs]) for ours, theirs in order.items()}
    known = TABLES[name]
    ignored = tuple(
        column
        for column in selected
        if column != PLACE
        and not known.attributes
        and column != "subscription_id"
        and known.column(column) is None
    )
    return RawTable(rows.select(**selected), where, ignored)


def _readable(column: ir.Column) -> ir.Column:
    """Columns without any value, and text that Parquet calls bytes, are text here."""
    kind = column.type()
    return column.cast("string") if kind.is_unknown() or kind.is_binary() else column


def shortened(names: Iterable[str], most: int = 20) -> str:
    """A list of names for a message."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def said(error: Exception) -> str:
    """The line of an error that tells its cause: Spark's come with a page of calls around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if re.match(r"Caused by: |[\w.]*duckdb[\w.]*Error: ", line)]
    line = causes[-1] if causes else lines[0] if lines else type(error).__name__
    return re.sub(r"^(Caused by: )?([\w.$]+(Error|Exception): )?", "", line)


def unreadable(name: str, where: str, error: Exception) -> UserError:
    """What to say of a table that the engine cannot read."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        return UsageError(
            f"The memory does not suffice to read the table {name}.",
            where="[data] memory_limit",
            value=str(error).splitlines()[0],
            allowed="enough for the customers and their ids; events need little",
            fix="raise it",
        )
    return ContractBroken(
        f"The table {name} cannot be read.",
        where=where,
        value=said(error),
        allowed="a valid Parquet file with its texts in UTF-8, a CSV file with a header, or a "
        "table of a database",
        fix="write the file again",
    )
