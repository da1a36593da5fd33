"""How many more leave of those whom something befell than of others like them: an excess.

Points are compared, a customer at a cutoff each. Two models make up for what is known before: churn
of the unexposed, and the chance of being exposed. The estimate is the augmented inverse-propensity
one of the effect on the exposed (Robins, Rotnitzky and Zhao 1994; Hahn 1998), right where either
model is; its standard error is that of its influence function, added up by customer, since the
points of a customer are no independent evidence. It is an association: a reason that is in no
covariate stays in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import hypot, sqrt
from typing import Any

import numpy as np

from models.logit import fit_logit
from models.reliability import wilson

FEWEST_POINTS, FEWEST_EVENTS = 20, 5
"""Points that either side needs, and leavers among the unexposed."""
FEW_LEAVERS = 10
"""With fewer of the exposed, what they vary by tells too little of what chance could do."""
FARTHEST = 0.95
"""No propensity counts as more than this: one point would speak for twenty and more."""
MOST_WITHOUT_MATCH = 0.5
"""Where hardly anybody is like more of the exposed than this, the others tell nothing of them."""
SMALLEST_SPREAD = 1e-9


@dataclass(frozen=True)
class Range:
    """A figure with its interval."""

    estimate: float
    low: float
    high: float

    def times(self, factor: float) -> Range:
        """So many times as much; a factor below 0 turns the interval round."""
        edges = sorted((self.low * factor, self.high * factor))
        return Range(self.estimate * factor, edges[0], edges[1])

    def reaching(self, below: float, above: float) -> Range:
        """The same with an interval that reaches at least so far below and above."""
        low, high = self.estimate - below, self.estimate + above
        return Range(self.estimate, min(self.low, low), max(self.high, high))

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Excess:
    """Churn of the exposed beyond that of others like them.

    Attributes
    ----------
    points, customers
        Exposed ones.
    others
        Points that they are compared with.
    rate, expected
        Share of the exposed points that churned, and that would have if they were not exposed.
    naive
        Churn of the exposed less that of the others, as they are.
    churn
        The excess: what `rate` has beyond `expected`.
    money
        The value that left with it, of all exposed points together; None without values.
    without_match
        Share of the exposed points whom hardly any other point is like.
    stands_for
        How many points each stands for, where they are a sample: `leavers` and `money` are of all.
    """

    points: int
    customers: int
    others: int
    rate: float
    expected: float
    naive: float
    churn: Range
    money: Range | None
    without_match: float
    stands_for: float = 1.0

    @property
    def leavers(self) -> Range:
        """How many churned points it makes."""
        return self.churn.times(self.points * self.stands_for)

    def of_sample(self, share: float) -> Excess:
        """The same where the points are those of such a share of all customers."""
        money = None if self.money is None else self.money.times(1 / share)
        return replace(self, money=money, stands_for=1 / share)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "leavers": self.leavers.as_json()}


def excess(
    churned: np.ndarray,
    exposed: np.ndarray,
    covariates: np.ndarray,
    customers: np.ndarray,
    *,
    values: np.ndarray | None = None,
    level: float = 0.95,
) -> Excess | None:
    """The excess churn of exposed points; None where there are too few to tell, or too few alike.

    Parameters
    ----------
    churned
        0 or 1 by point.
    exposed
        Whether it befell the point; the other points could have been.
    covariates
        Points x covariates, known at the cutoff: what makes points alike. None of them may tell
        the exposure itself.
    customers
        Whose point each is.
    values
        What is lost with each point's customer.

    Raises
    ------
    ValueError
        When shapes differ or values are not finite.
    """
    churned, exposed = np.asarray(churned, np.float64), np.asarray(exposed).astype(bool)
    matrix = _checked(churned, exposed, covariates, customers)
    count = int(exposed.sum())
    if min(count, len(exposed) - count) < FEWEST_POINTS or churned[~exposed].sum() < FEWEST_EVENTS:
        return None
    design = _design(matrix)
    left_over = churned - _rates(design, ~exposed, churned)
    chance = _rates(design, np.ones(len(exposed), bool), exposed.astype(np.float64))
    without_match = float((chance[exposed] > min(FARTHEST, chance[~exposed].max())).mean())
    if without_match > MOST_WITHOUT_MATCH:
        return None
    weights = _weights(exposed, np.minimum(chance, FARTHEST))
    owners = np.unique(customers, return_inverse=True)[1]
    reach = _quantile(level, len(np.unique(owners[exposed])))
    told = _Told(weights, exposed, owners, reach, design.shape[1])
    rate, people = float(churned[exposed].mean()), len(np.unique(owners[exposed]))
    churn, money = told.range(left_over), None
    if values is not None:
        money = told.range(left_over * values).times(count)
    if churned[exposed].sum() < FEW_LEAVERS:
        below, above = told.at_least(left_over, rate, people)
        churn = churn.reaching(below, above)
        if values is not None and money is not None:
            worth = float(np.abs(values[exposed]).sum())
            money = money.reaching(below * worth, above * worth)
    return Excess(
        points=count,
        customers=people,
        others=len(exposed) - count,
        rate=rate,
        expected=rate - churn.estimate,
        naive=rate - float(churned[~exposed].mean()),
        churn=churn,
        money=money,
        without_match=without_match,
    )


def prior_risk(covariates: np.ndarray, churned: np.ndarray, known: np.ndarray) -> np.ndarray:
    """All that covariates tell of churn as one: log-odds by a logistic regression on known points.

    A prognostic score (Hansen 2008, Biometrika 95): where there are few churners among those who
    are compared, alike in it is alike enough. It is learned from all unexposed points there are.
    """
    rates = _rates(_design(covariates), known, np.asarray(churned, np.float64))
    rates = np.clip(rates, 1e-6, 1 - 1e-6)
    return np.log(rates / (1 - rates))


def _checked(
    churned: np.ndarray, exposed: np.ndarray, covariates: np.ndarray, customers: np.ndarray
) -> np.ndarray:
    matrix = np.asarray(covariates, np.float64)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if not len(churned) == len(exposed) == len(matrix) == len(customers):
        raise ValueError(
            f"churned {churned.shape}, exposed {exposed.shape}, covariates {matrix.shape} and "
            f"customers {np.shape(customers)} need the same rows"
        )
    if not np.isfinite(matrix).all():
        raise ValueError("covariates must be finite numbers")
    return matrix


def _design(matrix: np.ndarray) -> np.ndarray:
    """A constant, and the covariates that vary, in standard deviations."""
    spread = matrix.std(axis=0)
    matrix, spread = matrix[:, spread > SMALLEST_SPREAD], spread[spread > SMALLEST_SPREAD]
    return np.column_stack([np.ones(len(matrix)), (matrix - matrix.mean(axis=0)) / spread])


def _rates(design: np.ndarray, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of all points, by a logistic regression on the known ones; their rate if none settles."""
    own = labels[known]
    rate = (own.sum() + 0.5) / (len(own) + 1)
    prior = np.zeros(design.shape[1])
    prior[0] = np.log(rate / (1 - rate))
    found = fit_logit(design[known], own, prior=prior)
    odds = design @ (prior if found is None else found)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _weights(exposed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """1 for the exposed; the others stand for them, in all as many, with a minus."""
    odds = np.where(exposed, 0.0, chance / (1 - chance))
    return np.where(exposed, 1.0, -odds * exposed.sum() / odds.sum())


@dataclass(frozen=True)
class _Told:
    """What weighted points tell of a mean over the exposed.

    Attributes
    ----------
    weights
        As of `_weights`.
    owners
        The place of each point's customer.
    reach
        How many standard errors the interval reaches.
    columns
        Of the regressions.
    """

    weights: np.ndarray
    exposed: np.ndarray
    owners: np.ndarray
    reach: float
    columns: int

    def range(self, left_over: np.ndarray) -> Range:
        """The mean over the exposed; its interval is from the sums of each customer's influence."""
        estimate = float(self.weights @ left_over / self.exposed.sum())
        error = self._error(self._parts(left_over) - np.where(self.exposed, estimate, 0.0))
        return Range(estimate, estimate - self.reach * error, estimate + self.reach * error)

    def at_least(self, left_over: np.ndarray, rate: float, customers: int) -> tuple[float, float]:
        """How far below and above the interval reaches where only a few of the exposed left.

        As far as Wilson's of their rate, and beside it what is uncertain about the others (MOVER:
        Zou and Donner 2008, Statistics in Medicine 27). One leaver of 58 varies little by itself,
        and could well have been five.
        """
        low, high = wilson(rate * customers, customers)
        others = self.reach * self._error(np.where(self.exposed, 0.0, self._parts(left_over)))
        return hypot(rate - low, others), hypot(high - rate, others)

    def _parts(self, left_over: np.ndarray) -> np.ndarray:
        """What each point adds, less what is expected of the others."""
        against = -self.weights[~self.exposed]
        centre = float(against @ left_over[~self.exposed] / self.exposed.sum())
        # A regression on few points leaves too little over of them.
        few = np.where(self.exposed, 1.0, sqrt(_small(against, self.columns)))
        return few * self.weights * (left_over - centre)

    def _error(self, parts: np.ndarray) -> float:
        return sqrt(float((np.bincount(self.owners, parts) ** 2).sum())) / float(self.exposed.sum())


def _small(weights: np.ndarray, columns: int) -> float:
    """What a variance lacks after a regression on few points, or few that count."""
    worth = float(weights.sum() ** 2 / (weights**2).sum())
    return worth / max(worth - columns, worth / 2)


def _quantile(level: float, customers: int) -> float:
    """Of Student's t: few exposed customers make a wider interval."""
    from scipy.special import stdtrit

    return float(stdtrit(max(customers - 1, 1), (1 + level) / 2))
