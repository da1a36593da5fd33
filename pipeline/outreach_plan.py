"""Before a campaign: whom it would take in, and what it could find out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from features.errors import TooLittleData
from models.outreach import CONTACT, HOLDOUT
from models.power import Advice, Plan, advise
from pipeline.assessing import Assessed, assess
from pipeline.choosing import Chosen, choose
from pipeline.config import Config
from pipeline.guarding import model_and_histories
from pipeline.progress import Progress
from pipeline.reasons import named_drivers

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Holdout shares that are told beside the one at hand."""


@dataclass(frozen=True)
class Sized:
    """A campaign or one of its actions: its size, and what it could find out."""

    plan: Plan
    profit: float
    advice: Advice

    def as_json(self) -> dict[str, Any]:
        return {
            "contacts": self.plan.treated,
            "holdout": self.plan.holdout,
            "churn_rate": self.plan.churn_rate,
            "success_rate": self.plan.success_rate,
            "profit_per_contact": self.profit,
            **asdict(self.advice),
        }


@dataclass(frozen=True)
class Planned:
    """What the next campaign would be.

    Attributes
    ----------
    whole
        All its contacts together.
    by_action
        Each action alone; those that nobody would get are left out.
    by_share
        The whole, if another share were held out.
    """

    as_of: date
    model: str
    chosen: Chosen
    whole: Sized
    by_action: dict[str, Sized]
    by_share: dict[float, Sized]

    def as_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of,
            "model": self.model,
            "outreach": self.chosen.as_json(),
            "power": self.whole.as_json(),
            "by_action": {name: one.as_json() for name, one in self.by_action.items()},
            "by_holdout_share": {f"{s:g}": one.as_json() for s, one in self.by_share.items()},
        }


def plan_campaign(
    config: Config, progress: Progress, *, as_of: date | None = None, model: str | None = None
) -> Planned:
    """Choose contacts as `churn score` would, and tell what they could find out; writes nothing.

    Raises
    ------
    TooLittleData
        When nobody would be contacted.
    """
    with model_and_histories(config, model, progress) as (churn_model, label, histories):
        assessed = assess(config, histories, progress, churn_model, label, as_of)
        chosen = choose(assessed, named_drivers(assessed.drivers), progress)
        return _planned(assessed, chosen)


def _planned(assessed: Assessed, chosen: Chosen) -> Planned:
    group = np.array(chosen.outreach.group, dtype=object)
    taken = (group == CONTACT) | (group == HOLDOUT)
    if not taken.any():
        raise _nobody(chosen)
    action = np.array(chosen.outreach.action, dtype=object)
    whole = _sized(assessed, chosen, taken)
    return Planned(
        as_of=assessed.cutoff,
        model=assessed.label,
        chosen=chosen,
        whole=whole,
        by_action={
            name: _sized(assessed, chosen, taken & (action == name))
            for name in chosen.rates
            if (taken & (action == name)).any()
        },
        by_share={other: _again(whole, other) for other in SHARES},
    )


def _sized(assessed: Assessed, chosen: Chosen, rows: np.ndarray) -> Sized:
    """The size of a campaign with these customers; success is weighed by who would leave."""
    leaves = assessed.probability[rows]
    rates = [chosen.rates[str(name)].mean for name in np.array(chosen.outreach.action)[rows]]
    success = float(np.average(rates, weights=leaves)) if leaves.sum() > 0 else 0.0
    plan = Plan(
        customers=int(rows.sum()),
        holdout_share=float((np.array(chosen.outreach.group)[rows] == HOLDOUT).mean()),
        churn_rate=float(leaves.mean()),
        success_rate=success,
    )
    profit = float(chosen.outreach.expected_profit[rows].mean())
    return Sized(plan, profit, advise(plan, profit=profit))


def _again(whole: Sized, share: float) -> Sized:
    plan = replace(whole.plan, holdout_share=share)
    return Sized(plan, whole.profit, advise(plan, profit=whole.profit))


def _nobody(chosen: Chosen) -> TooLittleData:
    return TooLittleData(
        "Nobody would be contacted, so there is no campaign to plan.",
        where="[outreach]",
        value=" ".join(chosen.notes),
        allowed="customers at risk who may be contacted, and an action that pays for them",
        fix="look at why not: a larger budget, cheaper actions, or none at all",
    )
