"""What contacts may take altogether: money, contacts, and contacts by action."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

ROUNDING = 1 + Fraction(np.finfo(np.float64).eps) * 4


@dataclass(frozen=True)
class Resources:
    """The limits of an allocation; None, and infinity for an action, are no limit.

    Attributes
    ----------
    budget
        Money for all contacts together.
    capacity
        Contacts altogether.
    per_action
        Contacts by action, as many as there are actions; only whole ones count.

    Raises
    ------
    ValueError
        When a limit is negative or no number.
    """

    budget: float | None
    capacity: float | None
    per_action: np.ndarray

    def __post_init__(self) -> None:
        told = [self.budget, self.capacity, *np.asarray(self.per_action, np.float64).tolist()]
        for limit in told:
            if limit is not None and not limit >= 0:
                raise ValueError(f"a limit must be a number of at least 0, not {limit!r}")

    @property
    def money(self) -> float:
        return np.inf if self.budget is None else float(self.budget)

    @property
    def contacts(self) -> float:
        return np.inf if self.capacity is None else float(np.floor(self.capacity))

    @property
    def of_action(self) -> np.ndarray:
        return np.floor(np.asarray(self.per_action, np.float64))

    def possible(self, costs: np.ndarray) -> np.ndarray:
        """By action, whether there may be a single contact with it."""
        return (costs <= self.money) & (self.of_action >= 1) & (self.contacts >= 1)

    def hold(self, counts: np.ndarray, costs: np.ndarray) -> bool:
        """Whether so many contacts by action keep within every limit; money is added exactly."""
        few = bool(counts.sum() <= self.contacts) and bool((counts <= self.of_action).all())
        return few and spent(counts, costs) <= self.money

    def rows(self, costs: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The limits that may bind `most` contacts, as ``uses @ counts <= limits``.

        Returns
        -------
        uses
            Limits x actions: what a contact takes.
        limits
            How much there is; all above 0.
        place
            Which limit each is: 0 the budget, 1 the capacity, 2 and on those of the actions.
        """
        uses = np.vstack([costs, np.ones(len(costs)), np.eye(len(costs))])
        limits = np.concatenate([[_usable(self.money, costs), self.contacts], self.of_action])
        reach = most * uses.max(axis=1, initial=0.0)
        place = np.flatnonzero((limits > 0) & (limits < reach))
        return uses[place], limits[place], place


def _usable(money: float, costs: np.ndarray) -> float:
    """What of the money contacts can add up to: they all cost multiples of some unit.

    Costs are taken as the decimals that they are written as, with room for the rounding that lies
    between; a price for the rest, which cannot be spent, would widen the bound.
    """
    if not np.isfinite(money):
        return money
    told = [Fraction(repr(cost)) for cost in costs.tolist()]
    below = math.lcm(*(cost.denominator for cost in told))
    unit = Fraction(math.gcd(*(int(cost * below) for cost in told)), below)
    return float(Fraction(money) * ROUNDING // unit * unit) if unit else money


def spent(counts: np.ndarray, costs: np.ndarray) -> float:
    """The money that so many contacts by action cost: the exact sum, rounded once."""
    pairs = zip(counts.tolist(), costs.tolist(), strict=True)
    return float(sum((int(count) * Fraction(cost) for count, cost in pairs), Fraction(0)))
