"""What customers are worth, and what acting on them costs, under a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints
from features.purchases import purchases
from features.revenue import monthly_revenue
from models.buying_worth import DAYS_A_WEEK, buying_worth
from models.model import ChurnModel
from models.profit import Campaign
from models.purchases import Bought
from models.value import HAZARDS, PURCHASES, RATE, Worth, constant_curve, staying_worth
from pipeline.config import Config
from pipeline.staying import WHY, curves

if TYPE_CHECKING:
    import pandas as pd

LEARNED = "value"
"""Where a model's context holds what later data said of values: error, low and high."""


def values_of(
    config: Config,
    histories: Histories,
    points: LabelledPoints,
    *,
    model: ChurnModel,
    frame: pd.DataFrame,
) -> np.ndarray | None:
    """The values alone; see `worth_of`."""
    found = worth_of(config, histories, points, model=model, frame=frame)
    return None if found is None else found.value


def worth_of(
    config: Config,
    histories: Histories,
    points: LabelledPoints,
    *,
    model: ChurnModel,
    frame: pd.DataFrame,
    months: int | None = None,
) -> Worth | None:
    """What each point's customer is worth; None where there is no money.

    With contracts: the price or what is paid a month, over the months it is expected to stay.
    Without: the purchases expected of it, fitted on what everybody had bought before the cutoff.

    Parameters
    ----------
    frame
        The points' vectors, in the same order.
    months
        The horizon; by default that of the config.
    """
    plan, months = Plan.from_dict(model.context["plan"]), months or config.value.horizon_months
    why = ""
    if _buys(config, plan):
        found = _by_purchases(config, histories, plan, points, months)
        if isinstance(found, Worth):
            return _as_learned(found, model)
        why = found
    revenue = monthly_revenue(histories, plan, points)
    if revenue is None:
        return None
    return _as_learned(_by_staying(config, model, frame, revenue, months, why), model)


def _buys(config: Config, plan: Plan) -> bool:
    """Whether customers buy as they like: no contract, no price."""
    unbound = config.churn.definition == "inactivity"
    return unbound and plan.has("payments") and not plan.has("subscriptions", "price")


def _by_staying(
    config: Config,
    model: ChurnModel,
    frame: pd.DataFrame,
    revenue: np.ndarray,
    months: int,
    why: str,
) -> Worth:
    """Run-rate times months to come."""
    there, how = curves(model, frame, months), HAZARDS
    if there is None:
        rate = constant_curve(model.base_rate, config.churn.horizon_days, months)
        there, how = np.broadcast_to(rate, (len(revenue), months)), RATE
        why = why or model.context.get(WHY, "the model was trained before it was learned")
    settings = config.value
    found = staying_worth(
        revenue, there, margin=settings.margin, discount_rate=settings.discount_rate, how=how
    )
    return replace(found, why=why)


def _by_purchases(
    config: Config, histories: Histories, plan: Plan, points: LabelledPoints, months: int
) -> Worth | str:
    """Each cutoff by itself: what is learned is what was known then. Or why nothing is."""
    parts = []
    for index, cutoff in enumerate(points.cutoffs):
        here = np.flatnonzero(points.points.cutoff == index)
        if not len(here):
            continue
        known = purchases(histories, plan, cutoff)
        assert known is not None
        bought = np.flatnonzero(known.bought)
        place = np.full(len(known.repeats), -1)
        place[bought] = np.arange(len(bought))
        own = place[points.points.customer[here]]
        everybody = Bought(
            repeats=known.repeats[bought],
            recency=known.recency[bought] / DAYS_A_WEEK,
            age=known.age[bought] / DAYS_A_WEEK,
        )
        try:
            found = buying_worth(
                everybody,
                known.basket[bought],
                own[own >= 0],
                months=months,
                margin=config.value.margin,
                discount_rate=config.value.discount_rate,
                seed=config.model.seed,
            )
        except ValueError as error:
            return str(error)
        parts.append((here[own >= 0], found))
    return _joined(parts, len(points))


def _joined(parts: list[tuple[np.ndarray, Worth]], count: int) -> Worth:
    """The values of all cutoffs; customers that have bought nothing yet are worth nothing."""
    arrays = {name: np.zeros(count) for name in ("value", "low", "high")}
    arrays["alive"] = np.ones(count)
    for places, found in parts:
        for name, array in arrays.items():
            array[places] = getattr(found, name)
    return Worth(
        value=arrays["value"],
        low=arrays["low"],
        high=arrays["high"],
        how=PURCHASES,
        alive=arrays["alive"],
    )


def _as_learned(found: Worth, model: ChurnModel) -> Worth:
    """With the error and the ends of the range that later data asked for."""
    told: Mapping[str, Any] = model.context.get(LEARNED) or {}
    if told.get("how") != found.how:
        return found
    return replace(found.widened(told["low"], told["high"]), error=told["error"])


def campaign_of(config: Config) -> Campaign | None:
    """What a model is judged by: the mean of the actions that anybody may get.

    Where all of them are for some customers only, of all; None where there is no action.
    """
    actions = config.outreach.actions
    actions = [action for action in actions if action.is_for_anybody] or actions
    if not actions:
        return None
    return Campaign(
        cost=float(np.mean([action.cost for action in actions])),
        incentive=float(np.mean([action.incentive for action in actions])),
        success_rate=float(np.mean([action.success_rate for action in actions])),
    )
