"""Before a campaign: what effect it could prove, and what the holdout costs.

The test is that of the evaluation (`models.effects`): Newcombe's interval of the difference leaves
out zero. Of ``n_t`` treated and ``n_h`` held out, churn rate ``q`` without the contact and success
rate ``s``, the rates of the arms will be about ``q`` and ``q (1 - s)``, as likely as Beta
distributions of those means with the variances of binomial rates. For each rate of the holdout
there is a rate of the treated below which the effect is found; the power is how likely the treated
are below. Where adjustment lowers the variance by a share ``r``, an arm counts for ``n / (1 - r)``
customers.

The usual formulas (Fleiss, Levin and Paik 2003, chapter 4) are near it for like arms; with a small
holdout they tell too little power, since an interval is narrower towards zero. `customers` are
always those of both arms together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

POWER = 0.8
MOST_CUSTOMERS = 100_000_000
"""A campaign that needs more is none."""
FEWEST_HELD_OUT = 2
"""Fewer customers in an arm have no variance."""
LIKELY = 200
"""Rates of the holdout that are looked at."""


@dataclass(frozen=True)
class Plan:
    """A campaign to be.

    Attributes
    ----------
    customers, holdout_share
        Of both arms together, and the share that is held out.
    churn_rate, success_rate
        Of the customers without the contact; share of the leavers that the contact keeps.
    variance_reduction
        By adjustment with the model's score; 0.1 is usual where an AUC is 0.8.
    level
        Of the interval that is to leave out zero.
    """

    customers: int
    holdout_share: float
    churn_rate: float
    success_rate: float
    variance_reduction: float = 0.0
    level: float = 0.95

    def __post_init__(self) -> None:
        shares = (self.holdout_share, self.churn_rate, self.success_rate)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares and rates are between 0 and 1: {self}")
        if self.customers < 0 or not 0 < self.level < 1 or not 0 <= self.variance_reduction < 1:
            raise ValueError(f"a plan needs customers, a level, and less than all variance: {self}")

    @property
    def holdout(self) -> int:
        """Customers held out."""
        return round(self.customers * self.holdout_share)

    @property
    def treated(self) -> int:
        """Customers contacted."""
        return self.customers - self.holdout


@dataclass(frozen=True)
class Advice:
    """What a plan can prove; None where nothing can, and `why`.

    Attributes
    ----------
    power
        Chance that the effect is found.
    customers_needed
        Of both arms, for the power asked for with the same share held out.
    smallest_success
        The lowest success rate that is found with that power.
    best_share
        The holdout share with the highest power for the same customers.
    forgone
        Profit that the holdout costs, where the profit of a contact is known.
    """

    power: float | None
    customers_needed: int | None
    smallest_success: float | None
    best_share: float | None
    forgone: float | None
    why: str


def advise(plan: Plan, *, wanted: float = POWER, profit: float | None = None) -> Advice:
    """All of it at once.

    Parameters
    ----------
    wanted
        The power asked for.
    profit
        Expected profit of one contact.
    """
    return Advice(
        power=power(plan),
        customers_needed=customers_needed(plan, wanted),
        smallest_success=smallest_success(plan, wanted),
        best_share=best_share(plan),
        forgone=None if profit is None else profit_forgone(plan, profit),
        why=impossible(plan) or out_of_reach(plan, wanted),
    )


def impossible(plan: Plan) -> str:
    """Why nothing can be found by this plan; empty where something can."""
    if min(plan.holdout, plan.treated) < FEWEST_HELD_OUT:
        return (
            f"of {plan.customers:,} customers {plan.holdout:,} are held out and {plan.treated:,} "
            f"contacted; it takes {FEWEST_HELD_OUT} of each"
        )
    if plan.churn_rate == 0:
        return "nobody would leave without the contact"
    return "" if plan.success_rate > 0 else "a contact that keeps nobody has no effect to find"


def out_of_reach(plan: Plan, wanted: float = POWER) -> str:
    """Why the power asked for cannot be had with these customers; empty where it can."""
    if smallest_success(plan, wanted) is None:
        return (
            f"even an action that keeps every leaver is found with less than {wanted:.0%}; "
            f"{plan.holdout:,} held out are too few"
        )
    return ""


def power(plan: Plan) -> float | None:
    """The chance that the contact is found to help; None where the plan is impossible."""
    from scipy.special import betainc

    if impossible(plan):
        return None
    q, p = plan.churn_rate, plan.churn_rate * (1 - plan.success_rate)
    counts_for = 1 - plan.variance_reduction
    own, other = plan.treated / counts_for, plan.holdout / counts_for
    limits = _limits(_likely(q, other), own, other, _critical(plan))
    if p in (0.0, 1.0):
        return float((limits > p).mean())
    below = betainc(p * (own - 1), (1 - p) * (own - 1), np.maximum(limits, 0.0))
    return float(below.mean())


def _critical(plan: Plan) -> float:
    """How many standard errors the interval reaches, with Satterthwaite's degrees of freedom."""
    from scipy.special import stdtrit

    q, p = plan.churn_rate, plan.churn_rate * (1 - plan.success_rate)
    own, other = p * (1 - p) / plan.treated, q * (1 - q) / plan.holdout
    parts = own**2 / (plan.treated - 1) + other**2 / (plan.holdout - 1)
    freedom = (own + other) ** 2 / parts if parts else plan.holdout - 1.0
    return float(stdtrit(freedom, (1 + plan.level) / 2))


