"""Contacts received: how many, and how lately; who was held out received none.

No action answers a contact, so these tell about the customer, and are no driver of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalogue import Feature
from features.past import Past, Present
from features.reads import Measure, Read, Roll, count
from features.telling import Subject

Column = tuple[Feature, np.ndarray]

CONTACTS = Subject(
    "contacts",
    {
        "now": "contacts_count_{window}",
        "so_far": "contacts_count_ever",
        "since": "contacts_days_since_last",
    },
)


def reads(present: Present) -> dict[str, Read]:
    """Contacts that took place: the rows of those held out only say that there was none."""
    rows = present.table("contacts")
    treated = rows.filter(rows["group"] == "treated")
    measures = [count(), Measure("latest", "max", lambda t: t["occurred_at"], ever=True)]
    return {"contacts": Roll(treated, "occurred_at", measures)}


def columns(past: Past) -> Iterator[Column]:
    """Contacts by window, ever, and the days since."""
    rolled = past.rolled("contacts")
    for days in past.windows:
        meaning = f"contacts received in the last {days} days"
        yield (
            _feature(f"count_{days}d", meaning, "contacts", days),
            rolled.last("count", days),
        )
    yield (
        _feature("count_ever", "contacts received since the beginning", "contacts"),
        rolled.ever("count"),
    )
    yield (
        _feature("days_since_last", "days since the last contact", "days"),
        rolled.days_since("latest"),
    )


def _feature(what: str, meaning: str, unit: str, days: int | None = None) -> Feature:
    return CONTACTS.of(Feature(f"contacts_{what}", meaning, unit, "profile", "contacts", days))
