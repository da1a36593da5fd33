"""One customer on one screen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline import explained_words as words
from pipeline.explain import Driver, Explained
from pipeline.show import console_for

WIDEST_BAR = 24
RAISES, LOWERS = "red", "green"


def explained(found: Explained, page: Path | None = None) -> None:
    """The score and its standing, drivers with reasons, what happened, what would change it."""
    console, say = console_for(), found.wording.text
    console.print(f"\n[bold]{escape(words.headline(found))}[/bold]", soft_wrap=True)
    console.print(escape(words.risk(found)), soft_wrap=True)
    for line in words.standing(found):
        console.print(escape(line), soft_wrap=True)
    console.print(escape(words.history(found)), soft_wrap=True)
    levers = [one for one in found.drivers if one.is_lever]
    facts = [one for one in found.drivers if not one.is_lever]
    _drivers(console, found, say("explain_drivers", usual=found.usual), levers)
    _drivers(console, found, say("explain_facts"), facts)
    for line in words.doubts(found):
        console.print(f"[yellow]{escape(line)}[/yellow]", soft_wrap=True)
    _title(console, say("explain_happened"))
    for day, told in words.happenings(found):
        console.print(f"  {day}  {escape(told)}", soft_wrap=True)
    if (use := words.use(found)) is not None:
        console.print(f"  {escape(use)}", soft_wrap=True)
    _title(console, say("explain_what_if"))
    for line in words.alternative(found):
        console.print(f"  {escape(line)}", soft_wrap=True)
    fixed = list(words.fixed(found))
    if found.at_risk and fixed:
        console.print(f"  {escape(say('what_if_fixed'))}", soft_wrap=True)
        for line in fixed:
            console.print(f"    {escape(line)}", soft_wrap=True)
    if page is not None:
        console.print(f"\n{page}", soft_wrap=True)


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{escape(text)}[/bold]", soft_wrap=True)


def _drivers(console: Console, found: Explained, title: str, drivers: list[Driver]) -> None:
    if not drivers:
        return
    _title(console, title)
    widest = max(abs(one.points) for one in found.drivers) or 1.0
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in drivers:
        colour = RAISES if one.points > 0 else LOWERS
        bar = "█" * round(WIDEST_BAR * abs(one.points) / widest)
        table.add_row(
            f"  {escape(one.name)}",
            words.amount(found, one),
            f"[{colour}]{bar}[/{colour}]",
            escape(one.reason or ""),
        )
    console.print(table)
