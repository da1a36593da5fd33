"""Where results for people are printed, and paths as they read them."""

from __future__ import annotations

from typing import Any

from rich.console import Console

WIDTH = 140


def console_for() -> Console:
    """Wide enough for the tables, where nobody's window limits it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    return console


def near(path: Any) -> str:
    """A path as seen from here, where that is shorter."""
    from pathlib import Path

    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
