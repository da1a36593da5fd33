"""`churn init`: looks at the files of a folder and writes a config that starts from them."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.contract import Account
from features.engines import Embedded
from features.errors import ContractBroken, UsageError, UserError
from features.histories import Histories, read_histories
from features.leaks import suspects
from features.sources import Source, files_of, query_of
from features.tables import CUSTOMER, TABLES
from pipeline.config import Data, from_values
from pipeline.files import refuse_unwritable, whole_file
from pipeline.guess_churn import guess_churn
from pipeline.guess_files import group_files, list_files
from pipeline.guess_samples import Profile, columns_of, profile
from pipeline.guess_tables import Guess, LeftOut, Mapped, guess_tables, with_owners
from pipeline.init_text import Draft, bad_rows, config_text, plain
from pipeline.progress import Progress, Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_GROUPS = 100
TOO_BAD = 0.3
"""A table that churn can be told without is left out when more of its rows than this are bad."""


@dataclass(frozen=True)
class Initialised:
    """The config that was written, and what it was guessed from."""

    path: Path
    draft: Draft
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        draft = self.draft
        return {
            "path": self.path,
            "source": draft.source,
            "tables": {
                name: {
                    "file": one.pattern,
                    "rows": draft.accounts[name].rows,
                    "columns": {**one.columns, **one.renamed},
                }
                for name, one in draft.tables.items()
            },
            "definition": draft.churn.definition.kind,
            "churn": draft.churn.as_json(),
            "notes": list(self.notes),
        }


def init(folder: str | None, config: Path, progress: Progress, *, force: bool) -> Initialised:
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
    with progress.stage("looking at the files") as stage:
        draft = _draft(searched, config, stage)
    text = config_text(draft)
    # What does not load would be a fault of ours: it must not be written.
    from_values(tomllib.loads(text), config)
    notes = _notes(draft)
    for note in notes:
        progress.warn(plain(note))
    with whole_file(config) as file:
        file.write_text(text, encoding="utf-8", newline="\n")
    return Initialised(config, draft, notes)


def _refuse_existing(config: Path, *, force: bool) -> None:
    if config.is_dir() or (config.exists() and not force):
        raise UsageError(
            "The config is there already; it is never overwritten unasked.",
            where=str(config),
            allowed="a file that does not exist yet",
            fix="name another one with --config FILE, or replace it with --force",
        )
    refuse_unwritable(config.parent)


def _searched(given: str | None) -> Path:
    if given is None:
        return Path("data") if Path("data").is_dir() else Path()
    if "://" in given:
        shown = Source(given).shown
        raise UsageError(
            "churn init looks at files, not into databases.",
            where="churn init DIR",
            value=shown,
            allowed="a folder with Parquet or CSV files",
            fix=f'write the config by hand: [data] source = "{shown}", and what has other names '
            "in [data.tables] and [data.columns.<table>] (docs/config.md); churn check tells what "
            "is missing",
        )
    folder = Path(given)
    if folder.is_dir():
        return folder
    what = "a file, not a folder" if folder.exists() else "not there"
    raise UsageError(
        f"The folder to look into is {what}.",
        where="churn init DIR",
        value=given,
        allowed="a folder with Parquet or CSV files",
        fix="name the folder" + (f": churn init {folder.parent}" if folder.exists() else ""),
    )


def _draft(searched: Path, config: Path, stage: Stage) -> Draft:
    """Everything the config is written from."""
    folder = searched.resolve()
    guess, unread = _guess(folder, stage)
    if not guess.tables:
        raise _no_table(folder, guess, unread)
    stage.detail("reading and checking histories")
    histories, tables, too_bad = _histories(folder, guess.tables)
    try:
        stage.detail("what churn is")
        churn = guess_churn(histories)
        if churn is None:
            raise _no_churn(folder, tables, guess)
        share, why_share = _bad_share(histories.accounts)
        return Draft(
            searched=str(searched),
            source=_relative(folder, config),
            tables=tables,
            named=_named(folder, tables),
            accounts=histories.accounts,
            customers={
                name: histories.engine.to_pyarrow(rows[CUSTOMER].nunique()).as_py()
                for name, rows in histories.tables.items()
            },
            suspects=[s for s in suspects(histories, churn.definition) if s.table == "customers"],
            churn=churn,
            left_out=(*too_bad, *guess.left_out),
            unread=unread,
            max_bad_share=share,
            why_bad_share=why_share,
        )
    finally:
        histories.close()


def _guess(folder: Path, stage: Stage) -> tuple[Guess, list[str]]:
    """Which files are which tables; and those that cannot be read, with the reason."""
    import duckdb

    engine = Embedded()
    try:
        profiles, unread = _profiles(engine.con, folder, stage)
        stage.detail("which file is which table")
        return guess_tables(profiles), unread
    except duckdb.Error as error:
        raise _unreadable(folder, error) from None
    finally:
        engine.disconnect()


def _profiles(
    engine: DuckDBPyConnection, folder: Path, stage: Stage
) -> tuple[list[Profile], list[str]]:
    """What the files hold; and those that cannot be read, with the reason."""
    import duckdb

    @cache
    def columns(file: Path) -> frozenset[str]:
        try:
            query = query_of(file.name, [folder / file], folder)
            return frozenset(columns_of(engine, query))
        except (duckdb.Error, UserError):
            return frozenset()

    listing = list_files(folder)
    profiles, unread = [], []
    for number, group in enumerate(group_files(folder, listing.readable, columns)):
        if number >= MOST_GROUPS:
            unread.append(f"more than {MOST_GROUPS} tables: name a folder with fewer files")
            break
        stage.detail(group.pattern)
        try:
            profiles.append(profile(engine, group, number))
        except (duckdb.Error, UserError, OSError) as error:
            why = error.what if isinstance(error, UserError) else str(error)
            unread.append(f"{group.pattern} ({why.splitlines()[0][:200]})")
    unread += [f"{file} (export it as Parquet or CSV)" for file in listing.foreign]
    return [profile for profile in profiles if profile.columns], unread


def _histories(
    folder: Path, tables: Mapping[str, Mapped]
) -> tuple[Histories, Mapping[str, Mapped], list[LeftOut]]:
    """What will be read, without the tables most of whose rows would be set aside."""
    histories = _read(folder, tables)
    bad = {n: a for n, a in histories.accounts.items() if a.bad > TOO_BAD * a.rows}
    rest = with_owners({name: one for name, one in tables.items() if name not in bad})
    if not bad or not rest:
        return histories, tables, []
    histories.close()
    nameless = "names its customers only by subscriptions, which are left out"
    left_out = [
        LeftOut(one.profile, f"as {name}, {bad_rows(bad[name])}" if name in bad else nameless, one)
        for name, one in tables.items()
        if name not in rest
    ]
    return _read(folder, rest), rest, left_out


def _read(folder: Path, tables: Mapping[str, Mapped]) -> Histories:
    columns = {name: one.renamed for name, one in tables.items()}
    source = Source(str(folder), tables=_named(folder, tables), columns=columns)
    return read_histories(source, max_bad_share=1.0)


def _bad_share(accounts: Mapping[str, Account]) -> tuple[float | None, str]:
    """How many bad rows the config has to accept, where that is more than usual."""
    worst = max(accounts, key=lambda name: accounts[name].bad / max(accounts[name].rows, 1))
    account = accounts[worst]
    if account.bad <= Data.model_fields["max_bad_share"].default * account.rows:
        return None, ""
    share = min(1.0, math.ceil(account.bad / account.rows * 20 + 0.2) / 20)
    return round(share, 2), f"of {worst}, {bad_rows(account)}"


def _named(folder: Path, tables: Mapping[str, Mapped]) -> dict[str, str]:
    """What `[data.tables]` has to say: where a table lies, or that what is called so is none."""
    named = {}
    for name in TABLES:
        files = tables[name].profile.group.files if name in tables else ()
        try:
            found = files_of(Source(str(folder)), name)
        except UsageError:  # There are two places for it.
            found = None
        if found is None or set(found) != set(files):
            named[name] = tables[name].pattern if name in tables else ""
    return named


def _relative(folder: Path, config: Path) -> str:
    """Relative to the config where the two are near each other."""
    path = Path(os.path.relpath(folder, config.parent.resolve()))
    return (folder if path.parts.count("..") > 2 else path).as_posix()


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
        where=str(folder),
        value=plain(str(error).splitlines()[0][:300]),
        allowed="valid Parquet files, and CSV files whose rows have the columns of the header",
        fix="write the file again, or move it out of the folder",
    )


def _no_table(folder: Path, guess: Guess, unread: Sequence[str]) -> ContractBroken:
    found = [f"{left.profile.group.pattern} {_told(left)}" for left in guess.left_out]
    found += [f"not read: {text}" for text in unread]
    return ContractBroken(
        "No file here can be a table of histories.",
        where=str(folder),
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


def _no_churn(folder: Path, tables: Mapping[str, Mapped], guess: Guess) -> ContractBroken:
    found = [f"{one.pattern} as {name}" for name, one in tables.items()]
    found += [f"{left.profile.group.pattern} {_told(left)}" for left in guess.left_out]
    return ContractBroken(
        "Nothing here tells who leaves.",
        where=str(folder),
        value=plain("; ".join(found[:8])),
        allowed="a table of customers who left with the time, subscriptions with their ends, or "
        "what customers did: usage, payments, tickets or surveys with times",
        fix="add one of these tables, or a column with the end of each subscription",
    )
