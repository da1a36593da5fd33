"""The policy with its ingredients replaced by the truth, one at a time, and all together.

All of them choose by the formula of the list: P(leave) x success x value - cost - incentive x
P(would have stayed), with success a rate per action times how well it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.risk import HIGH, MEDIUM
from pipeline.world_forks import Prospects
from pipeline.world_outreach import ACTIONS, NOBODY

DRIVERS = ("driver_1", "driver_2", "driver_3")


@dataclass(frozen=True)
class List:
    """A risk list, one entry per customer of the world."""

    probability: np.ndarray  # 0 who is not on it
    value: np.ndarray
    at_risk: np.ndarray
    action: np.ndarray  # index into ACTIONS, NOBODY: none fits
    contacts: np.ndarray  # the same, of those who are contacted
    drivers: list[list[str]]

    @classmethod
    def of(cls, found: pd.DataFrame, customers: int) -> List:
        """By customer, whose number its id holds."""
        number = found["customer_id"].str.removeprefix("C").astype(int)
        every = found.set_index(number).reindex(range(customers))
        names = {name: n for n, name in enumerate(ACTIONS)}
        action = every["action"].map(names).fillna(NOBODY).to_numpy(int)
        drivers = [[d for d in row if isinstance(d, str)] for row in every[[*DRIVERS]].to_numpy()]
        return cls(
            probability=every["churn_probability"].fillna(0.0).to_numpy(float),
            value=every["value"].fillna(0.0).to_numpy(float),
            at_risk=every["risk_band"].isin([MEDIUM, HIGH]).to_numpy(),
            action=action,
            contacts=np.where(every["group"] == "contact", action, NOBODY),
            drivers=drivers,
        )


def swapped(
    listed: List,
    fits: np.ndarray,
    known: Prospects,
    allowed: np.ndarray,
    actions: Sequence[dict[str, Any]],
) -> dict[str, np.ndarray]:
    """Profits as each swap expects them, (customers, actions); -inf: not possible.

    Parameters
    ----------
    fits
        How well each action fits each customer, as the list has it.
    """
    rates = np.array([each["success_rate"] for each in actions])
    true_success, later = _success(known), _later(known, fits)
    measured = true_rates(known, fits) * fits
    ours = {
        "probability": listed.probability,
        "value": listed.value,
        "success": rates * fits,
        "able": allowed & listed.at_risk,
    }
    truth = {
        "probability": known.chance,
        "value": known.value,
        "success": true_success,
        "able": allowed,
    }
    swaps = {
        "the formula": ours,
        "with true probabilities": {**ours, "probability": truth["probability"]},
        "with true values": {**ours, "value": truth["value"]},
        "with true success rates": {**ours, "success": measured},
        "with the best fitting actions": {**ours, "success": rates * _truly_fits(known)},
        "with true success of each": {**ours, "success": true_success},
        "with anybody, not only at risk": {**ours, "able": allowed},
        "with later months": {**ours, "success": rates * fits * later},
        "with later months, true success rates": {**ours, "success": measured * later},
        "the same, with anybody": {**ours, "success": measured * later, "able": allowed},
        "all true": truth,
        "all true, at risk alone": {**truth, "able": ours["able"]},
    }
    return {name: _profits(actions=actions, **each) for name, each in swaps.items()}


def true_rates(known: Prospects, fits: np.ndarray) -> np.ndarray:
    """What a team knows that has measured its actions well: the share of leavers each keeps.

    Of all customers whom it fits, at a fit of 1.
    """
    there = known.active[:, None] * fits
    kept = ((there > 0) * (known.chance[:, None] - known.contacted)).sum(axis=0)
    return np.clip(kept / np.maximum((there * known.chance[:, None]).sum(axis=0), 1e-9), 0.0, 1.0)


def _success(known: Prospects) -> np.ndarray:
    """The share of leavers that each action truly keeps; below 0 where it annoys."""
    return np.asarray(1 - known.contacted / np.maximum(known.chance, 1e-9)[:, None])


def _truly_fits(known: Prospects) -> np.ndarray:
    """Actions that truly keep a tenth of the leavers at least."""
    return (_success(known) >= 0.1).astype(float)


def _later(known: Prospects, fits: np.ndarray) -> np.ndarray:
    """How many times more an action brings than what it keeps in the first month, where it fits.

    Causes that nobody resolves go on, so that the months after count, too.
    """
    there = (fits > 0) * known.active[:, None]
    at_once = (known.chance[:, None] - known.contacted) * known.value[:, None]
    all_in_all = (there * known.gain.mean(axis=0)).sum(axis=0)
    return np.asarray(np.maximum(all_in_all / np.maximum((there * at_once).sum(axis=0), 1e-9), 0))


def _profits(
    *,
    probability: np.ndarray,
    value: np.ndarray,
    success: np.ndarray,
    able: np.ndarray,
    actions: Sequence[dict[str, Any]],
) -> np.ndarray:
    cost = np.array([each["cost"] for each in actions])
    incentive = np.array([each.get("incentive", 0.0) for each in actions])
    kept = (probability * value)[:, None] * success
    profits = kept - cost - incentive * (1 - probability)[:, None]
    return np.where(able[:, None] & (success > 0), profits, -np.inf)
