"""Where results for people are printed, and paths as they read them."""

from __future__ import annotations

from typing import Any

from rich.console import Console

WIDTH = 140
SMALL = 10.0
"""Amounts below are told with cents."""


def console_for() -> Console:
    """Wide enough for the tables, where nobody's window limits it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    return console


def amount(money: float, *, cents: bool = False) -> str:
    """An amount; with cents where it is small, or where they are asked for."""
    places = 2 if cents or abs(money) < SMALL else 0
    # What rounds to nothing is neither above it nor below.
    return f"{round(money, places) + 0.0:,.{places}f}"


def near(path: Any) -> str:
    """A path as seen from here, where that is shorter."""
    from pathlib import Path

    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
