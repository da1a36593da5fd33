"""What a feature is: its name is the column's name, and it says what it means.

Names follow one grammar: ``<table>_<what>_<measure>_<window>``, as in `usage_login_count_30d` or
`payments_failed_share_90d`; without a window a feature speaks of all history or of the cutoff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Group = Literal[
    "usage",
    "payments",
    "support",
    "subscription",
    "onboarding",
    "satisfaction",
    "price",
    "profile",
]
"""The driver groups: what a feature tells about, and so which action fits it."""


@dataclass(frozen=True)
class Feature:
    """A column of the vectors.

    Attributes
    ----------
    name
        The column's name.
    meaning
        What it says of a customer at a cutoff, in a few words.
    unit
        What it is counted in: events, days, money, share, ratio, text …
    group
        The driver group it belongs to.
    table
        The input table it comes from.
    window_days
        The days before the cutoff that it looks at; None: all history, or the state at the cutoff.
    """

    name: str
    meaning: str
    unit: str
    group: Group
    table: str
    window_days: int | None = None

    @property
    def is_text(self) -> bool:
        return self.unit == "text"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def slug(text: str) -> str:
    """A text as part of a name: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "other"


def slugs(texts: Iterable[str], *, reserved: Iterable[str] = ()) -> dict[str, str]:
    """A slug for each text, all different: further ones that would be equal are numbered.

    ``reserved`` names what is taken by features that are not made from these texts.
    """
    found: dict[str, str] = {}
    taken = set(reserved)
    for text in texts:
        candidate, n = slug(text), 2
        while candidate in taken:
            candidate, n = f"{slug(text)}_{n}", n + 1
        taken.add(candidate)
        found[text] = candidate
    return found
