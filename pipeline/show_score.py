"""The points score beside the model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline import one_score


def points_score(console: Console, found: Mapping[str, Any] | None) -> None:
    """What ``metrics["points_score"]`` of a training run says; nothing where there is no score."""
    if found is None:
        return
    head, rows = one_score.table(found)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("points score by segment")
    for name in head:
        table.add_column(escape(name), justify="right")
    for name, cells in rows:
        table.add_row(escape(name), *cells)
    console.print()
    console.print(table)
    for sentence in one_score.sentences(found):
        console.print(escape(sentence), soft_wrap=True)
