"""Whether customers brought what was expected of them: values held against later data."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.value import RANGE, Worth

DECILES = 10
DRAWS = 300
FEWEST = 50
"""Customers without which nothing is said."""


def check_values(
    expected: np.ndarray, realised: np.ndarray, *, seed: int, draws: int = DRAWS
) -> dict[str, Any]:
    """Expected against realised margin, a customer each.

    Returns
    -------
        customers, expected, realised
            How many, and the totals.
        total
            Expected over realised; 1 is right. ``total_interval`` is its 95 % interval under
            other draws of customers.
        error
            Relative standard error of a total: how far it was off, and chance, together.
        rank_correlation
            Spearman's, of customer with customer; None where all are equal.
        mean_distance
            Mean absolute difference over the mean realised.
        deciles
            By expected margin, lowest first: customers, means of both, and the standard error of
            the realised one.

    Raises
    ------
    ValueError
        With fewer than `FEWEST` customers, or where they brought nothing.
    """
    if len(expected) < FEWEST or realised.sum() <= 0:
        raise ValueError(f"fewer than {FEWEST} customers, or they brought no money")
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(expected), np.full(len(expected), 1 / len(expected)), draws)
    # Money may be given back, so that a draw of few customers may bring none in all.
    totals = np.divide(drawn @ expected, np.maximum(drawn @ realised, 1e-9 * realised.sum()))
    total = float(expected.sum() / realised.sum())
    return {
        "customers": len(expected),
        "expected": float(expected.sum()),
        "realised": float(realised.sum()),
        "total": total,
        "total_interval": [float(edge) for edge in np.quantile(totals, (0.025, 0.975))],
        "error": float(np.hypot(np.log(max(total, 1e-9)), np.log(np.maximum(totals, 1e-9)).std())),
        "rank_correlation": rank_correlation(expected, realised),
        "mean_distance": float(np.abs(expected - realised).mean() / realised.mean()),
        "deciles": deciles(expected, realised),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's rank correlation, ties by their mean rank; None where all values are equal."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (one, other)]
    if any(each.std() == 0 for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def deciles(expected: np.ndarray, realised: np.ndarray) -> list[dict[str, float]]:
    """Tenths of customers by what was expected of them, and what they brought; ties by order."""
    order = np.argsort(expected, kind="stable")
    return [
        {
            "customers": len(rows),
            "expected": float(expected[rows].mean()),
            "realised": float(realised[rows].mean()),
            "standard_error": float(realised[rows].std() / np.sqrt(len(rows))),
        }
        for rows in np.array_split(order, DECILES)
        if len(rows)
    ]


def ends_asked_for(worth: Worth, realised: np.ndarray) -> dict[str, float]:
    """By what the ends of the ranges must be multiplied so that `RANGE` of customers lie between.

    Split conformal prediction (Lei et al. 2018) with what was brought over each end as the score.

    Returns
    -------
        low, high
            The factors; 1 where nobody tells.
        covered
            The share that lay between the ends as they were.
    """
    few, many = (1 - RANGE) / 2, (1 + RANGE) / 2
    inside = (realised >= worth.low) & (realised <= worth.high)
    return {
        "low": _factor(realised, worth.low, few),
        "high": _factor(realised, worth.high, many),
        "covered": float(inside.mean()),
    }


def _factor(realised: np.ndarray, end: np.ndarray, share: float) -> float:
    there = end > 0
    if there.sum() < FEWEST:
        return 1.0
    return float(max(np.quantile(realised[there] / end[there], share), 0.0))
