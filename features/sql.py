"""Names and text inside the little SQL that is written by hand: always quoted."""

from __future__ import annotations


def text_of(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def name_of(name: str) -> str:
    """The name of a table or column as an identifier."""
    return '"' + name.replace('"', '""') + '"'
