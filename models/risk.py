"""From probabilities to a risk list: bands, value at risk, drivers, reasons, outreach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.drivers import MOST_DRIVERS
from models.outreach import Outreach

if TYPE_CHECKING:
    import pandas as pd

LOW, MEDIUM, HIGH = "low", "medium", "high"
MEDIUM_ODDS, HIGH_ODDS = 1.5, 3.0
"""A band begins where the odds of churn are this many times those of the average customer."""

COLUMNS = (
    "rank",
    "customer_id",
    "as_of",
    "churn_probability",
    "risk_band",
    "at_risk",
    "value",
    "high_value",
    "value_at_risk",
    *[f"driver_{n}" for n in range(1, MOST_DRIVERS + 1)],
    *[f"reason_{n}" for n in range(1, MOST_DRIVERS + 1)],
    "action",
    "expected_profit",
    "group",
    "why_not",
    "model",
)
"""The columns of a risk list, in order."""


def risk_bands(probability: np.ndarray, base_rate: float) -> np.ndarray:
    """low, medium or high, by the odds of churn against the average customer's."""
    high, medium = (_at_odds(times, base_rate) for times in (HIGH_ODDS, MEDIUM_ODDS))
    return np.select([probability >= high, probability >= medium], [HIGH, MEDIUM], LOW)


def at_risk_from(base_rate: float) -> float:
    """The probability of churn at which the band medium begins, and with it being at risk."""
    return _at_odds(MEDIUM_ODDS, base_rate)


def _at_odds(times: float, base_rate: float) -> float:
    """The probability whose odds are so many times those of the base rate."""
    return times * base_rate / (times * base_rate + 1 - base_rate)


def top_share(values: np.ndarray, share: float) -> np.ndarray:
    """The top share by value, ties in the order they come; customers of no value never."""
    chosen = np.zeros(len(values), dtype=bool)
    chosen[np.argsort(-values, kind="stable")[: round(share * len(values))]] = True
    return chosen & (values > 0)


def risk_list(
    *,
    customer_ids: Sequence[object],
    as_of: object,
    probability: np.ndarray,
    value: np.ndarray,
    bands: np.ndarray,
    high_value: np.ndarray,
    drivers: Sequence[Sequence[str | None]],
    reasons: Sequence[Sequence[str | None]],
    outreach: Outreach,
    model: str,
) -> pd.DataFrame:
    """One row per customer, highest value at risk first (then probability, then id)."""
    import pandas as pd

    columns = {
        "customer_id": customer_ids,
        "as_of": as_of,
        "churn_probability": probability,
        "risk_band": bands,
        "at_risk": bands != LOW,
        "value": value,
        "high_value": high_value,
        "value_at_risk": probability * value,
        "action": outreach.action,
        "expected_profit": outreach.expected_profit,
        "group": outreach.group,
        "why_not": outreach.why_not,
        "model": model,
    }
    for n in range(MOST_DRIVERS):
        columns[f"driver_{n + 1}"] = [row[n] for row in drivers]
        columns[f"reason_{n + 1}"] = [row[n] for row in reasons]
    frame = pd.DataFrame(columns)
    frame = frame.sort_values(
        ["value_at_risk", "churn_probability", "customer_id"],
        ascending=[False, False, True],
        kind="stable",
    ).reset_index(drop=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    return frame[list(COLUMNS)]
