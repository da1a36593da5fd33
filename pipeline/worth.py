"""What customers are worth, and what acting on them costs, under a config."""

from __future__ import annotations

import numpy as np

from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints
from features.revenue import monthly_revenue
from models.profit import Campaign
from models.value import remaining_margin
from pipeline.config import Config


def values_of(
    config: Config,
    histories: Histories,
    plan: Plan,
    points: LabelledPoints,
    *,
    churn_rate: float,
) -> np.ndarray | None:
    """The expected remaining margin of each point's customer; None where there is no money."""
    revenue = monthly_revenue(histories, plan, points)
    if revenue is None:
        return None
    return remaining_margin(
        revenue,
        margin=config.value.margin,
        churn_rate=churn_rate,
        churn_days=config.churn.horizon_days,
        horizon_months=config.value.horizon_months,
        discount_rate=config.value.discount_rate,
    )


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
