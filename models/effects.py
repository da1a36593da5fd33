"""What a contact did to an outcome, treated minus holdout: on churn, or on money.

The arms are made alike by what was known before (`models.arms`). For churn the interval is
Newcombe's with the adjusted rates (`models.mover`), for money a t interval; both have
Satterthwaite's degrees of freedom, since holdouts are small. Beside it stands an interval that
holds however often one looks (`models.anytime`).

What is told is the effect on customers like these, had they been contacted rather than held out. A
customer is one row: of several campaigns each has its own effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from models.anytime import PLANNED, reach
from models.arms import Arm, Arms, arms
from models.many import holm
from models.mover import Interval, difference, ratio, symmetric, wilson

LEVEL = 0.95
FARTHEST = 40.0
"""In standard errors; what is farther from zero has no chance at all."""


@dataclass(frozen=True)
class Kept:
    """Of those who would have left, the share that the contact kept, with its interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """What the contact did, as a difference of means.

    Attributes
    ----------
    estimate, error, freedom
        Treated minus holdout (below 0: fewer leavers), its standard error, degrees of freedom.
    low, high, level
        The interval for one look.
    p
        Of no effect at all; below ``1 - level`` exactly where the interval leaves out 0.
    anytime_low, anytime_high
        The interval for any number of looks.
    treated, holdout
        The arms: customers, means, adjusted means.
    adjusted, variance_reduction
        Whether covariates were used, and by what share they lowered the variance.
    kept
        ``1 - treated rate / holdout rate``; None for money, and where nobody of the holdout left.
    """

    estimate: float
    error: float
    freedom: float
    low: float
    high: float
    level: float
    p: float
    anytime_low: float
    anytime_high: float
    treated: Arm
    holdout: Arm
    adjusted: bool
    variance_reduction: float
    kept: Kept | None

    @property
    def plain(self) -> float:
        """Difference of the means as they were."""
        return self.treated.mean - self.holdout.mean

    @property
    def turned(self) -> bool:
        """Whether the means as they were differ the other way than the adjusted ones."""
        return self.plain * self.estimate < 0

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "plain": self.plain, "turned": self.turned}


@dataclass(frozen=True)
class PartEffect:
    """The effect within a part of the customers.

    Attributes
    ----------
    effect
        None where an arm has nobody of this part.
    p
        Corrected for the number of parts (Holm 1979).
    clear
        Whether there is an effect beyond what chance makes of so many parts.
    """

    effect: Effect | None
    p: float | None
    clear: bool


