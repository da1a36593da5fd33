"""Tells people on stderr what runs and how long it took; stdout is for results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WORTH_TELLING_SECONDS = 2.0


class Progress:
    """Stages of a run: a spinner while one runs, and a line for those that took a while."""

    def __init__(self, console: Console | None = None) -> None:
        if console is None:
            from rich.console import Console as RichConsole

            console = RichConsole(stderr=True, highlight=False)
        self.console = console
        self.seconds: dict[str, float] = {}

    @classmethod
    def silent(cls) -> Progress:
        """Tells nobody: for what is done by the way."""
        from rich.console import Console as RichConsole

        return cls(RichConsole(quiet=True))

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Run a stage under a name; `Stage.detail` tells which part of it runs."""
        begin = time.perf_counter()
        with self.console.status(f"{name} …") as status:
            yield Stage(name, status.update)
        took = time.perf_counter() - begin
        self.seconds[name] = round(took, 3)
        if took >= WORTH_TELLING_SECONDS:
            self.console.print(f"[green]✓[/green] {name} [dim]{took:.1f} s[/dim]")

    def warn(self, text: str) -> None:
        """Something people should know, that does not stop the run."""
        from rich.markup import escape

        self.console.print(f"[yellow]![/yellow] {escape(text)}", soft_wrap=True)


class Stage:
    """A running stage."""

    def __init__(self, name: str, update: Callable[[str], None]) -> None:
        self._name = name
        self._update = update

    def detail(self, text: str) -> None:
        """Say which part of the stage runs."""
        self._update(f"{self._name}: {text} …")
