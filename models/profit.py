"""What acting on probabilities earns: the profit of contacting whom it seems to pay to contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Campaign:
    """An action for everybody who is contacted; money, and the share of leavers that it keeps.

    The incentive goes to those who would have stayed anyway, too.
    """

    cost: float
    incentive: float
    success_rate: float


def expected(probabilities: np.ndarray, values: np.ndarray, campaign: Campaign) -> np.ndarray:
    """The profit of contacting each customer, by its probability of leaving and its value."""
    kept = probabilities * campaign.success_rate * values
    return kept - campaign.cost - campaign.incentive * (1 - probabilities)


def realised(
    labels: np.ndarray, probabilities: np.ndarray, values: np.ndarray, campaign: Campaign
) -> np.ndarray:
    """What each customer brings when those are contacted whom it seems to pay to contact.

    Of the leavers contacted the campaign keeps its share; who is not contacted brings nothing.
    """
    contacted = expected(probabilities, values, campaign) > 0
    return np.where(contacted, expected(np.asarray(labels, np.float64), values, campaign), 0.0)


def per_contact(labels: np.ndarray, values: np.ndarray, campaign: Campaign) -> np.ndarray:
    """What contacting each customer turns out to bring, now that it is known who left."""
    return expected(np.asarray(labels, dtype=np.float64), values, campaign)


def profit_curve(scores: np.ndarray, gains: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Profit when the top shares by a score are contacted, as a mean over all customers.

    Parameters
    ----------
    scores
        Higher is contacted first; who ties counts by the mean.
    gains
        What contacting each brings, as `per_contact` tells.
    shares
        Of the customers, from 0 to 1.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]])) + 1
    total = np.concatenate([[0.0], np.cumsum(gains[order])[ends - 1]])
    taken = np.concatenate([[0.0], ends / len(scores)])
    return np.interp(shares, taken, total) / len(scores)


def best_share(shares: np.ndarray, curve: np.ndarray) -> tuple[float, float]:
    """The smallest share whose profit is the largest, and that profit."""
    best = int(np.argmax(curve))
    return float(shares[best]), float(curve[best])
