"""Prices of limited money and contacts, at which everybody's own best choice is nearly the best of
all together; and the bound they prove.

Lagrangian dual of the multiple-choice knapsack (Kellerer, Pferschy and Pisinger 2004, chapter 11):
for any prices of at least 0, what all limits are worth at these plus everybody's best profit beyond
what a contact then costs is no less than the profit of any allocation. The lowest such sum is
sought with cutting planes (Kelley 1960): every try yields an allocation, which tells how the sum
changes with the prices near by, and so how low it may be at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.choosing import BLOCK, at_toll
from models.resources import Resources

MOST_TRIES = 400
CLOSE = 1e-9
"""Bound and mixture differ by no more of the bound: below, the linear programme cannot tell."""
ROUNDING = 64 * np.finfo(np.float64).eps
"""More than sums of blocks and the differences in them can lose."""


@dataclass(frozen=True)
class Prices:
    """What a unit of each limit is worth; 0 where there is more than enough.

    Attributes
    ----------
    budget, capacity
        Profit for one more unit of money, and for one more contact.
    per_action
        Profit for one more contact with each action; infinite where none is possible at all.
    least, last
        Where the allocation ended: of those who like an action best, the ones got something whose
        reduced profit was above `least`, or equal to it with an order below `last`.
    """

    budget: float
    capacity: float
    per_action: np.ndarray
    least: np.ndarray
    last: np.ndarray

    def toll(self, costs: np.ndarray) -> np.ndarray:
        """What a contact with each action must bring at least."""
        return self.budget * costs + self.capacity + self.per_action


@dataclass
class _Tried:
    """One try: the profit of its allocation, and the share of each limit that it takes."""

    profit: float
    used: np.ndarray


def find_prices(
    profits: np.ndarray, costs: np.ndarray, resources: Resources
) -> tuple[Prices, float]:
    """The prices with the lowest bound found, and the bound.

    Parameters
    ----------
    profits
        Customers x actions; ``-inf`` where an action is not to be taken.
    costs
        Money for a contact with each action.
    """
    uses, limits, place = resources.rows(costs, len(profits))
    closed = np.where(resources.possible(costs), 0.0, np.inf)
    counts = np.empty(len(costs), np.int64)
    sums = np.empty((-(-len(profits) // BLOCK), 2))
    tried: list[_Tried] = []
    worth, best, bound = np.zeros(len(limits)), np.zeros(len(limits)), np.inf
    for _ in range(MOST_TRIES):
        toll = (worth / limits) @ uses + closed
        beyond, whole = at_toll(profits, toll, counts, sums)
        value = (worth.sum() + beyond) * (1 + ROUNDING) + ROUNDING * whole
        if value < bound:
            best, bound = worth, value
        tried.append(_Tried(whole, uses @ counts / limits))
        if not len(limits) or bound <= 0:
            break
        worth, below = _next(tried, bound)
        if bound - below <= CLOSE * bound:
            break
    return _told(best / limits, place, closed), bound


def _next(tried: list[_Tried], bound: float) -> tuple[np.ndarray, float]:
    """The worth of each whole limit at which the bound may be lowest, and how low it may be.

    In units of the bound found so far: no limit is worth more than the bound, so all lie in 0..1.
    """
    from scipy.optimize import linprog

    profit = np.array([each.profit for each in tried]) / bound
    used = np.array([each.used for each in tried])
    scale = np.maximum(1.0, np.maximum(profit, used.max(axis=1)))
    cuts = -np.column_stack([used, np.ones(len(tried))]) / scale[:, None]
    found = linprog(
        np.ones(used.shape[1] + 1), A_ub=cuts, b_ub=-profit / scale, bounds=(0, 1), method="highs"
    )
    if found.x is None:
        return np.zeros(used.shape[1]), bound
    return np.clip(found.x[:-1], 0, 1) * bound, float(found.fun) * bound


def _told(worth: np.ndarray, place: np.ndarray, closed: np.ndarray) -> Prices:
    every = np.zeros(2 + len(closed))
    every[place] = worth
    actions = len(closed)
    return Prices(
        float(every[0]), float(every[1]), every[2:] + closed, np.zeros(actions), np.ones(actions)
    )
