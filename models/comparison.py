"""Two models on the same points: which is better, and is it more than noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.resampling import INTERVAL, resamples

SMALLEST = 1e-15


@dataclass(frozen=True)
class Gain:
    """By how much one is better, a mean over points, with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether it is better beyond noise."""
        return self.low > 0

    @property
    def is_loss(self) -> bool:
        """Whether it is worse beyond noise."""
        return self.high < 0


def paired_gain(gains: np.ndarray, customers: np.ndarray, *, seed: int, draws: int = 1000) -> Gain:
    """The mean of what each point gains, with an interval over customers.

    Paired bootstrap: both models are judged on the same drawn customers, with all of a customer's
    points, since those are no independent evidence.
    """
    drawn = [
        float(weights @ gains / weights.sum())
        for weights in resamples(customers, seed=seed, draws=draws)
    ]
    low, high = np.quantile(drawn, INTERVAL)
    return Gain(float(gains.mean()), float(low), float(high))


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The log loss of each point."""
    safe = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    return -np.where(labels == 1, np.log(safe), np.log1p(-safe))