def _likely(rate: float, n: float) -> np.ndarray:
    """Rates that an arm of n customers may have, equally likely."""
    from scipy.special import betaincinv

    if rate in (0.0, 1.0):
        return np.array([rate])
    levels = (np.arange(LIKELY) + 0.5) / LIKELY
    return np.asarray(betaincinv(rate * (n - 1), (1 - rate) * (n - 1), levels))


def _limits(rates: np.ndarray, own: float, other: float, critical: float) -> np.ndarray:
    """For each rate of the holdout, the rate of the treated below which the effect is found.

    Below 0 where none is low enough.
    """
    reach = rates - _wilson(rates, other, -critical)
    low, high = np.full_like(rates, -1e-9), rates.copy()
    for _ in range(40):
        middle = (low + high) / 2
        rate = np.maximum(middle, 0.0)
        found = rate + np.hypot(_wilson(rate, own, critical) - rate, reach) < rates
        low, high = np.where(found, middle, low), np.where(found, high, middle)
    return low


def _wilson(rates: np.ndarray, n: float, critical: float) -> np.ndarray:
    """The upper limit of each rate's score interval; the lower one for a negative `critical`."""
    pull = critical**2 / n
    root = np.sqrt(rates * (1 - rates) / n + pull / n / 4)
    return np.asarray((rates + pull / 2 + critical * root) / (1 + pull))


def customers_needed(plan: Plan, wanted: float = POWER) -> int | None:
    """How many customers of both arms find the effect with the power asked for.

    The fewest, up to how the arms are rounded; None where no number does.
    """
    _check(wanted)

    def enough(customers: int) -> bool:
        return (power(replace(plan, customers=customers)) or 0.0) >= wanted

    if not enough(MOST_CUSTOMERS):
        return None
    low, high = 0, MOST_CUSTOMERS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest_success(plan: Plan, wanted: float = POWER) -> float | None:
    """The lowest success rate that is found with the power asked for; None where none is."""
    _check(wanted)

    def enough(success: float) -> bool:
        return (power(replace(plan, success_rate=success)) or 0.0) >= wanted

    if not enough(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def best_share(plan: Plan) -> float | None:
    """The holdout share, in whole percent, with the highest power for the same customers.

    The smallest of those that are as good; near a half, since both arms are then as sure.
    """
    found = [
        (power(replace(plan, holdout_share=share)) or 0.0, -share)
        for share in np.arange(1, 100) / 100
    ]
    most, share = max(found)
    return -float(share) if most > 0 else None


def profit_forgone(plan: Plan, profit: float) -> float:
    """What the holdout costs: the expected profit of the contacts that are not made.

    Contacts that lose money cost nothing to leave out.
    """
    return plan.holdout * max(profit, 0.0)


def _check(wanted: float) -> None:
    if not 0 < wanted < 1:
        raise ValueError(f"the power asked for is between 0 and 1, not {wanted:g}")
