"""Success rates as contacts have taught them: what the next list is made with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from models.success import Campaign, Success, learn

from features.contacted import contacted
from features.histories import Histories
from features.timeline import day_number
from pipeline.config import Config
from pipeline.opening import definition_of

if TYPE_CHECKING:
    import pandas as pd


def learned_rates(config: Config, histories: Histories, cutoff: date) -> dict[str, Success]:
    """By action, its success rate as it could be known at a cutoff: windows closed by then."""
    found = contacted(histories, definition_of(config))
    if found is None:
        return learned_from(config, None)
    closes = found.rows["day"].to_numpy() + config.churn.horizon_days + config.churn.grace_days
    return learned_from(config, found.some(found.matured & (closes <= day_number(cutoff))).rows)


def learned_from(config: Config, rows: pd.DataFrame | None) -> dict[str, Success]:
    """By action of the config, its success rate, as configured or learned from contacts.

    Parameters
    ----------
    rows
        Contacts whose outcome is known, as `features.contacted.Contacted` has them.
    """
    return {
        action.name: learn(
            action.success_rate,
            action.evidence,
            [] if rows is None else list(_campaigns(rows, action.name)),
        )
        for action in config.outreach.actions
    }


def _campaigns(rows: pd.DataFrame, action: str) -> Iterator[Campaign]:
    """What came of an action in each campaign.

    Where those held out carry no action of their own, the campaign's whole holdout stands for them:
    chance took it out of all.
    """
    for _, own in rows.groupby("campaign", sort=True):
        treated = own["treated"].to_numpy(dtype=bool)
        with_it = (own["action"] == action).to_numpy(dtype=bool)
        held_out = ~treated & (with_it if _says_action(own, treated) else True)
        if (treated & with_it).any() and held_out.any():
            left = own["churned"].to_numpy() == 1
            yield Campaign(
                treated=int((treated & with_it).sum()),
                treated_leavers=int((treated & with_it & left).sum()),
                holdout=int(held_out.sum()),
                holdout_leavers=int((held_out & left).sum()),
            )


def _says_action(own: pd.DataFrame, treated: np.ndarray) -> bool:
    """Whether those held out carry the actions that the contacted got."""
    got = set(own["action"][treated].dropna())
    return bool(own["action"][~treated].isin(got).any())
