"""Whom to contact with which action where money and contacts are limited: a multiple-choice
knapsack, solved to within a proven gap.

Prices for the limits are found first (`models.prices`); at these almost everybody's choice is
clear. The few for whom it is close are settled together, exactly (`models.near_ties`). Small
problems are solved to the optimum, large ones to within a millionth or so of the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from models.choosing import favourites, fill
from models.near_ties import find_open, settle
from models.prices import CLOSE, Prices, find_prices
from models.resources import Resources

ROUNDS = 4
"""How often the close ones are settled anew, each time with less that may be missing."""
SMALL = 1000
ENOUGH = 1e-7
"""With more customers than that, the search ends where no more than this share can be won."""


@dataclass(frozen=True)
class Allocation:
    """Who gets what.

    Attributes
    ----------
    action
        By customer, the place of its action; -1 for none.
    profit
        Of all together.
    bound
        No allocation within the limits brings more than that; proven at `prices`.
    prices
        What a unit of each limit is worth.
    proven
        Whether no other allocation is better, by the search of the close ones: of large problems,
        by more than `ENOUGH` of the bound.
    """

    action: np.ndarray
    profit: float
    bound: float
    prices: Prices
    proven: bool

    @property
    def gap(self) -> float:
        """The share of the bound that is not reached; 0 where the bound is 0."""
        return max(0.0, (self.bound - self.profit) / self.bound) if self.bound > 0 else 0.0


def allocate(
    profits: np.ndarray, costs: np.ndarray, resources: Resources, *, order: np.ndarray
) -> Allocation:
    """Choose at most one action for each customer, for the most profit within the limits.

    Parameters
    ----------
    profits
        Customers x actions, money; ``-inf`` or ``nan`` where an action is not possible. Only
        profits above 0 are ever taken.
    costs
        Money for a contact with each action.
    order
        By customer, a number that decides between equals, as `models.holdout.hash_share` gives;
        the result does not depend on the order of the rows.

    Raises
    ------
    ValueError
        When a profit is infinite, a cost negative or no number, or sizes disagree.
    """
    _refuse_odd(profits, costs, resources, order)
    turn = np.argsort(order, kind="stable")
    gains = np.where(profits > 0, profits, -np.inf)[turn]
    gains[:, ~resources.possible(costs)] = -np.inf
    prices, bound = find_prices(gains, costs, resources)
    toll = prices.toll(costs)
    action = _filled(gains, costs, resources, toll)
    action, proven = _settled(gains, costs, resources, toll, action, bound)
    placed = np.empty(len(action), np.int64)
    placed[turn] = action
    least, last = _edges(gains, toll, action, order[turn])
    prices = replace(prices, least=least, last=last)
    return Allocation(placed, _profit(gains, action), bound, prices, proven)


def wanted(
    profits: np.ndarray, costs: np.ndarray, prices: Prices, *, order: np.ndarray
) -> np.ndarray:
    """By customer, the action it would get at these prices (-1: none).

    For customers who took no part in the allocation. Among those who did, as many are wanted as got
    an action: who is worth as much as the last of them is by `order`, as there. Which customers are
    contacted instead of equals may differ where sums of costs had to fit.
    """
    gains = np.where(profits > 0, profits, -np.inf)
    favourite, most = _favourites(gains, prices.toll(costs))
    if not len(costs):
        return favourite
    least, last = prices.least[favourite], prices.last[favourite]
    chosen = (most > least) | ((most == least) & (order < last))
    return np.where(chosen & (favourite >= 0), favourite, -1)


def _refuse_odd(
    profits: np.ndarray, costs: np.ndarray, resources: Resources, order: np.ndarray
) -> None:
    if profits.shape != (len(order), len(costs)) or len(resources.per_action) != len(costs):
        raise ValueError(
            f"profits of {profits.shape}, {len(order)} customers, {len(costs)} costs and "
            f"{len(resources.per_action)} limits of actions do not fit together"
        )
    if not (np.isfinite(costs).all() and (costs >= 0).all()):
        raise ValueError(f"costs must be finite and at least 0, not {costs.tolist()}")
    if np.isposinf(profits).any():
        raise ValueError("a profit is infinite")


def _filled(
    gains: np.ndarray, costs: np.ndarray, resources: Resources, toll: np.ndarray
) -> np.ndarray:
    """Actions by the largest reduced profit first; what is left over goes to whoever it serves."""
    _, most = _favourites(gains, toll)
    turns = np.argsort(-most, kind="stable")
    turns = turns[most[turns] > -np.inf]
    action = np.full(len(gains), -1)
    counts = np.zeros(len(costs), np.int64)
    uses, limits, _ = resources.rows(costs, len(gains))
    for least in (0.0, -np.inf):
        fill(gains, toll, least, turns, uses, limits, counts, action)
    # Products and sums were rounded on the way, so a limit that is met to the cent may be exceeded.
    for i in turns[::-1]:
        if resources.hold(counts, costs):
            break
        if action[i] >= 0:
            counts[action[i]] -= 1
            action[i] = -1
    return action


def _settled(
    gains: np.ndarray,
    costs: np.ndarray,
    resources: Resources,
    toll: np.ndarray,
    action: np.ndarray,
    bound: float,
) -> tuple[np.ndarray, bool]:
    """The actions with the close ones settled, and whether that is proven best."""
    close = ENOUGH * bound if len(gains) > SMALL else 0.0
    profit = _profit(gains, action)
    for _ in range(ROUNDS):
        missing = bound - profit
        if missing <= max(close, CLOSE * bound):
            return action, True
        open_ = find_open(gains, toll, action, missing)
        found, proven = settle(open_, gains, costs, resources, action, close=close)
        better = _profit(gains, found)
        if better > profit:
            action = found
        if better <= profit or (proven and open_.complete):
            return action, proven and open_.complete
        profit = better
    return action, False


def _edges(
    gains: np.ndarray, toll: np.ndarray, action: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By action, the reduced profit and the order up to which those got something who like it best.

    Rows come by `order`.
    """
    favourite, most = _favourites(gains, toll)
    turns = np.argsort(-most, kind="stable")
    least, last = np.zeros(len(toll)), np.ones(len(toll))
    for a in range(len(toll)):
        group = turns[favourite[turns] == a]
        taken = int((action[group] >= 0).sum())
        if taken == len(group):
            least[a] = min(0.0, most[group].min(initial=0.0))
        elif most[group[taken]] >= 0 or (taken and most[group[taken - 1]] < 0):
            least[a], last[a] = most[group[taken]], order[group[taken]]
    return least, last


def _favourites(gains: np.ndarray, toll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    favourite, most = np.empty(len(gains), np.int64), np.empty(len(gains))
    favourites(gains, toll, favourite, most)
    return favourite, most


def _profit(gains: np.ndarray, action: np.ndarray) -> float:
    taken = np.flatnonzero(action >= 0)
    return math.fsum(gains[taken, action[taken]])
