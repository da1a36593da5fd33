"""Mean outcomes of the treated and of the holdout, as if both had the same customers.

Chance deals the arms unlike customers. What was known of them before the contact, above all the
model's own log-odds, tells how much of a difference that makes: within each arm the outcome is
regressed on the centred covariates, and the mean is read off at the mean of all customers. That is
the regression with treatment x covariates of Lin (2013, Annals of Applied Statistics 7), known as
CUPED where the covariate is what was measured before (Deng et al. 2013). It is never less precise
than the plain means in large samples, whether or not the regression is true.

Variances are HC3 (MacKinnon and White 1985), a little too large in small samples rather than too
small; plain means have the unbiased one of Welch's test, which is HC2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

FEWEST_ROWS = 20
"""An arm needs so many rows for each covariate (and ten more) to be adjusted by it."""
FEWEST_EVENTS = 5
"""An arm with fewer leavers, or fewer who stayed, has no line to adjust by."""


@dataclass(frozen=True)
class Arm:
    """An arm's outcome.

    Attributes
    ----------
    n, total
        Customers, and the sum of their outcomes (leavers, where the outcome is 0 or 1).
    mean
        As it was.
    expected, variance
        As it would be expected of all customers of both arms, and the variance of that; without
        adjustment the mean and its own.
    plain_variance
        Of the mean without adjustment.
    freedom
        Degrees of freedom of the variance.
    """

    n: int
    total: float
    mean: float
    expected: float
    variance: float
    plain_variance: float
    freedom: float


@dataclass(frozen=True)
class Arms:
    """Both, and what they were adjusted by; `binary` where every outcome is 0 or 1."""

    treated: Arm
    holdout: Arm
    covariates: int
    binary: bool


def arms(outcome: np.ndarray, treated: np.ndarray, covariates: np.ndarray | None = None) -> Arms:
    """Compare both arms, adjusted where the covariates and the arms' sizes allow it.

    Parameters
    ----------
    outcome
        A row per customer: churned (0 or 1), or money.
    treated
        Whether the customer was contacted; the others are the holdout.
    covariates
        Customers x covariates (or one column), known before the contact. Those that are constant
        within an arm are left out.

    Raises
    ------
    ValueError
        When shapes differ, a value is not finite, or an arm is empty.
    """
    outcome, treated = np.asarray(outcome, np.float64), np.asarray(treated).astype(bool)
    matrix = np.empty((len(outcome), 0)) if covariates is None else columns(covariates)
    check_rows(outcome, treated, matrix)
    if treated.all() or not treated.any():
        raise ValueError(
            f"an effect needs both arms; of {len(treated):,} customers {int(treated.sum()):,} "
            "were treated"
        )
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    matrix = _usable(matrix, treated)
    if not matrix.shape[1] or not all(
        _is_large(outcome[arm], matrix.shape[1], binary) for arm in (treated, ~treated)
    ):
        return Arms(_plain(outcome[treated]), _plain(outcome[~treated]), 0, binary)
    first, slopes = _adjusted(outcome[treated], matrix[treated])
    second, others = _adjusted(outcome[~treated], matrix[~treated])
    # The customers are themselves a draw: where the effect differs between them, so does its mean.
    drawn = float((matrix @ (slopes - others)).var(ddof=1)) / len(outcome) / 2
    return Arms(_plus(first, drawn), _plus(second, drawn), matrix.shape[1], binary)


def columns(covariates: np.ndarray) -> np.ndarray:
    """Customers x covariates, of one column, too."""
    matrix = np.asarray(covariates, np.float64)
    return matrix[:, None] if matrix.ndim == 1 else matrix


def check_rows(outcome: np.ndarray, treated: np.ndarray, matrix: np.ndarray) -> None:
    """Stop where rows do not belong together, or are no numbers.

    Raises
    ------
    ValueError
        With the shapes.
    """
    if outcome.ndim != 1 or treated.shape != outcome.shape or len(matrix) != len(outcome):
        raise ValueError(
            f"outcome {outcome.shape}, treated {treated.shape} and covariates {matrix.shape} "
            "need the same rows"
        )
    if not np.isfinite(outcome).all() or not np.isfinite(matrix).all():
        raise ValueError("outcomes and covariates must be finite numbers")


def _usable(matrix: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The covariates that vary in both arms, centred on all customers, in standard deviations."""
    spread = np.minimum(matrix[treated].std(axis=0), matrix[~treated].std(axis=0))
    varies = spread > 1e-9 * np.maximum(1.0, np.abs(matrix).max(axis=0, initial=0.0))
    matrix = matrix[:, varies]
    if not matrix.shape[1]:
        return matrix
    return np.asarray((matrix - matrix.mean(axis=0)) / matrix.std(axis=0))


def _is_large(outcome: np.ndarray, covariates: int, binary: bool) -> bool:
    if len(outcome) < 10 + FEWEST_ROWS * covariates:
        return False
    return not binary or min(outcome.sum(), (1 - outcome).sum()) >= FEWEST_EVENTS


def _plain(outcome: np.ndarray) -> Arm:
    n, mean = len(outcome), float(outcome.mean())
    variance = float(outcome.var(ddof=1)) / n if n > 1 else float("inf")
    return Arm(n, float(outcome.sum()), mean, mean, variance, variance, max(n - 1.0, 1.0))


def _adjusted(outcome: np.ndarray, matrix: np.ndarray) -> tuple[Arm, np.ndarray]:
    """The arm, and the slopes of its regression."""
    design = np.column_stack([np.ones(len(outcome)), matrix])
    # Standardised covariates can be squared without loss; copies of one share its slope.
    solve = np.linalg.pinv(design.T @ design, hermitian=True) @ design.T
    coefficients = solve @ outcome
    leverage = (design * solve.T).sum(axis=1)
    left_out = (outcome - design @ coefficients) / np.maximum(1 - leverage, 1e-6)
    plain = _plain(outcome)
    arm = Arm(
        n=plain.n,
        total=plain.total,
        mean=plain.mean,
        expected=float(coefficients[0]),
        variance=float(((solve[0] * left_out) ** 2).sum()),
        plain_variance=plain.plain_variance,
        freedom=float(plain.n - design.shape[1]),
    )
    return arm, coefficients[1:]


def _plus(arm: Arm, variance: float) -> Arm:
    return replace(arm, variance=arm.variance + variance)
