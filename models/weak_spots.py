"""Where the model is clearly worse than elsewhere: parts of the points, beyond noise.

What is wrong everywhere (too much churn expected of all) is a spot of its own, ``all points``; a
part is then judged by what is left, so that one cause is not told as often as there are parts.

Many parts are looked at, so some look bad by luck: a part is weak where the difference is larger
than luck makes the largest of so many (Bonferroni), and large enough to matter. Standard errors
are over customers, whose points are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from models.ranking import Ranking, auc
from models.reliability import in_the_large, log_odds
from models.segments import enough

CONFIDENCE = 0.95
EVERYWHERE = "all points"
SMALLEST_GAP = 0.1
"""Churn that is further from what was expected than this share of it matters."""
SMALLEST_FALL = 0.03
"""So does an AUC that is lower by this than that of the other points."""


@dataclass(frozen=True)
class Points:
    """Labelled and predicted points, and whose they are."""

    labels: np.ndarray
    probabilities: np.ndarray
    customers: np.ndarray

    def part(self, mask: np.ndarray) -> Points:
        return Points(self.labels[mask], self.probabilities[mask], self.customers[mask])


def weak_spots(
    points: Points,
    parts: Mapping[str, np.ndarray],
    *,
    only_calibration: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """The weak parts, the clearest first; each with what is weak there, and by how much.

    Parameters
    ----------
    parts
        Masks by name, such as ``plan = basic``.
    only_calibration
        Parts cut by the prediction itself, within which its order has little left to tell.
    """
    judged = {name: mask for name, mask in parts.items() if enough(mask, points.labels)}
    everywhere = np.ones(len(points.labels), dtype=bool)
    if not enough(everywhere, points.labels):
        return []
    checks = 1 + 2 * len(judged) - sum(name in only_calibration for name in judged)
    limit = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / checks)
    found = [(EVERYWHERE, _calibration(points, points.probabilities))]
    usual = shifted(points)
    for name, mask in judged.items():
        found.append((name, _calibration(points.part(mask), usual[mask])))
        if name not in only_calibration and enough(~mask, points.labels):
            found.append((name, _ranking(points.part(mask), points.part(~mask))))
    spots = [{"where": name, **spot} for name, spot in found if spot and spot["z"] > limit]
    return sorted(spots, key=lambda spot: -spot["z"])


def shifted(points: Points) -> np.ndarray:
    """The probabilities, with the shift in log-odds that makes their mean right."""
    shift = in_the_large(points.labels, points.probabilities) or 0.0
    return 1 / (1 + np.exp(-(log_odds(points.probabilities) + shift)))


def _calibration(part: Points, usual: np.ndarray) -> dict[str, Any] | None:
    """Churn that is not what was usual for such predictions; `z` is in standard errors.

    Told are the prediction itself and what happened.
    """
    residuals = part.labels - usual
    gap = float(residuals.mean())
    if abs(gap) < SMALLEST_GAP * float(usual.mean()):
        return None
    error = _error(residuals - gap, part.customers) / len(residuals)
    return {
        "what": "calibration",
        "expected": float(part.probabilities.mean()),
        "observed": float(part.labels.mean()),
        "points": len(residuals),
        "z": _in_errors(abs(gap), error),
    }


def _ranking(part: Points, others: Points) -> dict[str, Any] | None:
    """An AUC that is lower than that of the other points."""
    (here, error), (there, error_there) = auc_and_error(part), auc_and_error(others)
    if there - here < SMALLEST_FALL:
        return None
    return {
        "what": "ranking",
        "auc": here,
        "auc_elsewhere": there,
        "points": len(part.labels),
        "z": _in_errors(there - here, float(np.hypot(error, error_there))),
    }


def auc_and_error(points: Points) -> tuple[float, float]:
    """The AUC and its standard error, over customers (DeLong et al. 1988; Obuchowski 1997).

    A churner's part in the AUC is the share of others below it, another customer's the share of
    churners above it; what these differ from the AUC is added up by customer.
    """
    labels = points.labels == 1
    ranking = Ranking(labels, points.probabilities)
    groups = ranking.count()
    churned, others = groups.churned.sum(), groups.others.sum()
    found = auc(groups)
    assert found is not None
    below = others - np.cumsum(groups.others) + groups.others / 2
    above = np.cumsum(groups.churned) - groups.churned / 2
    group = np.empty(len(labels), dtype=np.int64)
    group[ranking.order] = np.repeat(np.arange(len(groups.points)), groups.points.astype(np.int64))
    influence = np.where(
        labels,
        (below[group] / others - found) / churned,
        (above[group] / churned - found) / others,
    )
    return found, _error(influence, points.customers)


def _error(parts: np.ndarray, customers: np.ndarray) -> float:
    """The standard error of a sum whose parts go together by customer."""
    _, index = np.unique(customers, return_inverse=True)
    return float(np.sqrt(np.sum(np.bincount(index, weights=parts) ** 2)))


def _in_errors(distance: float, error: float) -> float:
    """Of no error at all, as with a single customer, nothing can be told."""
    return distance / error if error > 1e-12 else 0.0
