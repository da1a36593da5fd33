"""What an order of customers by risk is worth: figures from points counted once by their score.

Every figure is computed from `Groups`: weighted counts of the points that share a score, riskiest
first. Points are sorted once; each resample of them is then a new count, not a new sort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Groups:
    """Points that share a score, a group each, the highest score first; weights added up."""

    points: np.ndarray
    churned: np.ndarray

    @property
    def others(self) -> np.ndarray:
        return self.points - self.churned


class Ranking:
    """Points in the order of a score (float, any scale; higher is riskier)."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        self.order = np.argsort(-scores, kind="stable")
        ordered = scores[self.order]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
        self.starts = np.flatnonzero(first)
        self.labels = np.asarray(labels, dtype=np.float64)[self.order]

    def count(self, weights: np.ndarray | None = None) -> Groups:
        """The groups, each point counted as often as its weight says (once without weights)."""
        ordered = np.ones(len(self.labels)) if weights is None else weights[self.order]
        return Groups(
            points=np.add.reduceat(ordered, self.starts),
            churned=np.add.reduceat(ordered * self.labels, self.starts),
        )


def auc(groups: Groups) -> float | None:
    """Chance that a churner is ranked above another customer; ties count half."""
    churned, others = groups.churned.sum(), groups.others.sum()
    if not churned or not others:
        return None
    below = others - np.cumsum(groups.others)
    return float(groups.churned @ (below + groups.others / 2) / (churned * others))


def average_precision(groups: Groups) -> float | None:
    """Mean precision over the ranks of the churners; points that tie are taken together."""
    churned, others = groups.churned.sum(), groups.others.sum()
    if not churned or not others:
        return None
    taken = np.cumsum(groups.points)
    precision = np.cumsum(groups.churned) / np.maximum(taken, 1e-12)
    return float(groups.churned @ precision / churned)


def churners_among(groups: Groups, points: np.ndarray | float) -> np.ndarray:
    """How many churners are among the riskiest `points`.

    A group that is cut counts by its mean, so the order of the rows does not matter.
    """
    taken = np.concatenate([[0.0], np.cumsum(groups.points)])
    return np.interp(points, taken, np.concatenate([[0.0], np.cumsum(groups.churned)]))


def lift_and_recall(groups: Groups, share: float) -> tuple[float | None, float | None]:
    """Of the riskiest `share`: its churn rate over that of all; the share of churners it holds."""
    points, churned = groups.points.sum(), groups.churned.sum()
    if not churned:
        return None, None
    size = max(1.0, float(np.ceil(share * points)))
    found = float(churners_among(groups, size))
    return found / size / float(churned / points), found / float(churned)
