"""A small language for sentences: values in braces, and parts that are left out.

``{count}`` is a value, and ``{count:spec}`` one that is told in a certain way. What is in square
brackets is left out when a value in it is missing; outside of them the whole template does not
apply then. ``{count>0}`` tells nothing: it is missing unless that holds (``=``, ``<`` and ``>``).
Values are told as they are: braces in them mean nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Value = str | float
Get = Callable[[str], Value | None]
"""The value of a name; None where there is none."""

Say = Callable[[Value, str], str]
"""A value as a spec wants it told."""

TOKENS = re.compile(r"\[|\]|\{[^{}]*\}|[^\[\]{}]+|[{}]")
IN_BRACES = re.compile(
    r"\{(?P<name>[a-z_]+)(?:(?P<holds>[=<>])(?P<bound>-?\d+(?:\.\d+)?)|:(?P<spec>.+))?\}"
)
HOLDS = {"=": operator.eq, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Field:
    """A value, told by a spec."""

    name: str
    spec: str = ""

    def render(self, get: Get, say: Say) -> str | None:
        value = get(self.name)
        return None if value is None else say(value, self.spec)


@dataclass(frozen=True)
class Condition:
    """Tells nothing, and is missing unless a number compares so with another."""

    name: str
    holds: str
    bound: float

    def render(self, get: Get, say: Say) -> str | None:
        value = get(self.name)
        if value is None or isinstance(value, str):
            return None
        return "" if HOLDS[self.holds](value, self.bound) else None


@dataclass(frozen=True)
class Template:
    """A sentence or a part of one that may be left out.

    Attributes
    ----------
    parts
        Plain text, fields, conditions, and templates that may be left out, in order.
    """

    parts: tuple[str | Field | Condition | Template, ...]

    @staticmethod
    def parse(text: str) -> Template:
        """Read a template.

        Raises
        ------
        ValueError
            Where brackets or braces do not fit, with the text.
        """
        open_parts: list[list[str | Field | Condition | Template]] = [[]]
        for token in TOKENS.findall(text):
            if token == "[":
                open_parts.append([])
            elif token == "]" and len(open_parts) > 1:
                closed = Template(tuple(open_parts.pop()))
                open_parts[-1].append(closed)
            else:
                open_parts[-1].append(_part(token, text))
        if len(open_parts) != 1:
            raise ValueError(f"a square bracket is not closed: {text!r}")
        return Template(tuple(open_parts[0]))

    def render(self, get: Get, say: Say) -> str | None:
        """The sentence; None where a value is missing that it cannot do without."""
        said = []
        for part in self.parts:
            if isinstance(part, str):
                said.append(part)
            elif isinstance(part, Template):
                said.append(part.render(get, say) or "")
            else:
                told = part.render(get, say)
                if told is None:
                    return None
                said.append(told)
        return "".join(said)

    def fields(self) -> Iterator[Field | Condition]:
        """All values that it speaks of, those of its parts too."""
        for part in self.parts:
            if isinstance(part, Template):
                yield from part.fields()
            elif not isinstance(part, str):
                yield part


def _part(token: str, text: str) -> str | Field | Condition:
    if token not in ("]", "{", "}") and not token.startswith("{"):
        return token
    found = IN_BRACES.fullmatch(token)
    if not found:
        raise ValueError(f"{token!r} is not understood: {text!r}")
    if found["holds"]:
        return Condition(found["name"], found["holds"], float(found["bound"]))
    return Field(found["name"], found["spec"] or "")
