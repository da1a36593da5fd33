"""What a campaign without a holdout did: the contacted against like customers nobody contacted.

Who was contacted differs from who was not, mostly in risk. Two models make up for what is known of
it: churn without a contact (fitted on those not contacted), and the chance of being contacted. The
estimate is the augmented inverse-propensity one of the effect on the treated (Robins, Rotnitzky and
Zhao 1994; Hahn 1998; Mercatanti and Li 2014), right where either of the two models is. What neither
this nor any other method can know is a reason for the choice of customers that is in no covariate
(unmeasured confounding); the E-value (VanderWeele and Ding 2017, Annals of Internal Medicine 167)
tells how strong it would have to be to explain the effect away.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, sqrt
from typing import Any, ClassVar

import numpy as np

from models.arms import check_rows, columns
from models.logit import fit_logit

FEWEST = 20
"""Customers that either group must have."""
FARTHEST = 0.95
"""No propensity counts as more than this: one customer would speak for twenty and more."""
MOST_WITHOUT = 0.1
"""With more of the treated without a like untreated customer, the effect is a guess."""


@dataclass(frozen=True)
class Observed:
    """An effect on those who were contacted, without a holdout to prove it.

    Attributes
    ----------
    estimate, error, low, high, p, level
        Outcome with the contact minus that without it (below 0: fewer leavers), its standard
        error, its interval, and the chance of as much without any effect.
    treated, untreated
        Customers.
    mean, expected
        Outcome of the treated, and what it would have been without the contact.
    naive
        Treated minus untreated, as they are.
    without_match
        Share of the treated whom hardly any untreated customer is like.
    overlap
        Whether these are few.
    e_value, e_value_of_limit
        How many times likelier a hidden reason would have to make both the contact and the outcome
        (each) to explain the estimate, and the interval's limit nearer to no effect; 1: nothing
        hidden is needed. None where no ratio can be told.
    """

    observational: ClassVar[bool] = True
    estimate: float
    error: float
    low: float
    high: float
    p: float
    level: float
    treated: int
    untreated: int
    mean: float
    expected: float
    naive: float
    without_match: float
    overlap: bool
    e_value: float | None
    e_value_of_limit: float | None

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "observational": True}


def observed_effect(
    outcome: np.ndarray, treated: np.ndarray, covariates: np.ndarray, *, level: float = 0.95
) -> Observed:
    """The effect on the treated, as far as the covariates explain who was contacted.

    Parameters
    ----------
    outcome
        A row per customer: churned (0 or 1), or money.
    treated
        Whether the customer was contacted; the others could have been.
    covariates
        Customers x covariates (or one column), known before the contact: all that the choice was
        made by, such as the log-odds of churn and the value.

    Raises
    ------
    ValueError
        When shapes differ, values are not finite, or a group has fewer than 20 customers.
    """
    outcome, treated = np.asarray(outcome, np.float64), np.asarray(treated).astype(bool)
    design = _design(covariates, outcome, treated)
    chance = _propensity(design, treated)
    estimate, error = _on_treated(outcome, treated, design, np.minimum(chance, FARTHEST))
    count = int(treated.sum())
    freedom = float(max(min(count, len(outcome) - count) - design.shape[1], 1))
    reach = _quantile(level, freedom) * error
    mean, others = float(outcome[treated].mean()), float(outcome[~treated].mean())
    near = max(min(0.0, estimate + reach), estimate - reach)
    without = float((chance[treated] > min(FARTHEST, chance[~treated].max())).mean())
    hidden = [_e_value(outcome, treated, one) for one in (estimate, near)]
    return Observed(
        estimate=estimate,
        error=error,
        low=estimate - reach,
        high=estimate + reach,
        p=_p_value(estimate, error, freedom),
        level=level,
        treated=count,
        untreated=len(outcome) - count,
        mean=mean,
        expected=mean - estimate,
        naive=mean - others,
        without_match=without,
        overlap=without <= MOST_WITHOUT,
        e_value=hidden[0],
        e_value_of_limit=hidden[1],
    )


def _design(covariates: np.ndarray, outcome: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """A constant, and the covariates in standard deviations with the squares of those that bend."""
    matrix = columns(covariates)
    check_rows(outcome, treated, matrix)
    if min(treated.sum(), (~treated).sum()) < FEWEST:
        raise ValueError(
            f"{int(treated.sum()):,} customers were contacted and {int((~treated).sum()):,} were "
            f"not; it takes {FEWEST} of each"
        )
    matrix = matrix[:, matrix.std(axis=0) > 1e-9]
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    bends = [k for k in range(matrix.shape[1]) if len(np.unique(matrix[:, k])) > 2]
    return np.column_stack([np.ones(len(outcome)), matrix, matrix[:, bends] ** 2])


def _on_treated(
    outcome: np.ndarray, treated: np.ndarray, design: np.ndarray, chance: np.ndarray
) -> tuple[float, float]:
    """The doubly robust estimate, and its standard error by its influence function."""
    count = int(treated.sum())
    left_over = outcome - _without_contact(design, outcome, treated)
    odds = np.where(treated, 0.0, chance / (1 - chance))
    # Weights that add up to the treated keep one untreated customer from moving much.
    weights = np.where(treated, 1.0, -odds * count / odds.sum())
    estimate = float(weights @ left_over) / count
    centre = float(-weights[~treated] @ left_over[~treated]) / count
    parts = np.where(treated, left_over - centre - estimate, weights * (left_over - centre))
    variance = float((parts[treated] ** 2).sum()) * _small(weights[treated], design.shape[1])
    variance += float((parts[~treated] ** 2).sum()) * _small(weights[~treated], design.shape[1])
    return estimate, sqrt(variance) / count


def _small(weights: np.ndarray, columns: int) -> float:
    """What a variance lacks that is from few customers, or few that count, after a regression."""
    worth = float(weights.sum() ** 2 / (weights**2).sum())
    return worth / max(worth - columns, 1.0)


def _without_contact(design: np.ndarray, outcome: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The outcome expected of each customer without a contact, by those who had none."""
    own, known = design[~treated], outcome[~treated]
    if np.isin(outcome, (0.0, 1.0)).all():
        return _rates(design, own, known)
    coefficients, *_ = np.linalg.lstsq(own, known)
    return np.asarray(design @ coefficients)


