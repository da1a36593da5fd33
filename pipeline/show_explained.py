"""One customer on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from textwrap import wrap

from rich.text import Text

from pipeline import explained_words as words
from pipeline.consoles import console_for
from pipeline.explained import Altered, Driver, Explained

MOST_HAPPENINGS = 15
WIDE = 110
"""Columns from which on bars may be long."""
LONG_BAR, SHORT_BAR = 24, 10
NARROWEST = 20
"""Columns that a text has in any case."""
MOST_TOGETHER = 2
GLUED = "\N{NO-BREAK SPACE}%"
"""A percentage stays on one line."""
RAISES, LOWERS = "red", "green"


def explained(found: Explained, page: Path | None = None) -> None:
    """The score and its standing, drivers with reasons, what happened, what would change it."""
    console = console_for()
    for title, lines in _parts(found, console.width):
        heading = [Text(line, style="bold") for line in _wrapped(title, console.width)]
        for line in (Text(), *heading, *lines):
            console.print(line, soft_wrap=True)
    if page is not None:
        console.print(Text(f"\n{page}"), soft_wrap=True)


def _parts(found: Explained, width: int) -> Iterator[tuple[str, list[Text]]]:
    """Titles and the lines under them."""
    say = found.wording.text
    yield words.headline(found), list(_standing(found, width))
    doubts = [line for doubt in words.doubts(found) for line in _wrapped(doubt, width, "  ")]
    drivers = [*_drivers(found, found.levers, width), *_texts(doubts, "yellow")]
    yield say("explain_drivers", usual=found.usual), drivers
    if found.facts:
        yield say("explain_facts"), list(_drivers(found, found.facts, width))
    yield say("explain_happened"), _texts(_happened(found, width))
    yield say("explain_what_if"), _texts(_alternative(found, width))


def _texts(lines: Iterable[str], style: str = "") -> list[Text]:
    """Lines that are shown as they are, whatever signs they hold."""
    return [Text(line, style=style) for line in lines]


def _standing(found: Explained, width: int) -> Iterator[Text]:
    for text in (words.risk(found), *words.standing(found), words.history(found)):
        yield from _texts(_wrapped(text or "", width))


def _drivers(found: Explained, drivers: list[Driver], width: int) -> Iterator[Text]:
    """Of each its name, what it adds, a bar of that, and the reason beside it."""
    longest = max((len(one.name) for one in found.drivers), default=0)
    amounts = {one.group: words.amount(found, one) for one in found.drivers}
    digits = max((len(each) for each in amounts.values()), default=0)
    most = LONG_BAR if width >= WIDE else SHORT_BAR
    scale = max((abs(one.points) for one in found.drivers), default=0) or 1.0
    for one in drivers:
        bar = "█" * round(most * abs(one.points) / scale)
        beside = f"  {one.name.ljust(longest)}  {amounts[one.group].rjust(digits)}  "
        indent = " " * (len(beside) + most + 2)
        first, *rest = _wrapped(one.reason or "", width, indent) or [""]
        colour = RAISES if one.points > 0 else LOWERS
        line = Text.assemble(beside, (bar, colour))
        line.append(first[len(line) :])
        line.rstrip()
        yield line
        yield from _texts(rest)


def _happened(found: Explained, width: int) -> Iterator[str]:
    """The newest that is on record, and use by week."""
    told = words.happenings(found)
    newest = list(islice(told, MOST_HAPPENINGS))
    for day, text in newest:
        yield from _wrapped(f"{day}  {text}", width, "  ", hanging=len(day) + 2)
    earlier = sum(1 for _ in told)
    if earlier:
        more = found.wording.text("explain_earlier", more=float(earlier))
        yield from _wrapped(more, width, "  ")
    if not newest:
        yield from _wrapped(words.nothing_happened(found), width, "  ")
    if (use := words.use(found)) is not None:
        yield from _wrapped(use, width, "  ")


def _alternative(found: Explained, width: int) -> Iterator[str]:
    """The outcome first, then each change, then what stays."""
    say = found.wording.text
    yield from _wrapped(words.outcome(found), width, "  ")
    for one in found.alternative.changes if found.at_risk else ():
        yield f"  {one.name}"
        yield from _altered(found, one, width)
    if fixed := words.fixed(found):
        yield from _wrapped(say("what_if_fixed"), width, "  ")
        for text in fixed:
            yield from _wrapped(text, width, "    ", hanging=2)


def _altered(found: Explained, change: Altered, width: int) -> Iterator[str]:
    """What is and what would be, of the first that go together."""
    say = found.wording.text
    now, then = say("what_if_now"), say("what_if_then")
    longest = max(len(now), len(then))
    pairs = list(zip(change.now, change.then, strict=True))
    for pair in pairs[:MOST_TOGETHER]:
        for name, text in zip((now, then), pair, strict=True):
            line = f"{name.ljust(longest)}  {text}"
            yield from _wrapped(line, width, "    ", hanging=longest + 2)
    more = len(pairs) - MOST_TOGETHER
    if more > 0:
        yield from _wrapped(say("what_if_more", more=float(more)), width, "    ")


def _wrapped(text: str, width: int, indent: str = "", *, hanging: int = 0) -> list[str]:
    """A text as lines that fit, the further ones indented by so much more."""
    lines = wrap(
        text.replace(" %", GLUED),
        max(width, len(indent) + hanging + NARROWEST),
        initial_indent=indent,
        subsequent_indent=indent + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return [line.replace(GLUED, " %") for line in lines]
