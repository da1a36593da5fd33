"""Who customers are: how long they have been there, and what was known of them at sign-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalogue import LONGEST_QUOTE, Feature, quoted, slugs, spoken
from features.past import Past, Present
from features.reads import Read, Traits
from features.tables import CUSTOMER
from features.telling import TENURE, Subject

Column = tuple[Feature, np.ndarray]

AGE = Subject("tenure", {"now": TENURE})
ATTRIBUTE = {
    kind: Subject("attribute", {kind: "customers_profile_{slug}"})
    for kind in ("number", "bool", "text")
}


def reads(present: Present) -> dict[str, Read]:
    """Sign-ups and attributes."""
    named = dict.fromkeys((CUSTOMER, "signed_up_at", *present.plan.attributes))
    return {"customers": Traits(present.table("customers").select(*named))}


def columns(past: Past) -> Iterator[Column]:
    """Tenure and the attributes of `customers`."""
    yield (
        AGE.of(Feature(TENURE, "days since sign-up", "days", "onboarding", "customers")),
        -past.days_from_cutoff(past.traits("customers", "signed_up_at")),
    )
    names = slugs(past.plan.attributes, at_the_end=True)
    for column, kind in past.plan.attributes.items():
        unit = {"number": "number", "bool": "0 or 1", "text": "text"}[kind]
        feature = Feature(
            f"customers_profile_{names[column]}", _told(column), unit, "profile", "customers"
        )
        yield (
            ATTRIBUTE[kind].of(feature, slug=names[column], attribute=spoken(column)),
            _as_planned(past, column, kind),
        )


def _told(column: str) -> str:
    """The attribute's own name is its meaning."""
    plain = column.isprintable() and len(column) <= LONGEST_QUOTE
    return column if plain else quoted(column)


def _as_planned(past: Past, column: str, kind: str) -> np.ndarray:
    """An attribute of the kind it had when the plan was made, whatever newer cells hold."""
    values = past.traits("customers", column)
    if kind == "text":
        texts = (
            [None if np.isnan(v) else f"{v:.15g}" for v in values] if _numbers(values) else values
        )
        return past.plan.told_apart(f"customers.{column}", np.array(texts, dtype=object))
    return values if _numbers(values) else np.array([_number(text) for text in values])


def _numbers(values: np.ndarray) -> bool:
    return values.dtype != object


def _number(text: str | None) -> float:
    words = {"true": 1.0, "false": 0.0}
    try:
        number = words.get(str(text).lower())
        number = float(str(text)) if number is None else number
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan
