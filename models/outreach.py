"""Whom to contact with what: the action that fits the cause, where it pays, with a holdout.

Expected profit of an action = P(leave) x success x value - cost - incentive x P(would have stayed
anyway). Customers are taken by profit per money spent until the budget or the capacity ends; a
random but repeatable share of those who would be contacted is held out, so that the next
evaluation can tell what the contacts did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONTACT, HOLDOUT, NONE = "contact", "holdout", "none"


@dataclass(frozen=True)
class Lever:
    """An action of the team; cost and incentive in money, success as a share of leavers kept."""

    name: str
    drivers: tuple[str, ...]
    cost: float
    incentive: float
    success_rate: float


@dataclass(frozen=True)
class Limits:
    """What outreach may spend; None is no limit."""

    budget: float | None = None
    capacity: int | None = None
    holdout_share: float = 0.1


@dataclass(frozen=True)
class Outreach:
    """Per customer: the best action (None: no action fits), its profit, the group, why not."""

    action: list[str | None]
    expected_profit: np.ndarray
    group: list[str]
    why_not: list[str]


def plan_outreach(
    *,
    customer_ids: Sequence[object],
    probability: np.ndarray,
    value: np.ndarray,
    drivers: Sequence[Sequence[str | None]],
    at_risk: np.ndarray,
    allowed: np.ndarray,
    suppressed: np.ndarray,
    levers: Sequence[Lever],
    limits: Limits,
    salt: str,
) -> Outreach:
    """Choose an action and a group for every customer.

    Parameters
    ----------
    drivers
        Per customer, the driver groups that raise its risk, strongest first.
    allowed, suppressed
        Whether it may be contacted at all, and whether it was contacted too recently.
    salt
        Names the run: the same customer may be held out in one and contacted in another.
    """
    best, profit = _best_levers(probability, value, drivers, levers)
    why_not = _reasons_against(best, profit, at_risk, allowed, suppressed)
    group = [NONE] * len(why_not)
    spent, contacts = 0.0, 0
    for i in _by_return([i for i, why in enumerate(why_not) if not why], best, profit, levers):
        lever = levers[best[i]]
        cost = lever.cost + lever.incentive
        over_budget = limits.budget is not None and spent + cost > limits.budget
        over_capacity = limits.capacity is not None and contacts >= limits.capacity
        if over_budget or over_capacity:
            why_not[i] = "budget"
        elif is_held_out(customer_ids[i], salt, limits.holdout_share):
            group[i] = HOLDOUT
        else:
            group[i] = CONTACT
            spent, contacts = spent + cost, contacts + 1
    names = [levers[k].name if k >= 0 else None for k in best]
    return Outreach(names, profit, group, why_not)


def _best_levers(
    probability: np.ndarray,
    value: np.ndarray,
    drivers: Sequence[Sequence[str | None]],
    levers: Sequence[Lever],
) -> tuple[np.ndarray, np.ndarray]:
    """The action that fits each customer's strongest driver (-1: none fits), and its profit.

    Of several actions that fit a driver the most profitable one is taken; a weaker driver is
    looked at only where no action for a stronger one pays.
    """
    profits = np.array(
        [
            probability * lever.success_rate * value
            - lever.cost
            - lever.incentive * (1 - probability)
            for lever in levers
        ]
    ).reshape(len(levers), len(probability))
    best = np.full(len(probability), -1)
    profit = np.full(len(probability), np.nan)
    for row, own in enumerate(drivers):
        for driver in own:
            fitting = [k for k, lever in enumerate(levers) if driver in lever.drivers]
            if not fitting or (best[row] >= 0 and profit[row] > 0):
                continue
            most = max(fitting, key=lambda k: (profits[k, row], -k))
            if best[row] < 0 or profits[most, row] > 0:
                best[row], profit[row] = most, profits[most, row]
    return best, profit


def _reasons_against(
    best: np.ndarray,
    profit: np.ndarray,
    at_risk: np.ndarray,
    allowed: np.ndarray,
    suppressed: np.ndarray,
) -> list[str]:
    pays = (best >= 0) & (profit > 0)
    checks = (
        ("not_at_risk", ~at_risk),
        ("no_consent", ~allowed),
        ("suppressed", suppressed),
        ("unprofitable", ~pays),
    )
    return [
        next((reason for reason, applies in checks if applies[i]), "") for i in range(len(best))
    ]


def _by_return(
    eligible: list[int], best: np.ndarray, profit: np.ndarray, levers: Sequence[Lever]
) -> list[int]:
    """Eligible customers by profit per money spent; free actions first, ties by order."""

    def rank(i: int) -> tuple[float, float, int]:
        cost = levers[best[i]].cost + levers[best[i]].incentive
        return (-(profit[i] / cost) if cost else -np.inf, -profit[i], i)

    return sorted(eligible, key=rank)


def is_held_out(customer_id: object, salt: str, share: float) -> bool:
    """Whether a customer is in the holdout of a run: a hash decides, so it never changes."""
    digest = hashlib.sha256(f"{salt}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
