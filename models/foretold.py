"""Contacts whose risk a model told beforehand, as evidence of an action's success rate.

With ``r`` the risk that the model told of a customer without a contact, and ``f`` how many times
the success rate was expected of it,

    left ~ Bernoulli(c r)  of those held out,   Bernoulli(c r (1 - s f))  of those treated

where ``c``, how many times as many leave as the model told, is the same for all customers of the
action and is integrated out. So each customer counts for as much as it tells: one who was never at
risk, or whom the action could not help, for little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FACTORS, REACH = 61, 4.0
"""Points of the grid of c, and how many standard errors it reaches to each side."""
RISK_STEP, FIT_STEP = 0.25, 0.1
"""Customers this near in the log-odds of their risk and in their fit are counted together."""
LEAST, MOST = 1e-6, 1 - 1e-3
"""Of risks, and of what is kept of one."""


@dataclass(frozen=True)
class Foretold:
    """Customers of an action: an entry each.

    Attributes
    ----------
    risk
        Probability of leaving without a contact, as a model told it.
    fit
        How many times the success rate was expected of it; who has 0 tells nothing.
    treated, left
        Whether it was contacted, and whether it left; bool.
    factor, error
        What is known of `c` from others: the best guess, and its relative standard error.
    """

    risk: np.ndarray
    fit: np.ndarray
    treated: np.ndarray
    left: np.ndarray
    factor: float = 1.0
    error: float = 0.2

    @property
    def expected(self) -> float:
        """Leavers among the treated, had they not been contacted."""
        factor = float(np.exp(np.log(self._factors) @ self._weights))
        return float(np.minimum(factor * self.risk[self.treated], 1.0).sum())

    @property
    def _factors(self) -> np.ndarray:
        return np.asarray(self.factor * np.exp(self.error * _steps()))

    @cached_property
    def _weights(self) -> np.ndarray:
        """How likely each factor is by what others and its own holdout say."""
        log = self._log_factors
        weights = np.exp(log - log.max())
        return np.asarray(weights / weights.sum())

    @cached_property
    def _log_factors(self) -> np.ndarray:
        cells = _cells(self.risk, self.fit, self.left, ~self.treated)
        told = [_log_likelihood(factor * cells.risk, cells) for factor in self._factors]
        return -0.5 * _steps() ** 2 + np.array([float(each.sum()) for each in told])

    def log_likelihood(self, rates: np.ndarray) -> np.ndarray:
        """Of each success rate, the factor integrated out."""
        cells = _cells(self.risk, self.fit, self.left, self.treated)
        kept = np.clip(np.outer(rates, cells.fit), 0.0, MOST)
        found = np.empty((len(self._factors), len(rates)))
        for row, factor in enumerate(self._factors):
            without = np.clip(factor * cells.risk, LEAST, MOST)
            found[row] = _log_likelihood(without * (1 - kept), cells).sum(axis=1)
        found += self._log_factors[:, None]
        most = found.max(axis=0)
        return np.asarray(most + np.log(np.exp(found - most).sum(axis=0)))


@dataclass(frozen=True)
class _Cells:
    """Customers who are alike, counted together."""

    risk: np.ndarray
    fit: np.ndarray
    customers: np.ndarray
    leavers: np.ndarray


def _steps() -> np.ndarray:
    return np.linspace(-REACH, REACH, FACTORS)


def _cells(risk: np.ndarray, fit: np.ndarray, left: np.ndarray, own: np.ndarray) -> _Cells:
    """Means of risk and fit, and counts, of those of `own` who tell anything."""
    own = own & (fit > 0)
    risk, fit, left = np.clip(risk[own], LEAST, MOST), fit[own], left[own]
    place = np.column_stack([np.log(risk / (1 - risk)) / RISK_STEP, fit / FIT_STEP])
    _, cell = np.unique(np.round(place), axis=0, return_inverse=True)
    count = np.bincount(cell.ravel())
    total = [np.bincount(cell.ravel(), each) for each in (risk, fit, left)]
    return _Cells(total[0] / count, total[1] / count, count, total[2])


def _log_likelihood(rate: np.ndarray, cells: _Cells) -> np.ndarray:
    rate = np.clip(rate, LEAST, MOST)
    stayed = cells.customers - cells.leavers
    return np.asarray(cells.leavers * np.log(rate) + stayed * np.log1p(-rate))
