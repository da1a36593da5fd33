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
