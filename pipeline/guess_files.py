"""Which files of a folder belong together as one table, and the pattern that names them."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.sources import FILE_ENDINGS, Source, files_of, query_of
from pipeline.guess_words import names_a_table, plain_words, series_words

FOREIGN_ENDINGS = (".xlsx", ".xls", ".json", ".jsonl", ".ndjson", ".tsv", ".feather", ".avro")
NOT_DATA = frozenset(
    (
        *("out", "mlruns", "mlartifacts", "quarantine"),
        *("venv", "env", "node_modules", "site-packages", "__pycache__"),
    )
)
"""Folders that hold what we write, or programs."""
NOT_TABLES = frozenset({"truth.parquet"})
"""The answers of the demo histories: nobody knows such things of real customers."""
DEEPEST = 5
MOST_COMPARED = 40
SAME_TABLE = 0.6
"""Numbered files are parts of one table when they share at least this share of columns."""

ColumnsOf = Callable[[Path], "frozenset[str] | None"]


@dataclass(frozen=True)
class FileGroup:
    """Files that are one table.

    ``pattern`` is what the config calls them: a file, folder or glob below the searched folder
    that is exactly these files; ``names`` are the words that may tell which table it is: of the
    file, then of the folders it lies in.
    """

    folder: Path
    files: tuple[Path, ...]
    pattern: str
    names: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.files)

    @property
    def query(self) -> str:
        """The SQL that reads all rows, in the very way the histories are read."""
        return query_of(self.pattern, list(self.files), self.folder)


@dataclass(frozen=True)
class Listing:
    """The files of a folder: tables in a form we read, and those in a form we do not."""

    readable: tuple[Path, ...]
    foreign: tuple[Path, ...]


def list_files(folder: Path) -> Listing:
    """All files that could be tables, in a stable order; hidden ones and outputs are not looked at.

    Paths are relative to the folder.
    """
    readable, foreign = [], []
    for place, folders, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        deep = len(here.parts) + 1 >= DEEPEST
        folders[:] = [] if deep else sorted(f for f in folders if _is_data(Path(place) / f))
        for name in sorted(names):
            file = here / name
            if _is_hidden(name) or not (folder / file).is_file():
                continue
            if ending_of(file):
                readable.append(file)
            elif name.lower().endswith((*FOREIGN_ENDINGS, *FILE_ENDINGS)):
                foreign.append(file)
    return Listing(tuple(readable), tuple(foreign))


def _is_hidden(name: str) -> bool:
    """Not to be looked at; a name that is no text could not be written into a config."""
    return name.startswith((".", "_")) or name in NOT_TABLES or not name.isprintable()


def _is_data(folder: Path) -> bool:
    name = folder.name
    is_ours = name in NOT_DATA or (folder / "run.json").is_file()
    return not (_is_hidden(name) or is_ours or (folder / "pyvenv.cfg").is_file())


def ending_of(file: Path) -> str:
    """The ending of a file we read, or nothing."""
    return next((ending for ending in FILE_ENDINGS if file.name.endswith(ending)), "")


def group_files(folder: Path, files: Sequence[Path], columns_of: ColumnsOf) -> list[FileGroup]:
    """Files as tables: numbered or dated files and folders of parts are one table each."""
    by_name: dict[tuple, list[Path]] = defaultdict(list)
    for file in files:
        by_name[(_folders(file), series_words(_stem(file)), ending_of(file))].append(file)
    parts: list[list[Path]] = []
    for group in by_name.values():
        parts += _alike(group, columns_of)
    merged = _merge_in_folders(parts, columns_of)
    groups = [made for part in merged for made in _groups(folder, part)]
    return sorted(groups, key=lambda group: group.pattern)


def _stem(file: Path) -> str:
    return file.name.removesuffix(ending_of(file))


def _folders(file: Path) -> tuple[str, ...]:
    """The folders of a file; those that only number or date its parts are a star."""
    return tuple("*" if _is_partition(part) else part for part in file.parent.parts)


def _is_partition(folder: str) -> bool:
    return "=" in folder or not any(letter.isalpha() for letter in folder)


def _alike(group: list[Path], columns_of: ColumnsOf) -> list[list[Path]]:
    """One table where the files have most columns in common, otherwise each its own."""
    if len(group) == 1 or len(group) > MOST_COMPARED:
        return [group]
    # A broken part is a part all the same: it is told when the table is read.
    sets = [columns for file in group if (columns := columns_of(file))]
    if sets:
        common, every = frozenset.intersection(*sets), frozenset.union(*sets)
        if len(common) >= SAME_TABLE * len(every):
            return [group]
    return [[file] for file in group]


def _merge_in_folders(parts: list[list[Path]], columns_of: ColumnsOf) -> list[list[Path]]:
    """Files with the very same columns in a folder named after a table are that table."""
    merged: dict[tuple, list[Path]] = defaultdict(list)
    for number, part in enumerate(parts):
        folders = _folders(part[0])
        named = any(names_a_table(plain_words(_bare(name))) for name in folders)
        columns = columns_of(part[0]) if named else None
        merged[(folders, ending_of(part[0]), columns) if columns else (number,)] += part
    return [sorted(part) for part in merged.values()]


def _bare(folder: str) -> str:
    return folder.removesuffix(".parquet").removesuffix(".csv")


def _groups(folder: Path, part: list[Path]) -> list[FileGroup]:
    pattern = _pattern(folder, part)
    if pattern is None:
        return [made for file in part for made in _groups(folder, [file])]
    file = part[0]
    folders = [plain_words(_bare(name)) for name in reversed(_folders(file))]
    names = [_common_name(part), *folders]
    return [
        FileGroup(
            folder=folder,
            files=tuple(folder / file for file in part),
            pattern=pattern,
            names=tuple(name for name in names if name),
        )
    ]


def _common_name(part: list[Path]) -> tuple[str, ...]:
    """The words that tell the table, where the files agree on them."""
    names = {plain_words(_stem(file)) for file in part}
    return names.pop() if len(names) == 1 else ()


def _pattern(folder: Path, part: list[Path]) -> str | None:
    """What the config may call these files and no others, or None."""
    wanted = {folder / file for file in part}
    for pattern in _patterns(part):
        named = Source(str(folder), tables={"usage": pattern})
        if set(files_of(named, "usage")) == wanted:
            return pattern
    return None


def _patterns(part: list[Path]) -> Iterator[str]:
    """The folder of parts that lie in several ones below it; a glob."""
    places = {str(file.parent) for file in part}
    above = os.path.commonpath(places)
    if len(places) > 1 and above:
        yield glob.escape(Path(above).as_posix())
    for wildcard in ("*", "[0-9]*"):
        levels = zip(*(file.parts for file in part), strict=True)
        yield "/".join(_level(names, wildcard) for names in levels)


def _level(names: Iterable[str], wildcard: str) -> str:
    """One level of a path: what the names share, and a wildcard for the rest.

    Numbers belong to the rest as a whole, so that next month's file will match as well.
    """
    names = sorted(set(names))
    if len(names) == 1:
        return glob.escape(names[0])
    start = _shared_start(names).rstrip("0123456789")
    end = _shared_start([name[len(start) :][::-1] for name in names])[::-1]
    end = re.sub(r"^.*\d", "", end)
    return glob.escape(start) + wildcard + glob.escape(end)


def _shared_start(names: Sequence[str]) -> str:
    for place, letters in enumerate(zip(*names, strict=False)):
        if len(set(letters)) > 1:
            return names[0][:place]
    return min(names, key=len)
