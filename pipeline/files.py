"""Writes outputs whole or not at all, and spreadsheets that no cell can turn into a formula."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, which takes `target`'s place only when all went well."""
    make_folder(target.parent)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield draft
        draft.chmod(0o755)
        previous = target.with_name(f".{target.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        if target.exists():
            target.rename(previous)
        draft.rename(target)
        shutil.rmtree(previous, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A file to write, which takes `target`'s place only when all went well."""
    make_folder(target.parent)
    draft = target.with_name(f".{target.name}.draft")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def refuse_unwritable(folder: Path) -> None:
    """Stop before the work begins where its outputs could not be written; makes nothing."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise _not_a_folder(folder, f"{existing} is no folder that may be written")


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, or say why it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_a_folder(folder, str(error.strerror)) from None


def _not_a_folder(folder: Path, why: str) -> UsageError:
    return UsageError(
        f"The output folder cannot be made: {why}.",
        where="[output] dir, or --out",
        value=str(folder),
        allowed="a folder that may be written",
        fix="choose another one",
    )


def write_parquet(frame: pd.DataFrame, file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    # A text column without any text has a type all the same.
    fields = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
    pq.write_table(table.cast(pa.schema(fields)), file)


def write_csv(frame: pd.DataFrame, file: Path) -> None:
    """A CSV file that is safe to open in a spreadsheet: no text begins a formula."""
    safe = frame.copy()
    for name in safe.columns:
        if safe[name].dtype == object or str(safe[name].dtype) in ("str", "string"):
            safe[name] = [_no_formula(value) for value in safe[name]]
    safe.to_csv(file, index=False, lineterminator="\n")


def _no_formula(value: Any) -> Any:
    dangerous = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if dangerous else value


def to_json(values: Any, *, indent: int | None = 2) -> str:
    """JSON text; what is not a number (NaN) becomes null."""
    return json.dumps(_plain(values), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
