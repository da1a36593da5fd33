"""What customers did in their first days: how much, on how many days, and which kinds of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import days, indices
from features.churn import NEVER
from features.histories import Histories
from features.tables import CUSTOMER

MOST_KINDS = 30


@dataclass(frozen=True)
class Beginnings:
    """Use in the first days, an entry per customer.

    Attributes
    ----------
    signed_up
        Day since 1970.
    events, days, kinds
        How many events, days with one, and kinds of them.
    did
        By kind of event, the commonest kinds first, whether the customer did it.
    """

    signed_up: np.ndarray
    events: np.ndarray
    days: np.ndarray
    kinds: np.ndarray
    did: dict[str, np.ndarray]


def beginnings(histories: Histories, first_days: int) -> Beginnings | None:
    """Use in the first so many times 24 hours after sign-up; None without a table of usage."""
    import ibis

    if "usage" not in histories.tables:
        return None
    people = histories.tables["customers"].select(CUSTOMER, "signed_up_at")
    rows = histories.tables["usage"].select(CUSTOMER, "occurred_at", "event")
    both = rows.join(people, CUSTOMER)
    within = both["signed_up_at"] + ibis.interval(days=first_days)
    both = both.filter(
        (both["occurred_at"] >= both["signed_up_at"]) & (both["occurred_at"] < within)
    )
    each = both.group_by(CUSTOMER).agg(
        events=both.count(),
        days=both["occurred_at"].date().nunique(),
        kinds=both["event"].nunique(),
    )
    kinds = both.group_by([CUSTOMER, "event"]).agg(times=both.count())
    count = histories.customers
    found = histories.engine.to_pyarrow(each)
    owner = indices(found[CUSTOMER])

    def by_customer(name: str) -> np.ndarray:
        result = np.zeros(count)
        result[owner] = indices(found[name])
        return result

    order = histories.tables["customers"].order_by(CUSTOMER).select("signed_up_at")
    signed_up = days(histories.engine.to_pyarrow(order)["signed_up_at"], null=NEVER)
    return Beginnings(
        signed_up=signed_up,
        events=by_customer("events"),
        days=by_customer("days"),
        kinds=by_customer("kinds"),
        did=_did(histories.engine.to_pyarrow(kinds), count),
    )


def _did(rows: Any, customers: int) -> dict[str, np.ndarray]:
    """Who did what, of the kinds that most customers did."""
    owner = indices(rows[CUSTOMER])
    event = rows["event"].to_numpy(zero_copy_only=False).astype(str)
    names, where, counts = np.unique(event, return_inverse=True, return_counts=True)
    common = sorted(range(len(names)), key=lambda n: (-counts[n], names[n]))[:MOST_KINDS]
    found = {}
    for number in common:
        did = np.zeros(customers, bool)
        did[owner[where == number]] = True
        found[str(names[number])] = did
    return found
