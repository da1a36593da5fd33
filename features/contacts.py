"""Contacts received: how many, and how lately; who was held out received none.

No action answers a contact, so these tell about the customer, and are no driver of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalogue import Feature
from features.past import Past, Present
from features.reads import Measure, Read, Roll, count

Column = tuple[Feature, np.ndarray]


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
        spoken = f"contacts received in the last {days} days"
        yield (
            Feature(f"contacts_count_{days}d", spoken, "contacts", "profile", "contacts", days),
            rolled.last("count", days),
        )
    yield (
        Feature(
            "contacts_count_ever",
            "contacts received since the beginning",
            "contacts",
            "profile",
            "contacts",
        ),
        rolled.ever("count"),
    )
    yield (
        Feature(
            "contacts_days_since_last", "days since the last contact", "days", "profile", "contacts"
        ),
        rolled.days_since("latest"),
    )
