"""Numbers as people say them, by the conventions of a language."""

from __future__ import annotations

from dataclasses import dataclass

CENTS_BELOW = 1000
"""Who pays more than that does not mind the cents."""

NAMES_FROM = 10_000
"""Of numbers that may be years or codes, only larger ones have their digits parted."""

LONGEST = 1e15
"""From here on a number has no digits that anybody could want."""


@dataclass(frozen=True)
class Numbers:
    """How a language writes numbers.

    Attributes
    ----------
    decimal, thousands
        What parts whole from decimals, and digits into threes.
    percent
        What follows a percentage, with its space if there is one.
    """

    decimal: str
    thousands: str
    percent: str

    def number(self, value: float) -> str:
        """Whole from 10 on, below with the decimals that tell something."""
        return self._written(value, _decimals(value), grouped=True, trimmed=True)

    def name(self, value: float) -> str:
        """The same, for a number that may be a year or a code."""
        grouped = abs(value) >= NAMES_FROM
        return self._written(value, _decimals(value), grouped=grouped, trimmed=True)

    def money(self, value: float) -> str:
        """With cents where there are any, and the amount is not large."""
        cents = round(value, 2)
        whole = cents == int(cents) or abs(cents) >= CENTS_BELOW
        return self._written(cents, 0 if whole else 2, grouped=True)

    def share(self, value: float) -> str:
        """A percentage; below a tenth, and near 1, with a decimal: it makes a difference there."""
        percent = 100 * value
        near = 0 < percent < 9.95 or 99 < percent < 100
        return self._written(percent, 1 if near else 0, grouped=True, trimmed=True) + self.percent

    def change(self, value: float) -> str:
        """A percentage with its sign."""
        said = self._written(100 * value, 0, grouped=True)
        return ("" if said.startswith("-") or said == "0" else "+") + said + self.percent

    def _written(self, value: float, decimals: int, *, grouped: bool, trimmed: bool = False) -> str:
        if abs(value) >= LONGEST:
            return f"{value:.3g}".replace(".", self.decimal)
        text = f"{value:{',' if grouped else ''}.{decimals}f}"
        if trimmed and "." in text:
            text = text.rstrip("0").rstrip(".")
        if not text.strip("-0.,"):
            text = text.removeprefix("-")
        return text.translate({ord(","): self.thousands, ord("."): self.decimal})


def _decimals(value: float) -> int:
    size = abs(value)
    return 0 if size >= 9.95 else 1 if size >= 0.95 else 2
