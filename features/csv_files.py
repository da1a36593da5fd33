"""CSV files as tables of text: the engine reads them strictly, so that no line is lost unnoticed.

Every cell stays text here, so that one bad cell cannot stop the reading; `contract` gives cells
their types. Nothing is guessed but the separator, which the header shows. A line that has not the
columns of the header, or a quote that never closes, makes all that follows doubtful: such a file
is refused, with its lines.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import ContractBroken
from features.sql import name_of, path_of, text_of

if TYPE_CHECKING:
    from features.engines import Embedded

ENDINGS = (".csv", ".csv.gz")
SEPARATORS = ",;\t|"
ENCODING_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
LONGEST_HEADER = 1_000_000
FAULTS = {
    "TOO MANY COLUMNS": "more values than the header has columns",
    "MISSING COLUMNS": "fewer values than the header has columns",
    "UNQUOTED VALUE": "a quote that does not close",
    "LINE SIZE OVER MAXIMUM": "a line of more than two million characters",
}


def query_of(table: str, file: Path, constants: Mapping[str, str]) -> str:
    """The SQL that reads a file as text, with further columns of one value each.

    Raises
    ------
    ContractBroken
        When the file has no usable header.
    """
    columns, separator = _header(table, file)
    added = "".join(f", {text_of(v)} AS {name_of(k)}" for k, v in constants.items())
    # As with Parquet, a folder has the last word.
    folders = {key.lower() for key in constants}
    doubled = [name_of(column) for column in columns if column.lower() in folders]
    without = f" EXCLUDE ({', '.join(doubled)})" if doubled else ""
    return f"SELECT *{without}{added} FROM {_reading(file, columns, separator)}"


def explained(engine: Embedded, table: str, files: Sequence[Path], error: str) -> ContractBroken:
    """Why the engine could not read these files: how many lines of which, and three of them."""
    if "not utf-8" in error:
        return _not_utf8(table, files, error)
    for file in files:
        faults, count = _faulty_lines(engine, table, file)
        if faults:
            examples = [
                f"line {line} ({FAULTS.get(why, why)}): {text}" for line, why, text in faults
            ]
            return ContractBroken(
                f"The table {table} cannot be read: {count:,} of its lines "
                "have not the columns of the header.",
                where=str(file),
                value=" | ".join(examples),
                allowed="CSV with as many values in every line as in the header, and text with "
                'separators or line breaks in double quotes ("" for one inside)',
                fix=f"correct line {faults[0][0]} and those after it, or write the file again",
            )
    return ContractBroken(
        f"The table {table} cannot be read.",
        where=places(files),
        value=error.splitlines()[0],
        allowed="a CSV file with a header",
        fix="write the file again, with one kind of line break throughout",
    )


def _reading(file: Path, columns: Sequence[str], separator: str, more: str = "") -> str:
    typed = ", ".join(f"{text_of(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({path_of(file)}, auto_detect = false, header = true, "
        f"delim = {text_of(separator)}, quote = '\"', escape = '\"', strict_mode = true, "
        # `query_of` adds what the folders say; the engine would add it once more.
        "hive_partitioning = false, "
        f"columns = {{{typed}}}{more})"
    )


def _header(table: str, file: Path) -> tuple[list[str], str]:
    """The columns that the first line names, and what separates them."""
    line = _first_line(table, file)
    try:
        separator = max(SEPARATORS, key=lambda mark: len(_split(line, mark)))
    except csv.Error as error:
        raise _unreadable(table, file, str(error), "begin it with a header") from None
    columns = [column.strip() for column in _split(line, separator)]
    repeated = sorted({c for c in columns if [x.lower() for x in columns].count(c.lower()) > 1})
    if repeated or "" in columns:
        raise ContractBroken(
            f"The table {table} cannot be read: "
            + (f"two columns are called {repeated[0]!r}." if repeated else "a column has no name."),
            where=f"{file}, line 1",
            value=line,
            allowed="a header in which every column has a name of its own",
            fix="name the columns in the first line",
        )
    return columns, separator


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _first_line(table: str, file: Path) -> str:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            start = opened.read(LONGEST_HEADER)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(table, file, f"{error}", "write the file again") from None
    mark = ENCODING_MARKS.get(start[:2])
    if mark or b"\x00" in start[:1000]:
        raise _unreadable(table, file, f"it is {mark or 'no text'}", "save it as UTF-8 text")
    try:
        line = next(io.StringIO(start.decode("utf-8-sig"), newline=None), "").rstrip("\n")
    except UnicodeDecodeError as error:
        # A fault further down is found by the engine, with its line.
        readable = start[: error.start].decode("utf-8-sig")
        if "\n" not in readable:
            raise _not_utf8(table, [file], f"line 1: {start[:80]!r}") from None
        line = readable.splitlines()[0]
    if not line.strip():
        raise _unreadable(table, file, "its first line is empty", "begin it with a header")
    return line


def _unreadable(table: str, file: Path, why: str, fix: str) -> ContractBroken:
    return ContractBroken(
        f"The table {table} cannot be read: {why}.",
        where=str(file),
        allowed="UTF-8 text whose first line names the columns",
        fix=fix,
    )


def _not_utf8(table: str, files: Sequence[Path], error: str) -> ContractBroken:
    first = error.splitlines()[0].removeprefix("Invalid Input Error: ")
    return ContractBroken(
        f"The table {table} cannot be read: it is not UTF-8.",
        where=places(files),
        value=first,
        allowed="UTF-8 text",
        fix="convert it, for instance with: iconv -f WINDOWS-1252 -t UTF-8 OLD.csv > NEW.csv",
    )


def _faulty_lines(
    engine: Embedded, table: str, file: Path
) -> tuple[list[tuple[int, str, str]], int]:
    """The first three lines that cannot be read (number, fault, text), and how many there are."""
    import duckdb

    columns, separator = _header(table, file)
    reading = _reading(file, columns, separator, ", store_rejects = true, rejects_limit = 0")
    try:
        engine.raw_sql(f"SELECT count(*) FROM {reading}").fetchall()
    except duckdb.Error:
        return [], 0
    found = engine.raw_sql(
        "SELECT line, first(error_type::VARCHAR ORDER BY error_type::VARCHAR), "
        "first(left(csv_line, 80) ORDER BY csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line LIMIT 3"
    ).fetchall()
    counted = engine.raw_sql("SELECT count(DISTINCT line) FROM reject_errors").fetchall()
    engine.raw_sql("DROP TABLE reject_errors; DROP TABLE reject_scans")
    lines = [(line, why, text.splitlines()[0] if text else "") for line, why, text in found]
    return lines, counted[0][0]


def places(files: Sequence[Path]) -> str:
    """Where files lie, for a message."""
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
