"""What a customer is still worth: expected remaining margin, discounted, and how far it is known.

A value is the margin expected over the horizon of a customer that does not leave in the coming
label window: what keeping it is worth. What is expected of it today is ``(1 - p) x value`` and,
with probability p, the margin until it leaves in the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

DAYS_A_MONTH = 365.25 / 12
RANGE = 0.8
"""The share of customers that bring something between `Worth.low` and `Worth.high`."""

HAZARDS, RATE, PURCHASES = "hazards", "churn rate", "purchases"
"""How values are found: by learned hazards, one churn rate for all, or a model of purchases."""


@dataclass(frozen=True)
class Worth:
    """What customers are worth who stay, an entry each.

    Attributes
    ----------
    value
        The margin expected, in money.
    low, high
        Between these lies what the middle `RANGE` of such customers bring.
    how
        `HAZARDS`, `RATE` or `PURCHASES`.
    why
        Why one churn rate stands for all; empty where it does not.
    error
        Relative standard error of a total of values, told by later data; None where unknown.
    alive
        Without contracts, the chance that each is still a customer at all; None with them.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    how: str
    why: str = ""
    error: float | None = None
    alive: np.ndarray | None = None

    def widened(self, low: float, high: float) -> Worth:
        """With ends that are multiplied, as later data asked for; the value stays between them."""
        return replace(
            self,
            low=np.minimum(self.low * low, self.value),
            high=np.maximum(self.high * high, self.value),
        )

    def today(self, probability: np.ndarray, until_leaving: np.ndarray) -> np.ndarray:
        """The margin expected of each customer as it is now, whether it leaves or stays.

        Parameters
        ----------
        probability
            Of leaving in the coming window; not asked without contracts, where silence is no
            departure and the chance to be alive stands for it.
        until_leaving
            The margin of one who leaves in the window until then.
        """
        if self.alive is not None:
            return self.alive * self.value
        return (1 - probability) * self.value + probability * until_leaving


def discounts(months: int, discount_rate: float) -> np.ndarray:
    """What money at the end of each coming month is worth today; the rate is that of a year."""
    return np.asarray((1 + discount_rate) ** (-np.arange(1, months + 1) / 12))


def staying_worth(
    monthly_revenue: np.ndarray, there: np.ndarray, *, margin: float, discount_rate: float, how: str
) -> Worth:
    """Values of customers that pay while they are there.

    ``revenue x margin x sum over months m of there_m x discount^m`` (Gupta and Lehmann 2003, with a
    finite horizon). The range is that of the month in which they leave: a tenth leave before the
    low end is earned, and a tenth stay beyond the high one.

    Parameters
    ----------
    monthly_revenue
        Money a month; missing or negative counts as none.
    there
        Points x months: the chance to be there of those who stay in the coming window; falling.
    """
    rate = np.maximum(np.nan_to_num(monthly_revenue), 0) * margin
    money = discounts(there.shape[1], discount_rate)
    few, many = (1 - RANGE) / 2, (1 + RANGE) / 2
    return Worth(
        value=rate * (there @ money),
        low=rate * ((there >= many) @ money),
        high=rate * ((there >= few) @ money),
        how=how,
    )


def constant_curve(churn_rate: float, churn_days: float, months: int) -> np.ndarray:
    """The chance to be there after each month where `churn_rate` leave within `churn_days`."""
    kept = (1 - min(max(churn_rate, 0.0), 1.0)) ** (DAYS_A_MONTH / churn_days)
    return np.asarray(kept ** np.arange(1, months + 1))


def remaining_margin(
    monthly_revenue: np.ndarray,
    *,
    margin: float,
    churn_rate: float,
    churn_days: int,
    horizon_months: int,
    discount_rate: float,
) -> np.ndarray:
    """Values under one churn rate for all, turned from `churn_days` into a month.

    What stands where nothing is known of when customers leave; see `staying_worth`.
    """
    there = constant_curve(churn_rate, churn_days, horizon_months)[None, :]
    found = staying_worth(
        monthly_revenue, there, margin=margin, discount_rate=discount_rate, how=RATE
    )
    return found.value
