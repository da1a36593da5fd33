"""Whether groups of customers stay equally long: the log-rank test, also with delayed entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.kaplan_meier import LifeTable


@dataclass(frozen=True)
class LogRank:
    """Of each group who left, and who would have if all groups were alike; chi-squared.

    ``p_value`` is None where there is nothing to compare: fewer than two groups of whom anybody
    could have left.
    """

    left: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    freedom: int
    p_value: float | None


def log_rank(tables: Sequence[LifeTable]) -> LogRank:
    """Compare the life tables of groups (Mantel 1966; k groups: Peto and Peto 1972).

    At each age at which somebody leaves, the leavers are expected to be spread over the groups as
    the customers of that age are, with the variance of the hypergeometric distribution. Delayed
    entry needs nothing else than that only those count who are seen at that age.
    """
    from scipy.special import chdtrc

    at_risk, left = (_side_by_side([getattr(t, name) for t in tables]) for name in _COUNTS)
    some = left.sum(axis=0) > 0
    at_risk, left = at_risk[:, some], left[:, some]
    everybody, gone = at_risk.sum(axis=0), left.sum(axis=0)
    share = at_risk / everybody
    expected = share * gone
    weight = gone * (everybody - gone) / np.maximum(everybody - 1, 1)
    variance = np.diag((share * weight).sum(axis=1)) - (share * weight) @ share.T
    compared = np.flatnonzero(expected.sum(axis=1) > 0)
    statistic, freedom = _chi_squared((left - expected).sum(axis=1), variance, compared)
    return LogRank(
        left=tuple(left.sum(axis=1).astype(int).tolist()),
        expected=tuple(expected.sum(axis=1).tolist()),
        statistic=statistic,
        freedom=freedom,
        p_value=float(chdtrc(freedom, statistic)) if freedom else None,
    )


_COUNTS = ("at_risk", "left")


def _side_by_side(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Lines of unequal length as rows of floats, filled up with zeros."""
    days = max((len(line) for line in lines), default=0)
    rows = [np.pad(line.astype(np.float64), (0, days - len(line))) for line in lines]
    return np.array(rows).reshape(len(rows), days)


def _chi_squared(
    surplus: np.ndarray, variance: np.ndarray, compared: np.ndarray
) -> tuple[float, int]:
    """The statistic and its degrees of freedom; the last group's surplus follows from the rest."""
    free = compared[:-1]
    if not len(free):
        return 0.0, 0
    part = variance[np.ix_(free, free)]
    freedom = int(np.linalg.matrix_rank(part))
    return float(surplus[free] @ np.linalg.pinv(part) @ surplus[free]), freedom
