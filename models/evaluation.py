"""How good a prediction is, on points the model has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.comparison import log_losses
from models.ranking import Groups, Ranking, auc, average_precision, lift_and_recall
from models.reliability import calibration

SHARES = {1: 0.01, 5: 0.05, 10: 0.10}
"""The riskiest shares that lift and recall are told of."""

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Prediction:
    """What a model, or anything simpler, says of labelled points.

    Attributes
    ----------
    labels
        1 who churned, 0 who stayed.
    scores
        Higher is riskier, on any scale.
    probabilities
        Where there are any: some baselines only put customers in an order.
    """

    labels: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray | None = None

    @cached_property
    def ranking(self) -> Ranking:
        return Ranking(self.labels, self.scores)

    @cached_property
    def losses(self) -> dict[str, np.ndarray]:
        """The log loss and the Brier score of each point; empty without probabilities."""
        if self.probabilities is None:
            return {}
        return {
            "log_loss": log_losses(self.labels, self.probabilities),
            "brier": (np.asarray(self.probabilities) - self.labels) ** 2,
        }

    def figures(self, weights: np.ndarray | None = None) -> Figures:
        """The figures of the points, each counted as often as its weight says.

        auc
            Chance that a churner is ranked above another customer.
        average_precision
            Mean precision over the ranks of the churners.
        lift_1, lift_5, lift_10
            Churn rate among the riskiest 1, 5, 10 % over the churn rate of all.
        recall_1, recall_5, recall_10
            Share of the churners who are among the riskiest 1, 5, 10 %.
        log_loss, brier
            Proper scores of the probabilities: the lower, the better.
        """
        found = order_figures(self.ranking.count(weights))
        for name, losses in self.losses.items():
            found[name] = float(np.average(losses, weights=weights))
        return found


def order_figures(groups: Groups) -> Figures:
    """The figures that only need an order; None where they need churners and others."""
    found: Figures = {"auc": auc(groups), "average_precision": average_precision(groups)}
    for percent, share in SHARES.items():
        found[f"lift_{percent}"], found[f"recall_{percent}"] = lift_and_recall(groups, share)
    return found


def evaluate(labels: np.ndarray, probabilities: np.ndarray) -> Figures:
    """The figures of probabilities, their calibration, what happened and what was expected."""
    labels = np.asarray(labels, dtype=np.int8)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    return {
        **Prediction(labels, probabilities, probabilities).figures(),
        "base_rate": float(labels.mean()),
        "mean_prediction": float(probabilities.mean()),
        **calibration(labels, probabilities),
    }


def evaluate_parts(
    labels: np.ndarray, probabilities: np.ndarray, parts: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """The figures of each part that has points; `parts` are masks by name."""
    return {
        name: {
            "points": int(here.sum()),
            "churned": int(labels[here].sum()),
            **evaluate(labels[here], probabilities[here]),
        }
        for name, here in parts.items()
        if here.any()
    }


def by_cutoff(cutoffs: np.ndarray) -> dict[str, np.ndarray]:
    """A mask for each cutoff (datetime64), by its ISO date."""
    days = np.asarray(cutoffs).astype("datetime64[D]")
    return {str(day): days == day for day in np.unique(days)}
