"""Logistic regressions with a handful of coefficients, by Newton's method."""

from __future__ import annotations

import numpy as np

STEPS = 100


def fit_logit(
    design: np.ndarray,
    labels: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
    prior: np.ndarray | None = None,
) -> np.ndarray | None:
    """The coefficients; None where they do not settle.

    A step that makes it worse is halved: full steps may swing ever wider.

    Parameters
    ----------
    design
        A column per coefficient, a row per point.
    offset
        Log-odds that are there without any coefficient.
    prior
        Where the coefficients are drawn to, as strongly as one point would: so they stay finite
        where a column parts the labels.
    """
    pull = 0.0 if prior is None else 1.0
    centre = np.zeros(design.shape[1]) if prior is None else np.asarray(prior, np.float64)

    def goodness(at: np.ndarray) -> float:
        odds = design @ at + offset
        told = np.sum(labels * odds - np.logaddexp(0, odds))
        return float(told - 0.5 * pull * np.sum((at - centre) ** 2))

    weights = centre.copy()
    best = goodness(weights)
    for _ in range(STEPS):
        rate = 1 / (1 + np.exp(-np.clip(design @ weights + offset, -500, 500)))
        curve = (design * (rate * (1 - rate))[:, None]).T @ design + pull * np.eye(len(weights))
        gradient = design.T @ (labels - rate) - pull * (weights - centre)
        try:
            step = np.linalg.solve(curve, gradient)
        except np.linalg.LinAlgError:
            return None
        found = goodness(weights + step)
        while found < best - 1e-9 and np.abs(step).max() > 1e-9:
            step = step / 2
            found = goodness(weights + step)
        weights, best = weights + step, found
        if np.abs(step).max() < 1e-8:
            return weights
    return None
