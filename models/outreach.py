"""Whom to contact with what: the action that brings most within the limits, with a holdout.

The holdout is drawn among all whom a contact would pay, before anything is shared out. The money
then goes to the others; who was held out and would have been contacted at the prices that came of
it is the holdout, so it stands beside the contacted as if a coin had told them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.allocation import Allocation, allocate, wanted
from models.expected_profit import Doubt, Forecast, Outlook, expected_profits, forecast
from models.holdout import hash_share, held_out
from models.levers import Lever
from models.resources import Resources, spent

CONTACT, HOLDOUT, NONE = "contact", "holdout", "none"
BUDGET = "budget"
CERTAIN = Doubt()
"""Only the success rates are doubted."""


@dataclass(frozen=True)
class Limits:
    """What outreach may spend; None is no limit."""

    budget: float | None = None
    capacity: int | None = None
    holdout_share: float = 0.1


@dataclass(frozen=True)
class Outreach:
    """What is to be done for each customer, and what it is expected to bring.

    Attributes
    ----------
    action, expected_profit, profit_low, profit_high
        By customer, for who is not contacted the best action by itself; None and nan where none is
        offered. The interval holds 95 %.
    group, why_not
        contact, holdout or none; the reason for none, otherwise empty.
    spent
        Money set aside for all contacts: cost and incentive.
    gap, bound
        No choice within the limits brings more than the bound; which share of it is missed.
    by_action, total
        What the contacts bring together, with intervals and verdicts.
    """

    action: list[str | None]
    expected_profit: np.ndarray
    profit_low: np.ndarray
    profit_high: np.ndarray
    group: list[str]
    why_not: list[str]
    spent: float
    gap: float
    bound: float
    by_action: dict[str, Outlook]
    total: Outlook


@dataclass(frozen=True)
class _Shared:
    """Who gets which action (the place, -1 for none), and why not."""

    action: np.ndarray
    group: np.ndarray
    why_not: np.ndarray
    allocation: Allocation


def plan_outreach(
    *,
    customer_ids: Sequence[object],
    probability: np.ndarray,
    value: np.ndarray,
    fits: np.ndarray,
    at_risk: np.ndarray,
    allowed: np.ndarray,
    suppressed: np.ndarray,
    levers: Sequence[Lever],
    limits: Limits,
    campaign: str,
    strata: Sequence[np.ndarray] = (),
    doubt: Doubt = CERTAIN,
) -> Outreach:
    """Choose an action and a group for every customer.

    Parameters
    ----------
    customer_ids
        Each once.
    fits
        Customers x levers, as `models.expected_profit` takes them; 0: not offered.
    allowed, suppressed
        Whether it may be contacted at all, and whether it was contacted too recently.
    campaign
        Names the run: the same customer may be held out in one and contacted in another.
    strata
        What the holdout is to be balanced by, beside the best action.

    Raises
    ------
    ValueError
        When a limit or a fit is not allowed, or sizes disagree.
    """
    profits = expected_profits(probability, value, levers, fits)
    best = _best(profits)
    against = _reasons_against(_at(profits, best), at_risk, allowed, suppressed)
    shared = _share_out(
        list(customer_ids), profits, best, against, levers, limits, campaign, strata
    )
    found = forecast(
        probability=probability,
        value=value,
        levers=levers,
        fits=fits,
        action=shared.action,
        contacted=shared.group == CONTACT,
        doubt=doubt,
    )
    return _told(shared, profits, levers, found)


def _best(profits: np.ndarray) -> np.ndarray:
    """By customer the place of the action with the largest profit, -1 where none is offered."""
    if not profits.shape[1]:
        return np.full(len(profits), -1)
    known = np.where(np.isnan(profits), -np.inf, profits)
    return np.where(known.max(axis=1) > -np.inf, known.argmax(axis=1), -1)


def _at(profits: np.ndarray, action: np.ndarray) -> np.ndarray:
    found = np.full(len(action), np.nan)
    some = np.flatnonzero(action >= 0)
    found[some] = profits[some, action[some]]
    return found


def _reasons_against(
    profit: np.ndarray, at_risk: np.ndarray, allowed: np.ndarray, suppressed: np.ndarray
) -> np.ndarray:
    """The first reason not to contact each customer, empty where there is none."""
    checks = {
        "not_at_risk": ~at_risk,
        "no_consent": ~allowed,
        "suppressed": suppressed,
        "unprofitable": ~(profit > 0),
    }
    return np.select(list(checks.values()), list(checks), "").astype(object)


def _share_out(
    ids: list[object],
    profits: np.ndarray,
    best: np.ndarray,
    against: np.ndarray,
    levers: Sequence[Lever],
    limits: Limits,
    campaign: str,
    strata: Sequence[np.ndarray],
) -> _Shared:
    eligible = np.flatnonzero(against == "")
    own = [ids[i] for i in eligible]
    by = [np.asarray(each)[eligible] for each in (*strata, best)]
    held = held_out(own, campaign=campaign, share=limits.holdout_share, strata=by)
    order = hash_share(own, f"order of {campaign}")
    costs = np.array([lever.outlay for lever in levers])
    pool, aside = eligible[~held], eligible[held]
    allocation = allocate(profits[pool], costs, _resources(levers, limits), order=order[~held])
    chosen = np.full(len(profits), -1)
    chosen[pool] = allocation.action
    chosen[aside] = wanted(profits[aside], costs, allocation.prices, order=order[held])
    group = np.full(len(profits), NONE, dtype=object)
    group[pool], group[aside] = CONTACT, HOLDOUT
    group[chosen < 0] = NONE
    why_not = np.where((group == NONE) & (against == ""), BUDGET, against)
    return _Shared(np.where(chosen >= 0, chosen, best), group, why_not, allocation)


def _resources(levers: Sequence[Lever], limits: Limits) -> Resources:
    own = [np.inf if lever.capacity is None else lever.capacity for lever in levers]
    return Resources(limits.budget, limits.capacity, np.array(own, dtype=np.float64))


def _told(
    shared: _Shared, profits: np.ndarray, levers: Sequence[Lever], found: Forecast
) -> Outreach:
    contacts = shared.action[shared.group == CONTACT]
    costs = np.array([lever.outlay for lever in levers])
    return Outreach(
        action=[levers[k].name if k >= 0 else None for k in shared.action.tolist()],
        expected_profit=_at(profits, shared.action),
        profit_low=found.low,
        profit_high=found.high,
        group=shared.group.tolist(),
        why_not=shared.why_not.tolist(),
        spent=spent(np.bincount(contacts, minlength=len(levers)), costs),
        gap=shared.allocation.gap,
        bound=shared.allocation.bound,
        by_action=found.by_action,
        total=found.total,
    )
