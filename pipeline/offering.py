"""Which actions each customer may be offered, and how well each fits the cause of its risk."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import UsageError
from features.histories import Histories
from features.tables import CUSTOMER
from models.calibration import probabilities
from models.drivers import Drivers
from pipeline.actions import Action
from pipeline.states import in_state

if TYPE_CHECKING:
    import pandas as pd

USUAL = 0.6
"""The share of a probability that goes with its driver where a success rate is as it is told: about
a log-odds of 1, and what actions usually meet among those at risk."""

MONTHLY = 30
"""Days of the term of who is billed by the month."""

RENEWAL = "subscriptions_days_to_renewal"
"""The feature that says when the running term ends,"""
YEARLY = "subscriptions_is_yearly"
"""and the one that says whether it is one of a year."""


def fits_of(
    drivers: Drivers, named: Sequence[Sequence[str | None]], actions: Sequence[Action]
) -> np.ndarray:
    """How many times each action's success rate is expected of each customer: customers x actions.

    An action that works takes away its driver, or eases it, and can take away no more of the risk
    than the driver adds. Where the driver adds the `USUAL` share, the success rate is as it is
    told; it grows and falls with the share that goes. So an action that eases keeps few of those
    who are almost sure to leave. Drivers that are not told are none to be answered: 0.

    Parameters
    ----------
    named
        Per customer, the driver groups that are told, strongest first.
    """
    told = np.zeros(drivers.pushes.shape, dtype=bool)
    places = {group: place for place, group in enumerate(drivers.groups)}
    for row, groups in enumerate(named):
        told[row, [places[group] for group in groups if group is not None]] = True
    reliefs = {action.relief for action in actions}
    shares = {relief: np.where(told, _times_usual(drivers, relief), 0.0) for relief in reliefs}
    fits = np.zeros((len(named), len(actions)))
    for number, action in enumerate(actions):
        answered = [places[group] for group in action.drivers if group in places]
        fits[:, number] = shares[action.relief][:, answered].max(axis=1, initial=0.0)
    return fits


def _times_usual(drivers: Drivers, relief: float) -> np.ndarray:
    """The share of each customer's probability that goes with so much of each driver.

    Told in times of what goes where the whole driver makes the `USUAL` share: never below 0.
    """
    log_odds = drivers.base + drivers.pushes.sum(axis=1, keepdims=True)
    without = probabilities(log_odds - relief * drivers.pushes)
    shares = np.clip(1 - without / probabilities(log_odds), 0.0, None)
    return np.asarray(shares / (1 - (1 - USUAL) ** relief))


def offered(
    actions: Sequence[Action],
    *,
    histories: Histories,
    customers: np.ndarray,
    frame: pd.DataFrame,
    high_value: np.ndarray,
) -> np.ndarray:
    """Whether each customer is one that each action is for: customers x actions.

    Parameters
    ----------
    customers
        Their indices in the histories, in the order of the vectors in `frame`.

    Raises
    ------
    UsageError
        When an action names an attribute that customers do not have.
    """
    found = np.ones((len(customers), len(actions)), dtype=bool)
    attributes = _attributes(histories, actions, customers)
    for number, action in enumerate(actions):
        for name, allowed in action.only.items():
            found[:, number] &= _is_one_of(attributes[name], allowed)
        if action.high_value:
            found[:, number] &= high_value
        if action.renews_within_days is not None:
            found[:, number] &= _renews_within(frame, action.renews_within_days)
        if action.needs is not None:
            found[:, number] &= in_state(frame, action.needs)
    return found


def _attributes(
    histories: Histories, actions: Sequence[Action], customers: np.ndarray
) -> dict[str, np.ndarray]:
    """The attributes that actions ask for, of these customers."""
    names = sorted({name for action in actions for name in action.only})
    for name in names:
        if name not in histories.attributes:
            raise _unknown_attribute(histories, actions, name)
    if not names:
        return {}
    table = histories.tables["customers"].order_by(CUSTOMER).select(*names)
    found = histories.engine.to_pyarrow(table)
    return {name: found[name].to_pandas().to_numpy(object)[customers] for name in names}


def _unknown_attribute(histories: Histories, actions: Sequence[Action], name: str) -> UsageError:
    action = next(action.name for action in actions if name in action.only)
    near = difflib.get_close_matches(name, histories.attributes, n=1, cutoff=0.5)
    return UsageError(
        "An action is for customers with an attribute that the histories do not have.",
        where=f"[[outreach.actions]] {action}, only",
        value=name,
        allowed=", ".join(histories.attributes) or "none: the customers have no attributes",
        fix=f"did you mean {near[0]!r}?" if near else "remove it",
    )


def _is_one_of(values: np.ndarray, allowed: Sequence[Any]) -> np.ndarray:
    """Whether values are among those allowed; true and false are kept as 1 and 0."""
    texts = {one for one in allowed if isinstance(one, str)}
    numbers = {float(one) for one in allowed if not isinstance(one, str)}
    return np.array(
        [
            value in texts if isinstance(value, str) else value is not None and value in numbers
            for value in values
        ],
        dtype=bool,
    )


def _renews_within(frame: pd.DataFrame, days: int) -> np.ndarray:
    """Whether a term is known to end within so many days, and does not always do so.

    A term by the month ends within 30 days on every day: that is nothing to be reminded of.
    """
    if RENEWAL not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    left = frame[RENEWAL].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        soon = (left >= 0) & (left <= days)
    if YEARLY not in frame.columns or 2 * days <= MONTHLY:
        return soon
    return soon & (frame[YEARLY].to_numpy(dtype=float) != 0)
