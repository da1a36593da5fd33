"""Where customers stand in their life: new, about to renew, or in between.

They leave for different reasons in each, so one figure for all may hide that a model fails in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ONBOARDING_DAYS = 90
RENEWAL_DAYS = 30
LONG_TERM_DAYS = 60
"""A shorter term ends all the time: no customer of a monthly plan is ever far from its end."""

TENURE = "customers_tenure_days"
UNTIL, PHASE = "subscriptions_days_to_renewal", "subscriptions_term_phase"
YEARLY, SINCE_START = "subscriptions_is_yearly", "subscriptions_days_since_start"


def stages(frame: pd.DataFrame, *, horizon_days: int) -> dict[str, np.ndarray]:
    """Masks of the stages, which share no customer; {} where no feature tells them apart.

    onboarding
        In the first 90 days since sign-up.
    renewal
        A term of two months or more ends within the horizon (or 30 days, if that is longer), or
        one has been renewed within the last 30 days.
    steady
        Everybody else.
    """
    if TENURE not in frame.columns and UNTIL not in frame.columns:
        return {}
    onboarding = _values(frame, TENURE) < ONBOARDING_DAYS
    renewal = _around_renewal(frame, max(horizon_days, RENEWAL_DAYS)) & ~onboarding
    found = {"onboarding": onboarding, "renewal": renewal, "steady": ~onboarding & ~renewal}
    return {name: mask for name, mask in found.items() if mask.any()}


def _around_renewal(frame: pd.DataFrame, soon: int) -> np.ndarray:
    """Where a long term ends soon, or has just begun again."""
    until, phase = _values(frame, UNTIL), _values(frame, PHASE)
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.where(phase < 1, until / (1 - phase), np.nan)
        passed = length - until
        # On the day of the renewal itself nothing is left of which to tell the length.
        is_long = np.where(np.isnan(length), _values(frame, YEARLY) > 0, length >= LONG_TERM_DAYS)
        renewed = (passed <= RENEWAL_DAYS) & (_values(frame, SINCE_START) > passed + 1)
        return is_long & ((until >= 0) & (until <= soon) | renewed)


def _values(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A feature as numbers; all missing where the vectors lack it."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
