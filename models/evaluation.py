"""How good probabilities are, on points the model has never seen, beside what anybody could do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SMALLEST = 1e-15


def evaluate(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """The figures of a set of points; None where a figure needs churners and others.

    auc
        Chance that a churner is ranked above another customer.
    average_precision
        Mean precision over the ranks of the churners.
    lift_10
        Churn rate among the riskiest tenth over the churn rate of all.
    log_loss, brier
        Proper scores of the probabilities: the lower, the better.
    base_rate, mean_prediction
        What happened and what was expected.
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    labels = np.asarray(labels, dtype=np.int8)
    safe = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    both = bool(0 < labels.sum() < len(labels))
    return {
        "auc": float(roc_auc_score(labels, probabilities)) if both else None,
        "average_precision": float(average_precision_score(labels, probabilities))
        if both
        else None,
        "lift_10": lift(labels, probabilities, 0.1),
        "log_loss": float(log_loss(labels, safe, labels=[0, 1])),
        "brier": float(brier_score_loss(labels, safe, labels=[0, 1])),
        "base_rate": float(labels.mean()),
        "mean_prediction": float(np.mean(probabilities)),
    }


def lift(labels: np.ndarray, scores: np.ndarray, share: float) -> float | None:
    """Churn rate among the top `share` by score over the churn rate of all.

    Rows that tie at the border count by their mean, so the order of the rows does not matter.
    """
    base = float(np.mean(labels))
    if not base:
        return None
    size = max(1, int(np.ceil(share * len(labels))))
    border = np.partition(scores, len(scores) - size)[len(scores) - size]
    above, tied = scores > border, scores == border
    taken = labels[above].sum() + labels[tied].mean() * (size - above.sum())
    return float(taken / size / base)


def evaluate_by_cutoff(
    labels: np.ndarray, probabilities: np.ndarray, cutoffs: np.ndarray
) -> dict[str, dict[str, Any]]:
    """The figures of each cutoff, by its ISO date."""
    found = {}
    for cutoff in np.unique(cutoffs):
        here = cutoffs == cutoff
        date = str(np.datetime_as_string(cutoff, unit="D"))
        found[date] = {**evaluate(labels[here], probabilities[here]), "points": int(here.sum())}
    return found


def baselines(
    labels: np.ndarray, *, base_rate: float, recency: Sequence[float] | None
) -> dict[str, dict[str, float | None]]:
    """What anybody could do: everyone at the training's churn rate; the longest silent first."""
    found = {"base_rate": evaluate(labels, np.full(len(labels), base_rate))}
    if recency is not None:
        silent = np.nan_to_num(np.asarray(recency, dtype=np.float64), nan=np.inf)
        ranks = np.argsort(np.argsort(silent, kind="stable"), kind="stable").astype(np.float64)
        _, tied = np.unique(silent, return_inverse=True)
        mean_rank = np.bincount(tied, weights=ranks) / np.bincount(tied)
        ordered = evaluate(labels, mean_rank[tied] / max(len(labels), 1))
        kept = ("auc", "average_precision", "lift_10", "base_rate")
        found["recency"] = {name: ordered[name] for name in kept}
    return found