def _propensity(design: np.ndarray, treated: np.ndarray) -> np.ndarray:
    return _rates(design, design, treated.astype(np.float64))


def _rates(design: np.ndarray, own: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of all rows, by a logistic regression on some; the rate of these where none settles."""
    rate = (labels.sum() + 0.5) / (len(labels) + 1)
    prior = np.zeros(design.shape[1])
    prior[0] = np.log(rate / (1 - rate))
    found = fit_logit(own, labels, prior=prior)
    odds = design @ (prior if found is None else found)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _quantile(level: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _p_value(estimate: float, error: float, freedom: float) -> float:
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return min(2 * float(stdtr(freedom, -abs(estimate) / error)), 1.0)


def _e_value(outcome: np.ndarray, treated: np.ndarray, estimate: float) -> float | None:
    """Of an effect of this size; money is turned into a ratio as in the paper's table 2."""
    if np.isin(outcome, (0.0, 1.0)).all():
        mean = float(outcome[treated].mean())
        expected = mean - estimate
        if mean <= 0 or expected <= 0:
            return None
        return e_value(mean / expected)
    spread = float(outcome[~treated].std())
    return e_value(exp(0.91 * estimate / spread)) if spread > 0 else None


def e_value(ratio: float) -> float:
    """How strong a hidden reason must be to make this ratio of risks (above 0) where there is none.

    ``RR + sqrt(RR (RR - 1))``, of the inverse for a ratio below 1.
    """
    ratio = max(ratio, 1 / ratio)
    return ratio + sqrt(ratio * (ratio - 1))
