"""Names and text inside the little SQL that is written by hand: always quoted."""

from __future__ import annotations

import glob
from pathlib import Path


def text_of(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def name_of(name: str) -> str:
    """The name of a table or column as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def path_of(file: Path) -> str:
    """A file as a literal for the engine, which would take stars and brackets for a pattern.

    In a pattern a backslash stands for a slash, so that a path with one is only found as it is.
    """
    path = str(file)
    return text_of(path if "\\" in path else glob.escape(path))
