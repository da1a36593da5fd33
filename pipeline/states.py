"""States of customers that actions can change: who renews by itself needs no automatic renewal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from features.telling import NEWCOMER_DAYS

if TYPE_CHECKING:
    import pandas as pd

State = Literal["open_payment", "open_ticket", "renewal_off", "newcomer", "price_rise"]

FELT_DAYS = 180
"""A rise of the price that is older is no longer what a talk is about."""


@dataclass(frozen=True)
class Condition:
    """What makes a state: features, and what they must be; none of them missing."""

    features: tuple[str, ...]
    holds: Callable[..., np.ndarray]


STATES: dict[State, Condition] = {
    "open_payment": Condition(("payments_last_failed",), lambda failed: failed == 1),
    "open_ticket": Condition(("tickets_open_count",), lambda tickets: tickets > 0),
    "renewal_off": Condition(("subscriptions_auto_renew",), lambda renews: renews == 0),
    "newcomer": Condition(("customers_tenure_days",), lambda days: days < NEWCOMER_DAYS),
    "price_rise": Condition(
        ("subscriptions_last_price_change", "subscriptions_days_since_price_change"),
        lambda change, days: (change > 0) & (days <= FELT_DAYS),
    ),
}


def in_state(frame: pd.DataFrame, state: State) -> np.ndarray:
    """Whether each customer is in a state; all are where the histories do not tell."""
    condition = STATES[state]
    if any(name not in frame.columns for name in condition.features):
        return np.ones(len(frame), dtype=bool)
    with np.errstate(invalid="ignore"):
        return condition.holds(*(frame[name].to_numpy(float) for name in condition.features))
