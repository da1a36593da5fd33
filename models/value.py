"""What a customer is still worth: expected remaining margin, discounted."""

from __future__ import annotations

import numpy as np

DAYS_A_MONTH = 365.25 / 12


def remaining_margin(
    monthly_revenue: np.ndarray,
    *,
    margin: float,
    churn_rate: float,
    churn_days: int,
    horizon_months: int,
    discount_rate: float,
) -> np.ndarray:
    """The margin expected of a customer that stays now, over the next `horizon_months`.

    ``revenue x margin x sum over months m of retention^m x discount^m`` (Gupta and Lehmann 2003,
    with a finite horizon). Retention is the churn rate of all customers, turned from `churn_days`
    into a month: the value of a customer who was kept, whatever its own risk was.

    Parameters
    ----------
    monthly_revenue
        Money a month; missing or negative counts as none.
    margin
        Share of the revenue that is left after direct costs.
    churn_rate
        Share of customers that leave within `churn_days`.
    discount_rate
        A year.
    """
    kept = (1 - min(max(churn_rate, 0.0), 1.0)) ** (DAYS_A_MONTH / churn_days)
    factor = kept * (1 + discount_rate) ** (-1 / 12)
    months = float((factor ** np.arange(1, horizon_months + 1)).sum())
    return np.maximum(np.nan_to_num(monthly_revenue), 0) * margin * months
