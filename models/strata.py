"""Differences of rates within strata, added up, and many of them at once.

The Mantel-Haenszel risk difference with the variance of Sato (1989, Biometrics 45), which holds for
few large strata and for many sparse ones; of many differences Holm (1979) tells which are clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from models.exposure import Range

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Difference:
    """Rate of those with less that of those without, within strata.

    Attributes
    ----------
    with_, without
        How many there are.
    rate_with, rate_without
        As they are.
    adjusted
        The difference within strata.
    p
        Chance of as large a difference where there is none.
    """

    with_: int
    without: int
    rate_with: float
    rate_without: float
    adjusted: Range
    p: float


def difference(
    outcome: np.ndarray, has: np.ndarray, strata: np.ndarray, *, level: float = 0.95
) -> Difference | None:
    """The difference of the rates of a 0/1 outcome; None where no stratum has both sides.

    Parameters
    ----------
    has
        Whether a row is with what is asked about.
    strata
        The stratum of each row, of any kind that can be sorted.
    """
    outcome, has = np.asarray(outcome, np.float64), np.asarray(has).astype(bool)
    _, where = np.unique(strata, return_inverse=True)
    size = int(where.max()) + 1 if len(where) else 0
    n1, n0 = (np.bincount(where[one], minlength=size).astype(float) for one in (has, ~has))
    a, b = (np.bincount(where[one], outcome[one], minlength=size) for one in (has, ~has))
    both = (n1 > 0) & (n0 > 0)
    if not both.any():
        return None
    n1, n0, a, b = n1[both], n0[both], a[both], b[both]
    total = n1 + n0
    whole = float((n1 * n0 / total).sum())
    estimate = float(((a * n0 - b * n1) / total).sum()) / whole
    error = sqrt(max(_sato(a, b, n1, n0, estimate), 0.0)) / whole
    reach = _NORMAL.inv_cdf((1 + level) / 2) * error
    return Difference(
        with_=int(has.sum()),
        without=int((~has).sum()),
        rate_with=float(outcome[has].mean()),
        rate_without=float(outcome[~has].mean()),
        adjusted=Range(estimate, estimate - reach, estimate + reach),
        p=1.0 if error == 0 else 2 * _NORMAL.cdf(-abs(estimate) / error),
    )


def _sato(a: np.ndarray, b: np.ndarray, n1: np.ndarray, n0: np.ndarray, estimate: float) -> float:
    total = n1 + n0
    p = (n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / total**2
    q = (a * (n0 - b) + b * (n1 - a)) / (2 * total)
    return float(estimate * p.sum() + q.sum())