def effect(
    outcome: np.ndarray,
    treated: np.ndarray,
    covariates: np.ndarray | None = None,
    *,
    level: float = LEVEL,
    planned: int = PLANNED,
) -> Effect:
    """The effect of being contacted, with its intervals.

    Parameters
    ----------
    outcome
        A row per customer: churned (0 or 1), or money.
    treated
        Whether the customer was contacted; the others were held out by chance.
    covariates
        Customers x covariates (or one column) from before the contact, best the log-odds of churn.
        Not used where an arm is too small for it (`models.arms`).
    planned
        Customers of both arms at the end, the same at every look; see `models.anytime`.

    Raises
    ------
    ValueError
        When shapes differ, a value is not finite, an arm is empty, or the level is no share.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must be between 0 and 1, not {level:g}")
    both = arms(outcome, treated, covariates)
    one, other, freedom = both.treated, both.holdout, _freedom(both)
    plain = one.plain_variance + other.plain_variance
    often = reach(one.n + other.n, level=level, planned=planned)
    low, high = _interval(both, _quantile(level, freedom))
    anytime = _interval(both, _as_t(often, freedom))
    return Effect(
        estimate=one.expected - other.expected,
        error=sqrt(one.variance + other.variance),
        freedom=freedom,
        low=low,
        high=high,
        level=level,
        p=_p_value(both, freedom),
        anytime_low=anytime[0],
        anytime_high=anytime[1],
        treated=one,
        holdout=other,
        adjusted=both.covariates > 0,
        variance_reduction=_reduction(both, plain),
        kept=_kept(both, _quantile(level, freedom)),
    )


def effects_by(
    outcome: np.ndarray,
    treated: np.ndarray,
    covariates: np.ndarray | None,
    parts: Mapping[str, np.ndarray],
    *,
    level: float = LEVEL,
    planned: int = PLANNED,
) -> dict[str, PartEffect]:
    """The effect within each part, in the order given; which are clear, of so many looked at.

    Parameters
    ----------
    parts
        Masks of the customers by name; they may overlap.
    """
    treated, found = np.asarray(treated).astype(bool), dict[str, Effect | None]()
    for name, rows_of in parts.items():
        mask = np.asarray(rows_of, bool)
        own = None if covariates is None else np.asarray(covariates)[mask]
        there = treated[mask].any() and not treated[mask].all()
        rows = np.asarray(outcome)[mask], treated[mask]
        found[name] = effect(*rows, own, level=level, planned=planned) if there else None
    corrected = holm([None if one is None else one.p for one in found.values()])
    told = dict(zip(found, corrected, strict=True))
    return {
        name: PartEffect(one, told[name], (told[name] or 0.0) < 1 - level if one else False)
        for name, one in found.items()
    }


def _own(arm: Arm, critical: float, *, binary: bool) -> Interval:
    if not np.isfinite(arm.variance) or critical == inf:
        return (0.0, 1.0) if binary else (-inf, inf)
    if binary:
        return wilson(arm.expected, arm.variance, arm.n, critical)
    return symmetric(arm.expected, arm.variance, critical)


def _interval(both: Arms, critical: float) -> Interval:
    """Of the difference; an adjusted rate beyond none or all counts as that."""
    one, other = both.treated, both.holdout
    own, others = (_own(arm, critical, binary=both.binary) for arm in (one, other))
    first, second = (_rate(arm) if both.binary else arm.expected for arm in (one, other))
    return difference(first, own, second, others)


def _rate(arm: Arm) -> float:
    return min(max(arm.expected, 0.0), 1.0)


def _kept(both: Arms, critical: float) -> Kept | None:
    first, second = _rate(both.treated), _rate(both.holdout)
    if not both.binary or second <= 0 or not both.holdout.total:
        return None
    own, others = (_own(arm, critical, binary=True) for arm in (both.treated, both.holdout))
    low, high = ratio(first, own, second, others)
    return Kept(1 - first / second, 1 - high, 1 - low)


def _freedom(both: Arms) -> float:
    """Satterthwaite's (1946); at least those of the smaller arm."""
    pair = (both.treated, both.holdout)
    total = sum(arm.variance for arm in pair)
    fewest = min(arm.freedom for arm in pair)
    if not np.isfinite(total) or total <= 0:
        return fewest
    return max(total**2 / sum(arm.variance**2 / arm.freedom for arm in pair), fewest)


def _quantile(level: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _as_t(errors: float, freedom: float) -> float:
    """The quantile of t that is as unlikely as so many errors of a normal one."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(freedom, ndtr(-errors)))


def _p_value(both: Arms, freedom: float) -> float:
    """Of no effect: by how wide the interval must be to reach zero."""
    from scipy.special import stdtr

    below, above = 0.0, FARTHEST
    if _holds_zero(both, below):
        return 1.0
    for _ in range(50):
        middle = (below + above) / 2
        below, above = (below, middle) if _holds_zero(both, middle) else (middle, above)
    return min(2 * float(stdtr(freedom, -below)), 1.0)


def _holds_zero(both: Arms, critical: float) -> bool:
    low, high = _interval(both, critical)
    return low <= 0 <= high


def _reduction(both: Arms, plain: float) -> float:
    if not both.covariates or not 0 < plain < inf:
        return 0.0
    return 1 - (both.treated.variance + both.holdout.variance) / plain
