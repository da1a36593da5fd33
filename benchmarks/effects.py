"""Figures with their errors: what a change does to later points, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Figure:
    """An effect and its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:+.1f} ± {self.error:.1f}"

    @property
    def lower(self) -> bool:
        return self.value < -2 * self.error

    @property
    def higher(self) -> bool:
        return self.value > 2 * self.error


Scored = tuple[float, np.ndarray]
"""A figure, and by how much each point moves it."""


def ranked(labels: np.ndarray, predicted: np.ndarray) -> Scored:
    """AUC; a point's part in it is the share of its own pairs that are in order (DeLong)."""
    churned = labels == 1
    ranks, own = rankdata(predicted), np.empty(len(labels))
    others = np.where(churned, (~churned).sum(), churned.sum())
    for one in (churned, ~churned):
        own[one] = (ranks[one] - rankdata(predicted[one])) / others[one]
    own = np.where(churned, own, 1 - own)
    auc = own[churned].mean()
    return auc, (own - auc) / (len(labels) - others)


def surprised(labels: np.ndarray, log_odds: np.ndarray) -> Scored:
    """Log loss, and each point's part in it."""
    losses = np.logaddexp(0, log_odds) - np.where(labels == 1, log_odds, 0.0)
    return losses.mean(), (losses - losses.mean()) / len(losses)


def pooled(figures: Sequence[Figure]) -> Figure:
    """The mean, each by its certainty; where nothing changes, there is nothing to be sure of."""
    figures = [figure for figure in figures if figure.error > 0]
    if not figures:
        return Figure(0.0, 0.0)
    weights = np.array([figure.error**-2 for figure in figures])
    values = np.array([figure.value for figure in figures])
    return Figure(float(weights @ values / weights.sum()), float(weights.sum() ** -0.5))
