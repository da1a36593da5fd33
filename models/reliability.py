"""Whether probabilities mean what they say: of those told 10 %, do ten in a hundred leave?"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.logit import fit_logit

MOST_BINS = 10
FEWEST_A_BIN = 100
LARGEST_LOG_ODDS = 14.0
"""Beyond a million to one a probability is taken for that: one such point would decide the line."""
STEEPEST = 100.0
"""A slope beyond this, either way, is no slope: churners and others are told apart completely."""


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """How far probabilities are from what happened.

    ece
        Expected calibration error: over bins of equally many points (ten, or fewer of at least a
        hundred points each; equal probabilities share a bin), the mean distance between the mean
        prediction and the churn rate, weighted by points (Naeini, Cooper, Hauskrecht 2015, with
        bins of equal mass as Nguyen and O'Connor 2015).
    ece_by_chance
        What it would be on average if every probability were right: what so few points leave.
    calibration_slope, calibration_intercept
        Of the logistic regression of the label on the log-odds (Cox 1958): 1 and 0 when right; a
        slope below 1 says that the probabilities are too extreme.
    calibration_in_the_large
        The shift in log-odds that makes the mean right; above 0 too little churn was expected.
    """
    bins = reliability(labels, probabilities)
    slope, intercept = calibration_line(labels, probabilities)
    return {
        "ece": sum(b["points"] * abs(b["mean_prediction"] - b["rate"]) for b in bins) / len(labels),
        "ece_by_chance": sum(b["points"] * b["by_chance"] for b in bins) / len(labels),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "calibration_in_the_large": in_the_large(labels, probabilities),
    }


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Bins of equally many points, by their probabilities, lowest first.

    Each with its points, mean prediction, churn rate, the rate's 95 % interval (Wilson 1927), and
    the distance between the two that chance alone makes on average.
    """
    where = _bins(probabilities)
    points = np.bincount(where)
    expected = np.bincount(where, weights=probabilities)
    churned = np.bincount(where, weights=labels)
    spread = np.sqrt(np.bincount(where, weights=probabilities * (1 - probabilities)))
    found = []
    for b in np.flatnonzero(points):
        low, high = wilson(churned[b], points[b])
        found.append(
            {
                "points": int(points[b]),
                "mean_prediction": float(expected[b] / points[b]),
                "rate": float(churned[b] / points[b]),
                "low": low,
                "high": high,
                # The mean distance of a normal variable from its mean.
                "by_chance": float(np.sqrt(2 / np.pi) * spread[b] / points[b]),
            }
        )
    return found


def _bins(probabilities: np.ndarray) -> np.ndarray:
    """The bin of each point: equal probabilities lie where the middle one of them would."""
    bins = int(np.clip(len(probabilities) // FEWEST_A_BIN, 1, MOST_BINS))
    _, level, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    return np.minimum(middle / len(probabilities) * bins, bins - 1).astype(int)[level]


def wilson(churned: float, points: float, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson 1927): within 0 and 1 also for few points."""
    rate, extra = churned / points, z * z / points
    middle = (rate + extra / 2) / (1 + extra)
    half = z * np.sqrt(rate * (1 - rate) / points + extra / points / 4) / (1 + extra)
    return float(max(middle - half, 0)), float(min(middle + half, 1))


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), within a million to one."""
    with np.errstate(divide="ignore"):
        odds = np.log(probabilities) - np.log1p(-np.asarray(probabilities))
    return np.clip(odds, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)


def calibration_line(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[float | None, float | None]:
    """Slope and intercept of the label on the log-odds; None where no line can be told."""
    odds = log_odds(probabilities)
    if not 0 < labels.sum() < len(labels) or np.ptp(odds) < 1e-9:
        return None, None
    found = fit_logit(np.column_stack([odds, np.ones(len(odds))]), labels)
    if found is None or abs(found[0]) > STEEPEST:
        return None, None
    return float(found[0]), float(found[1])


def in_the_large(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """The shift of all log-odds that makes the mean prediction the churn rate."""
    if not 0 < labels.sum() < len(labels):
        return None
    found = fit_logit(np.ones((len(labels), 1)), labels, offset=log_odds(probabilities))
    return None if found is None else float(found[0])
