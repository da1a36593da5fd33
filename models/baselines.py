"""What anybody could do without the model; the model has to beat each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import Prediction
from models.health_score import RULES, Rule, health_score
from models.logistic import logistic_probabilities

if TYPE_CHECKING:
    import pandas as pd

RECENCY = ("usage_days_since_last", "payments_days_since_last", "tickets_days_since_last")
"""What the longest silence goes by: the first of these that is there."""
SMOOTHING = 50.0
"""A score's churn rate in training counts as if so many points of the base rate stood beside it."""


def baselines(
    train: pd.DataFrame,
    train_labels: np.ndarray,
    test: pd.DataFrame,
    labels: np.ndarray,
    *,
    features: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    seed: int,
    rules: Sequence[Rule] = RULES,
) -> dict[str, Prediction]:
    """Every baseline that the vectors allow, learned from training and judged on the test.

    base_rate
        Everyone at the churn rate of the training.
    recency
        Whoever has been silent the longest first; an order without probabilities.
    points_score
        The hand-weighted `health_score` with these rules; its probabilities are the churn rate of
        each number of points in training.
    logistic_regression
        On the same vectors.
    """
    base_rate = float(train_labels.mean())
    everyone = np.full(len(test), base_rate)
    found = {"base_rate": Prediction(labels, everyone, everyone)}
    silence = next((name for name in RECENCY if name in test.columns), None)
    if silence is not None:
        found["recency"] = Prediction(labels, longest_silence(test[silence]))
    learned, points = health_score(train, rules), health_score(test, rules)
    if learned is not None and points is not None:
        rates = rates_of_points(learned, train_labels, points)
        found["points_score"] = Prediction(labels, points, rates)
    straight = logistic_probabilities(
        train, train_labels, test, features=features, levels=levels, seed=seed
    )
    if straight is not None:
        found["logistic_regression"] = Prediction(labels, straight, straight)
    return found


def longest_silence(days: Sequence[float]) -> np.ndarray:
    """Days of silence; who was never seen has been silent the longest."""
    return np.nan_to_num(np.asarray(days, dtype=np.float64), nan=np.inf)


def rates_of_points(
    train_points: np.ndarray, train_labels: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """The churn rate in training of each number of points, drawn to that of all where few had it.

    A number of points that nobody had in training is taken for the base rate.
    """
    base_rate = float(train_labels.mean())
    known, level = np.unique(train_points, return_inverse=True)
    count = np.bincount(level)
    churned = np.bincount(level, weights=train_labels)
    rates = (churned + SMOOTHING * base_rate) / (count + SMOOTHING)
    where = np.clip(np.searchsorted(known, points), 0, len(known) - 1)
    return np.where(known[where] == points, rates[where], base_rate)
