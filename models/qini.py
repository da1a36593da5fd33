"""Whether an order of customers puts those first whom a contact changes: Qini and uplift curves.

Of a campaign with a holdout, both arms are taken in the order of a score. After each score:

qini
    benefit of the treated so far, less that of as many of the holdout (Radcliffe 2007, "Using
    control groups to target on predicted lift"): ``S_t - S_h N_t / N_h``
uplift
    customers so far times the difference of the arms' means: ``(S_t / N_t - S_h / N_h) N``
    (Gutierrez and Gerardy 2017, "Causal inference and uplift modelling")

with ``S`` the sum of benefits and ``N`` of customers of an arm, zero where an arm has nobody yet.
Where the holdout share differs between customers, each counts by one over the chance of its arm.
Benefit is what is to be high: minus churned (0 or 1), or money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.comparison import Gain
from models.resampling import INTERVAL, resamples

DRAWS = 500


@dataclass(frozen=True)
class Curve:
    """Customers in the order of a score, and what contacting them gained; both begin at 0.

    Attributes
    ----------
    customers
        Of both arms, up to each score; who has the same score comes together.
    qini, uplift
        What was gained by then.
    treated, holdout
        Customers of each arm; `qini` is about the treated.
    """

    customers: np.ndarray
    qini: np.ndarray
    uplift: np.ndarray
    treated: float
    holdout: float

    @property
    def auuc(self) -> float:
        """Area under the uplift curve: the gain per customer, a mean over all shares contacted."""
        return area(self.customers, self.uplift) / float(self.customers[-1]) ** 2

    @property
    def qini_coefficient(self) -> float:
        """Area between the Qini curve and a random order's.

        The gain per customer over contacting as many at random, a mean over all shares contacted.
        """
        random = float(self.customers[-1] * self.qini[-1]) / 2
        beyond = area(self.customers, self.qini) - random
        return beyond / float(self.customers[-1]) / self.treated


class Targeting:
    """Customers of both arms, sorted once by a score; each resample is then a new count."""

    def __init__(
        self,
        scores: np.ndarray,
        benefit: np.ndarray,
        treated: np.ndarray,
        propensity: np.ndarray | None = None,
    ) -> None:
        """Sort the customers.

        Parameters
        ----------
        scores
            Any scale; the highest are contacted first.
        benefit
            Of each customer: minus churned, or money.
        treated
            Whether it was contacted; the others were held out by chance.
        propensity
            The chance of being contacted that each had; the same for all where left out.

        Raises
        ------
        ValueError
            When shapes differ, a value is not finite, an arm is empty or a chance not within 0
            and 1.
        """
        scores, benefit = np.asarray(scores, np.float64), np.asarray(benefit, np.float64)
        treated = np.asarray(treated).astype(bool)
        chance = np.full(len(scores), 0.5) if propensity is None else np.asarray(propensity)
        _check(scores, benefit, treated, chance)
        self.order = np.argsort(-scores, kind="stable")
        ordered = scores[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        own = np.where(treated, chance, 1 - chance)
        weights = np.ones(len(scores)) if propensity is None else 1 / own
        columns = [np.ones(len(scores))]
        for arm in (treated, ~treated):
            columns += [weights * arm, weights * arm * benefit]
        self.columns = np.column_stack(columns)[self.order]

    def curve(self, drawn: np.ndarray | None = None) -> Curve:
        """The curves, each customer counted as often as drawn (once where nothing was drawn)."""
        columns = self.columns if drawn is None else self.columns * drawn[self.order, None]
        sums = np.add.reduceat(columns, self.starts, axis=0).cumsum(axis=0)
        count, n_t, s_t, n_h, s_h = np.vstack([np.zeros(5), sums]).T
        mean_t, mean_h = _divided(s_t, n_t), _divided(s_h, n_h)
        arms = float(n_t[-1]), float(n_h[-1])
        return Curve(count, s_t - n_t * mean_h, (mean_t - mean_h) * count, *arms)


def qini_gain(
    first: Targeting, second: Targeting, customers: np.ndarray, *, seed: int, draws: int = DRAWS
) -> Gain:
    """By how much the Qini coefficient of one order is higher than another's.

    With the 95 % interval of a paired bootstrap: both are judged on the same drawn customers. A
    draw that lacks an arm tells nothing.

    Parameters
    ----------
    customers
        Whose row each is; all rows of a customer are drawn together.
    """
    told = first.curve().qini_coefficient - second.curve().qini_coefficient
    drawn = []
    for weights in resamples(customers, seed=seed, draws=draws):
        curves = [order.curve(weights) for order in (first, second)]
        if min(curves[0].treated, curves[0].holdout) > 0:
            drawn.append(curves[0].qini_coefficient - curves[1].qini_coefficient)
    low, high = np.quantile(drawn, INTERVAL)
    return Gain(told, float(low), float(high))


def area(x: np.ndarray, y: np.ndarray) -> float:
    """Under the straight lines between points."""
    return float(np.trapezoid(y, x))


def _divided(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)


def _check(
    scores: np.ndarray, benefit: np.ndarray, treated: np.ndarray, chance: np.ndarray
) -> None:
    shapes = {scores.shape, benefit.shape, treated.shape, chance.shape}
    if len(shapes) > 1 or scores.ndim != 1:
        raise ValueError(f"scores, benefits, arms and chances need the same rows, not {shapes}")
    if not np.isfinite(scores).all() or not np.isfinite(benefit).all():
        raise ValueError("scores and benefits must be finite numbers")
    if treated.all() or not treated.any():
        raise ValueError("a Qini curve needs treated customers and a holdout")
    if not ((chance > 0) & (chance < 1)).all():
        raise ValueError("the chance of being contacted lies between 0 and 1, without both")
