"""A campaign without a holdout, against customers of the same days whom nobody had contacted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from features.churn import Standings
from features.contacted import Contacted
from features.cut import Points
from features.histories import Histories
from features.points import LabelledPoints
from models.calibration import log_odds_of
from models.observational import FEWEST, Observed, observed_effect
from pipeline.config import Config
from pipeline.experiment import Experiment, Seen
from pipeline.opening import definition_of
from pipeline.parting import date_of

if TYPE_CHECKING:
    import pandas as pd

MOST_OTHERS = 20_000
"""So many customers whom nobody had contacted are enough to compare with."""


def against_others(
    config: Config,
    histories: Histories,
    found: Contacted,
    seen: Experiment,
    rows: np.ndarray,
) -> Observed | None:
    """The effect on the contacted of one campaign, as far as risk and value explain who they were.

    None where no model tells their risk, or there are too few of either to compare.

    Parameters
    ----------
    rows
        Which of `seen` are the campaign's.
    """
    treated = rows & seen.treated
    if seen.model is None or seen.probability is None or treated.sum() < FEWEST:
        return None
    others = _others(config, histories, found, seen.rows[treated])
    if len(others) < FEWEST:
        return None
    then = Seen(config, histories, others, seen.model)
    own = _values(seen.value, len(treated))[treated]
    known = np.column_stack(
        [
            np.concatenate([log_odds_of(seen.probability[treated]), log_odds_of(then.probability)]),
            np.concatenate([own, _values(then.value, len(others))]),
        ]
    )
    outcome = np.concatenate([seen.churned[treated], others.churned.astype(float)])
    return observed_effect(outcome, np.arange(len(outcome)) < treated.sum(), known)


def _values(value: np.ndarray | None, count: int) -> np.ndarray:
    """What customers are worth; all alike where nobody knows."""
    return np.zeros(count) if value is None else value


def _others(
    config: Config, histories: Histories, found: Contacted, treated: pd.DataFrame
) -> LabelledPoints:
    """Customers on the days of a campaign's contacts whom nobody had contacted by then."""
    campaign, unique = treated["campaign"].iloc[0], np.unique(treated["day"].to_numpy())
    dates = [date_of(int(day)) for day in unique]
    standings = Standings(histories, replace(definition_of(config), lead_days=0), dates)
    most = max(1, MOST_OTHERS // len(dates))
    customers, labels = [], []
    for index, day in enumerate(unique):
        standing = standings.at(index)
        if standing.churned is None:
            who = np.empty(0, dtype=np.int64)
        else:
            free = standing.active & ~standing.left_in_lead
            free[_contacted(config, found, campaign, int(day))] = False
            who = _spread(np.flatnonzero(free), most)
            labels.append(standing.churned[who])
        customers.append(who)
    cutoff = np.repeat(np.arange(len(dates)), [len(who) for who in customers])
    points = Points(cutoff.astype(np.int32), np.concatenate(customers).astype(np.int32))
    churned = np.concatenate([*labels, np.empty(0)]).astype(np.int8)
    return LabelledPoints(tuple(dates), points, churned, ())


def _contacted(config: Config, found: Contacted, campaign: str, day: int) -> np.ndarray:
    """Who was contacted in the horizon before a day or on it, or is on the campaign's own list.

    Who is contacted by another campaign later had to be there still: without such customers the
    others would seem to leave more often than they do.
    """
    made, horizon = found.every_contact, config.churn.horizon_days
    later = (made["day"] < day + horizon) & (made["campaign"] == campaign)
    near = (made["day"] > day - horizon) & ((made["day"] <= day) | later)
    return made["customer"].to_numpy()[near.to_numpy(dtype=bool)]


def _spread(customers: np.ndarray, most: int) -> np.ndarray:
    """Evenly spread ones, at most so many."""
    step = max(1, int(np.ceil(len(customers) / most)))
    return customers[::step]
