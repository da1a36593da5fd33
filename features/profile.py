"""Who customers are: how long they have been there, and what was known of them at sign-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalogue import Feature, slugs
from features.past import Past

Column = tuple[Feature, np.ndarray]


def profile(past: Past) -> Iterator[Column]:
    """Tenure and the attributes of `customers`."""
    yield (
        Feature("tenure_days", "days since sign-up", "days", "onboarding", "customers"),
        -past.days_from_cutoff(past.customers("signed_up_at")),
    )
    names = slugs(past.plan.attributes)
    for column, kind in past.plan.attributes.items():
        unit = {"number": "number", "bool": "0 or 1", "text": "text"}[kind]
        yield (
            Feature(f"profile_{names[column]}", column, unit, "profile", "customers"),
            past.customers(column),
        )
