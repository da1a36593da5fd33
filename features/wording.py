"""Everything that is said in a language: reasons, names of drivers, numbers, texts of screens.

A language is a file, ``texts/<language>.toml``; how to add one says docs/reasons.md.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from features.catalogue import spoken
from features.derived import DERIVED
from features.errors import UsageError
from features.numbers import Numbers
from features.plan import OTHER
from features.templates import Field, Template, Value

DEFAULT = "en"
LARGEST = 1e30
"""No number of a history is larger; what is told of one would be no sentence."""

TYPICAL = "typical_"
"""``{typical_now}`` is what the median customer has where this one has ``{now}``."""

SPECS = ("", "%", "+%", "money", "days", "hours", "no", "yes_no", "name")
"""How a value can be told: as a number or text, a share, a change, money, a time in days or hours,
with a word for none, as yes or no, as a number that may be a year. ``day|days`` are the forms of a
word for one and for several."""


def languages() -> tuple[str, ...]:
    """The languages that there are files for."""
    names = [file.name for file in files("features").joinpath("texts").iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@dataclass(frozen=True)
class Wording:
    """What is said in one language.

    Attributes
    ----------
    language
        Its code, as in the file's name.
    numbers
        How it writes numbers.
    reasons
        By what features say, the templates of the sentence; the first that applies is used.
    drivers
        By driver group, its name.
    texts
        By key, what else is said.
    """

    language: str
    numbers: Numbers
    reasons: Mapping[str, tuple[Template, ...]]
    drivers: Mapping[str, str]
    texts: Mapping[str, Template]

    @staticmethod
    def of(language: str = DEFAULT) -> Wording:
        """The wording of a language.

        Raises
        ------
        UsageError
            When there is no file for it.
        """
        if language not in languages():
            raise UsageError(
                "Nothing is written in that language.",
                where="--lang",
                value=language,
                allowed=", ".join(languages()),
                fix=f"--lang {DEFAULT}",
            )
        return _read(language)

    def reason(
        self,
        feature: Mapping[str, Any],
        row: Mapping[str, Any],
        typical: Mapping[str, float | None],
    ) -> str:
        """A sentence with the customer's own numbers, and what they are to be compared with.

        Parameters
        ----------
        feature
            What tells the reason, as `Feature.as_dict`; others that say the same are told with it.
        row
            By column of the vectors, the customer's value; None or NaN: none.
        typical
            By numeric feature, the median customer's value.
        """
        known = _Known(feature, row, typical)
        says = feature.get("says", "").split("/")[0]
        for template in self.reasons.get(says, ()):
            said = template.render(lambda name: self._told(known, name), self._say)
            if said is not None:
                return said[:1].upper() + said[1:]
        return self._by_its_meaning(feature, row, typical)

    def driver(self, group: str) -> str:
        """The name of a driver group."""
        return self.drivers.get(group, group)

    def number(self, value: Any, unit: str) -> str:
        """A feature's value by itself, in its unit."""
        known = _plain(value)
        if known is None:
            return self.text("unknown")
        if isinstance(known, str):
            return self._of_text(known)
        if unit == "log ratio":
            return self._say(math.expm1(min(known, math.log(LARGEST))), "+%")
        specs = {"0 or 1": "yes_no", "share": "%", "money": "money", "days": "days"}
        return self._say(known, specs.get(unit, "hours" if unit == "hours" else ""))

    def text(self, key: str, **values: Value) -> str:
        """A text of a screen, with its values put in.

        Raises
        ------
        KeyError
            When there is no such text, or a value is missing that it cannot do without.
        """
        said = self.texts[key].render(values.get, self._say)
        if said is None:
            raise KeyError(f"{key}: one of its values is not among {', '.join(values) or 'none'}")
        return said

    def _by_its_meaning(
        self,
        feature: Mapping[str, Any],
        row: Mapping[str, Any],
        typical: Mapping[str, float | None],
    ) -> str:
        """A feature without a sentence, as of a model that was made before it had one."""
        unit, name = feature["unit"], feature["name"]
        said = {"meaning": feature["meaning"], "value": self.number(row.get(name), unit)}
        beside = _plain(typical.get(name))
        if beside is not None and unit not in ("0 or 1", "text"):
            said["typical"] = self.number(beside, unit)
        text = self.text("by_its_meaning", **said)
        return text[:1].upper() + text[1:]

    def _told(self, known: _Known, name: str) -> Value | None:
        value = known.get(name)
        return self._of_text(value) if isinstance(value, str) and known.is_cell(name) else value

    def _of_text(self, value: str) -> str:
        """A cell on one line; what stands for all other texts, and an empty one, in words."""
        if value == OTHER:
            return self.text("other")
        return spoken(value) or self.text("blank")

    def _say(self, value: Value, spec: str) -> str:
        if isinstance(value, str):
            return value
        if "|" in spec:
            one, several = spec.split("|")
            return one if self.numbers.number(value) == "1" else several
        return self._ways[spec](value)

    @cached_property
    def _ways(self) -> Mapping[str, Callable[[float], str]]:
        """By spec, how it tells a number."""
        return {
            "": self.numbers.number,
            "%": self.numbers.share,
            "+%": self.numbers.change,
            "money": self.numbers.money,
            "name": self.numbers.name,
            "days": self._days,
            "hours": self._hours,
            "no": lambda number: self.numbers.number(number) if number else self.text("none"),
            "yes_no": lambda number: self.text("yes" if number else "no"),
        }

    def _days(self, value: float) -> str:
        if 0 <= value < 1:
            return self.text("under_a_day")
        return self.text("days", n=float(round(value)))

    def _hours(self, value: float) -> str:
        if 0 <= value < 1:
            return self.text("under_an_hour")
        if value < 48:
            return self.text("hours", n=float(round(value)))
        return self.text("days", n=round(value / 24, 1))


@dataclass(frozen=True)
class _Known:
    """What a sentence can tell: words, the customer's values, the median's, what follows."""

    feature: Mapping[str, Any]
    row: Mapping[str, Any]
    typical: Mapping[str, float | None]

    def get(self, name: str) -> Value | None:
        fields, words = self.feature.get("fields", {}), self.feature.get("words", {})
        if name in words:
            return _plain(words[name])
        if name in fields:
            return _plain(self.row.get(fields[name]))
        if name.startswith(TYPICAL):
            return _plain(self.typical.get(fields.get(name.removeprefix(TYPICAL), "")))
        return _plain(DERIVED[name](self._number)) if name in DERIVED else None

    def is_cell(self, name: str) -> bool:
        """Whether it is from the customer's row."""
        return name not in self.feature.get("words", {})

    def _number(self, name: str) -> float | None:
        value = self.get(name)
        return None if isinstance(value, str) else value


def _plain(value: Any) -> Value | None:
    """A text or a finite number; None for everything that stands for no value."""
    if isinstance(value, str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= LARGEST else None


@cache
def _read(language: str) -> Wording:
    text = files("features").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    return Wording(
        language=language,
        numbers=Numbers(**values["numbers"]),
        reasons={key: tuple(map(parsed, each)) for key, each in values["reasons"].items()},
        drivers=values["drivers"],
        texts={key: parsed(each) for key, each in values["texts"].items()},
    )


def parsed(text: str) -> Template:
    """A template that only tells values in ways that there are.

    Raises
    ------
    ValueError
        Where it is no template, or names another way.
    """
    template = Template.parse(text)
    for field in template.fields():
        if isinstance(field, Field) and field.spec not in SPECS and field.spec.count("|") != 1:
            raise ValueError(f"{field.spec!r} is none of {', '.join(SPECS)}, one|several: {text!r}")
    return template
