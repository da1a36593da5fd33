"""What a feature is: its name is the column's name, and it says what it means.

Names follow one grammar, ``<table>_<what>[_<window>]``: lower-case letters, digits and underscores.
The table is the input table; what is measured may have several words, one of which may be a value
from the data, as in `usage_login_count_30d` or `payments_failed_share_90d`; the window is ``_30d``
(the last 30 days before the cutoff), ``_first_30d`` (the customer's first 30 days) or ``_ever``
(all history before the cutoff). Without one a feature tells what holds at the cutoff.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

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

FACTS: tuple[Group, ...] = ("profile",)
"""Driver groups that only say who a customer is: sector, country, how long, whom we called. They
move the risk, and nobody can act on them."""

LEVERS: tuple[Group, ...] = tuple(group for group in get_args(Group) if group not in FACTS)
"""Driver groups that a team has an answer to: all others. That a lever is a driver says where to
begin; which of its features can still be moved, `Feature.actionable` says."""


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
    says
        What it tells about, together with others: ``<sentence>`` or ``<sentence>/<value from the
        data>``, where the sentence is a key of the language files (features/texts). Features that
        say the same are told in one sentence, and what they add to a risk is added up. Empty: it
        is told by its meaning.
    fields
        By name within the sentence, the column that its value is in. All of them exist.
    words
        By name within the sentence, what no column holds: the kind of event, the days it looks at.
    actionable
        Whether what a team does from now on can move it for the better: how much is used in the
        coming weeks, a ticket or failed payment that is open, a share or mean that the next ones
        go into, plan, price and renewal. Not what has happened and at most fades with time (counts
        of what went wrong, the worst that was, all of ``_ever`` and of the first days), and not
        what is given (age, attributes, contacts received).
    better
        Which way an actionable one goes where a team succeeds: 1 up, -1 down, 0 neither.
    onboarding_below
        For customers who signed up fewer days ago it counts as onboarding: whatever they did so far
        is their beginning. None: never.
    """

    name: str
    meaning: str
    unit: str
    group: Group
    table: str
    window_days: int | None = None
    says: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    words: Mapping[str, str | int] = field(default_factory=dict, hash=False)
    actionable: bool = False
    better: int = 0
    onboarding_below: int | None = None

    @property
    def is_text(self) -> bool:
        return self.unit == "text"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


LONGEST_SLUG = 40
LONGEST_QUOTE = 60

WINDOW = re.compile(r"_(first_)?(\d+)d$|_ever$")
"""How a name ends that speaks of a window."""


def window_in(name: str) -> int | None:
    """The days before the cutoff that a name speaks of."""
    found = WINDOW.search(name)
    return int(found[2]) if found and found[2] and not found[1] else None


def slug(text: str) -> str:
    """A text as part of a name: lower-case letters, digits and underscores, accents dropped."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return words[:LONGEST_SLUG].strip("_") or "other"


def slugs(
    texts: Iterable[str],
    *,
    whats: Sequence[str] = (),
    reserved: Iterable[str] = (),
    at_the_end: bool = False,
) -> dict[str, str]:
    """A slug for each text, so that no two names made of them are equal: else they are numbered.

    A text that is its own slug keeps it, the others are numbered in their order: which is which
    does not depend on what is common.

    ``whats`` are what follows a slug in names, as in ``<slug>_<what>``: the texts "a" and "a b"
    would both make a_b_c of what is called b_c and c. ``reserved`` are names, or slugs where
    nothing follows, that are not made from these texts. A slug ``at_the_end`` of names must not
    read as a window.
    """
    found: dict[str, str] = {}
    taken = set(reserved)
    texts = list(texts)
    for text in sorted(texts, key=lambda text: (slug(text) != text, text)):
        first = slug(text)
        if at_the_end and WINDOW.search(f"_{first}"):
            first += "_value"
        candidate, n = first, 2
        while not taken.isdisjoint(_made_of(candidate, whats)):
            candidate, n = f"{first}_{n}", n + 1
        taken |= _made_of(candidate, whats)
        found[text] = candidate
    return {text: found[text] for text in texts}


def _made_of(candidate: str, whats: Sequence[str]) -> set[str]:
    return {f"{candidate}_{what}" for what in whats} or {candidate}


def spoken(text: str) -> str:
    """A value from the data within a sentence: on one line, not too long, without odd signs."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1] + "…"


def quoted(text: str) -> str:
    """A value from the data within a meaning: on one line, not too long, without odd signs."""
    short = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return repr(short)
