"""What a feature is: its name is the column's name, and it says what it means.

Names follow one grammar: ``<table>_<what>_<measure>_<window>``, as in `usage_login_count_30d` or
`payments_failed_share_90d`; without a window a feature speaks of all history or of the cutoff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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


def slugs(
    texts: Iterable[str], *, whats: Sequence[str] = (), reserved: Iterable[str] = ()
) -> dict[str, str]:
    """A slug for each text, so that no two names made of them are equal: else they are numbered.

    ``whats`` are what follows a slug in names, as in ``<slug>_<what>``: the texts "a" and "a b"
    would both make a_b_c of what is called b_c and c. ``reserved`` are names, or slugs where
    nothing follows, that are not made from these texts.
    """
    found: dict[str, str] = {}
    taken = set(reserved)
    for text in texts:
        candidate, n = slug(text), 2
        while not taken.isdisjoint(_made_of(candidate, whats)):
            candidate, n = f"{slug(text)}_{n}", n + 1
        taken |= _made_of(candidate, whats)
        found[text] = candidate
    return found


def _made_of(candidate: str, whats: Sequence[str]) -> set[str]:
    return {f"{candidate}_{what}" for what in whats} or {candidate}
