"""`churn init`: looks at the files of a folder and writes a config that starts from them."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import ContractBroken, UsageError
from features.tables import TABLES
from pipeline import guess_samples as sampling
from pipeline.config import from_values
from pipeline.files import refuse_unwritable, whole_file
from pipeline.guess_churn import Churn, guess_churn
from pipeline.guess_counts import Account, Counted
from pipeline.guess_files import ENDINGS, FileGroup, group_files, list_files
from pipeline.guess_samples import Profile
from pipeline.guess_tables import Guess, LeftOut, Mapped, guess_tables
from pipeline.init_text import Draft, config_text, plain
from pipeline.progress import Progress, Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_GROUPS = 100
TOO_BAD = 0.3
"""A table that churn can be told without is left out when more of its rows than this are bad."""
ACCEPTED_BAD = 0.05
"""What the config accepts without a word."""


@dataclass(frozen=True)
class Initialised:
    """The config that was written, and what it was guessed from."""

    path: Path
    source: str
    tables: Mapping[str, Mapped]
    patterns: Mapping[str, str]
    accounts: Mapping[str, Account]
    churn: Churn
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "source": self.source,
            "tables": {
                name: {
                    "file": self.patterns[name],
                    "rows": self.accounts[name].rows,
                    "columns": dict(one.columns),
                }
                for name, one in self.tables.items()
            },
            "definition": self.churn.kind,
            "churn": self.churn.as_json(),
            "notes": list(self.notes),
        }


def init(folder: Path | None, config: Path, progress: Progress, *, force: bool) -> Initialised:
    """Guess tables, columns and churn from the files in a folder, and write a config.

    Raises
    ------
    UsageError
        When the folder is not there, or the config is already.
    ContractBroken
        When no file could be a table, or nothing tells who leaves.
    """
    _refuse_existing(config, force=force)
    searched = _searched(folder)
    import duckdb

    with progress.stage("looking at the files") as stage:
        engine = sampling.connect()
        try:
            draft, notes = _draft(engine, searched, config, stage)
            text = config_text(draft)
        except duckdb.Error as error:
            raise _unreadable(searched, error) from None
        finally:
            engine.close()
    # What does not load would be a fault of ours: it must not be written.
    from_values(tomllib.loads(text), config)
    for note in notes:
        progress.warn(plain(note))
    with whole_file(config) as file:
        file.write_text(text, encoding="utf-8", newline="\n")
    return Initialised(
        path=config,
        source=draft.source,
        tables=draft.tables,
        patterns=draft.patterns,
        accounts=draft.accounts,
        churn=draft.churn,
        notes=tuple(notes),
    )


def _refuse_existing(config: Path, *, force: bool) -> None:
    if config.is_dir() or (config.exists() and not force):
        raise UsageError(
            "The config is there already; it is never overwritten unasked.",
            where=str(config),
            allowed="a file that does not exist yet",
            fix="name another one with --config FILE, or replace it with --force",
        )
    refuse_unwritable(config.parent)


def _searched(folder: Path | None) -> Path:
    if folder is None:
        return Path("data") if Path("data").is_dir() else Path()
    if folder.is_dir():
        return folder
    what = "a file, not a folder" if folder.exists() else "not there"
    raise UsageError(
        f"The folder to look into is {what}.",
        where="churn init DIR",
        value=str(folder),
        allowed="a folder with Parquet or CSV files",
        fix="name the folder" + (f": churn init {folder.parent}" if folder.exists() else ""),
    )


def _draft(
    engine: DuckDBPyConnection, folder: Path, config: Path, stage: Stage
) -> tuple[Draft, list[str]]:
    """Everything the config is written from, and what people should know."""
    profiles, unread = _profiles(engine, folder, stage)
    stage.detail("which file is which table")
    guess = guess_tables(profiles)
    if not guess.tables:
        raise _no_table(folder, guess, unread)
    stage.detail("counting rows")
    counted, too_bad = _countable(Counted(guess.tables))
    stage.detail("what churn is")
    churn = guess_churn(counted)
    if churn is None:
        raise _no_churn(folder, counted, guess)
    left_out = (*too_bad, *guess.left_out)
    share, why_share = _bad_share(counted.accounts)
    source, why_source, prefix = _place(folder, config, frozenset(counted.tables))
    patterns = {name: prefix + one.pattern for name, one in counted.tables.items()}
    draft = Draft(
        searched=str(folder),
        source=source,
        why_source=why_source,
        prefix=prefix,
        tables=counted.tables,
        patterns=patterns,
        named_ours=_named_ours(folder, counted.tables, prefix),
        accounts=counted.accounts,
        churn=churn,
        left_out=left_out,
        unread=unread,
        max_bad_share=share,
        why_bad_share=why_share,
    )
    return draft, _notes(draft)


def _profiles(
    engine: DuckDBPyConnection, folder: Path, stage: Stage
) -> tuple[list[Profile], list[str]]:
    """What the files hold; and those that cannot be read, with the reason."""
    import duckdb

    listing = list_files(folder)
    known: dict[Path, frozenset[str] | None] = {}

    def columns_of(file: Path) -> frozenset[str] | None:
        if file not in known:
            known[file] = sampling.columns_of(engine, folder / file)
        return known[file]

    profiles, unread = [], []
    for number, group in enumerate(group_files(folder, listing.readable, columns_of)):
        if number >= MOST_GROUPS:
            unread.append(f"more than {MOST_GROUPS} tables: name a folder with fewer files")
            break
        stage.detail(group.pattern)
        try:
            profiles.append(sampling.profile(engine, group, number))
        except (duckdb.Error, ValueError, OSError) as error:
            unread.append(f"{group.pattern} ({str(error).splitlines()[0][:200]})")
    unread += [f"{file} (export it as Parquet or CSV)" for file in listing.foreign]
    return [profile for profile in profiles if profile.columns], unread


def _countable(counted: Counted) -> tuple[Counted, list[LeftOut]]:
    """Without the tables most of whose rows would be set aside, where others are left."""
    bad = {
        name: account
        for name, account in counted.accounts.items()
        if account.bad_share > TOO_BAD or account.rows == sum(account.bad.values())
    }
    if not bad or len(bad) == len(counted.accounts):
        return counted, []
    left_out = [
        LeftOut(
            counted.tables[name].profile,
            f"as {name}, {account.bad_share:.0%} of its rows would be set aside "
            f"({account.bad_told})",
            counted.tables[name],
        )
        for name, account in bad.items()
    ]
    return counted.without(list(bad)), left_out


def _bad_share(accounts: Mapping[str, Account]) -> tuple[float | None, str]:
    """How many bad rows the config has to accept, where that is more than usual."""
    worst = max(accounts, key=lambda name: accounts[name].bad_share)
    account = accounts[worst]
    if account.bad_share <= ACCEPTED_BAD:
        return None, ""
    share = min(1.0, math.ceil(account.bad_share * 20 + 0.2) / 20)
    why = f"{account.bad_share:.1%} of {worst} would be set aside ({account.bad_told})"
    return round(share, 2), why


def _place(folder: Path, config: Path, used: frozenset[str]) -> tuple[str, str, str]:
    """The source as the config names it, why it is not simply the folder, and the files' prefix.

    A file with the name of one of our tables is read as that table. Where such a file is left
    out, the source is a folder above it.
    """
    import glob

    place, above = folder.resolve(), list[str]()
    blocked = _misleading(place, used)
    why = f"The folder above, since {', '.join(blocked)} would be read from {folder} itself."
    while _misleading(place, used) and place.parent != place:
        above.insert(0, glob.escape(place.name))
        place = place.parent
    prefix = "".join(f"{name}/" for name in above)
    return _relative(place, config), why if above else "", prefix


def _misleading(folder: Path, used: frozenset[str]) -> list[str]:
    """Files that bear the name of one of our tables without being used as one."""
    found = (_file_of(folder, name) for name in TABLES if name not in used)
    return [file.name for file in found if file is not None]


def _file_of(folder: Path, name: str) -> Path | None:
    """What is read as a table without a word in the config."""
    candidates = [folder / f"{name}{ending}" for ending in ENDINGS]
    if candidates[0].is_dir():
        return candidates[0]
    return next((file for file in candidates if file.is_file()), None)


def _relative(place: Path, config: Path) -> str:
    """Relative to the config where the two are near each other."""
    start = config.parent.resolve()
    path = os.path.relpath(place, start)
    far = path.count("..") > 2
    return place.as_posix() if far else Path(path).as_posix()


def _named_ours(folder: Path, tables: Mapping[str, Mapped], prefix: str) -> frozenset[str]:
    """Tables that are found without being named in the config."""
    if prefix:
        return frozenset()
    return frozenset(
        name for name, one in tables.items() if _covers(_file_of(folder, name), one.profile.group)
    )


def _covers(found: Path | None, group: FileGroup) -> bool:
    if found is None:
        return False
    files = sorted(found.rglob("*.parquet")) if found.is_dir() else [found]
    return sorted(files) == sorted(group.files)


def _notes(draft: Draft) -> list[str]:
    notes = [f"{left.profile.group.pattern} is left out: {_told(left)}." for left in draft.left_out]
    for name, one in draft.tables.items():
        notes += [
            f"{name}.{ours} is not mapped: {why}."
            for ours, why in one.unfit.items()
            if ours not in one.columns
        ]
    notes += [f"Not read: {text}." for text in draft.unread]
    if draft.max_bad_share is not None:
        notes.append(f"max_bad_share = {draft.max_bad_share}: {draft.why_bad_share}.")
    if draft.churn.too_little:
        notes.append(f"Training will not work yet: {draft.churn.too_little}.")
    return notes


def _unreadable(folder: Path, error: Exception) -> ContractBroken:
    return ContractBroken(
        "A file cannot be read to its end.",
        where=str(folder.resolve()),
        value=plain(str(error).splitlines()[0][:300]),
        allowed="valid Parquet files, and CSV files whose rows have the columns of the header",
        fix="write the file again, or move it out of the folder",
    )


def _no_table(folder: Path, guess: Guess, unread: Sequence[str]) -> ContractBroken:
    found = [f"{left.profile.group.pattern} {_told(left)}" for left in guess.left_out]
    found += [f"not read: {text}" for text in unread]
    return ContractBroken(
        "No file here can be a table of histories.",
        where=str(folder.resolve()),
        value=plain("; ".join(found[:8])) or "no Parquet or CSV files",
        allowed="rows with a customer's id and a time (a timestamp, a date, or text such as "
        "2026-11-01): when customers signed up and left, what they did, what they paid",
        fix="export such tables, with times as yyyy-mm-dd, or name the right folder",
    )


def _told(left: LeftOut) -> str:
    reasons = left.mapped.unfit if left.mapped else {}
    missing = left.mapped.missing if left.mapped else ()
    told = [reasons[name] for name in missing if name in reasons]
    return left.why + (f" ({'; '.join(told)})" if told else "")


def _no_churn(folder: Path, counted: Counted, guess: Guess) -> ContractBroken:
    found = [f"{one.pattern} as {name}" for name, one in counted.tables.items()]
    found += [f"{left.profile.group.pattern} {_told(left)}" for left in guess.left_out]
    return ContractBroken(
        "Nothing here tells who leaves.",
        where=str(folder.resolve()),
        value=plain("; ".join(found[:8])),
        allowed="a table of customers who left with the time, subscriptions with their ends, or "
        "what customers did: usage, payments, tickets or surveys with times",
        fix="add one of these tables, or a column with the end of each subscription",
    )
