"""Success rates as contacts have taught them: what the next list is made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from features.contacted import Contacted
from features.histories import Histories
from models.drivers import Drivers
from models.foretold import Foretold
from models.success import Campaign, Success, learn, learn_foretold
from pipeline.config import Config
from pipeline.holdouts import batches, has_holdout
from pipeline.offering import fits_of, offered
from pipeline.past_contacts import PastContacts
from pipeline.reasons import named_drivers
from pipeline.steadying import drivers_of

if TYPE_CHECKING:
    import pandas as pd

RISK_ERROR = 0.2
"""Relative standard error of a model's churn rate for the customers of one action."""
FEW = 10.0
"""Leavers that are added to those who came and to those who were expected."""


def learned_rates(config: Config, past: PastContacts | None) -> dict[str, Success]:
    """By action, its success rate as contacts of the past tell it.

    Contacts teach as far as their action fitted, by what the model said of the customer on that
    day: an action that was tried where there was nothing to mend says little of where there is.
    """
    if past is None or not len(past):
        return learned_from(config, None)
    drivers = drivers_of(past.model, past.frame)
    return learned_from(
        config,
        past.found.rows,
        fits=own_fits(config, past.histories, past.found, drivers),
        risk=past.risk,
    )


def own_fits(
    config: Config, histories: Histories, found: Contacted, drivers: Drivers
) -> np.ndarray:
    """How well each contact's action fitted; 1 for those without an action of their own.

    As `pipeline.offering.fits_of` tells it: how many times the success rate was expected.
    Both groups are judged alike, by what was known before the contact.

    Parameters
    ----------
    drivers
        Of the customers on the days of their contacts.
    """
    actions, frame = config.outreach.actions, drivers.explanation.frame
    if not actions:
        return np.ones(len(found))
    fits = fits_of(drivers, named_drivers(drivers), actions) * offered(
        actions,
        histories=histories,
        customers=found.points_to_see.points.customer,
        frame=frame,
        # What customers were worth then decides on the cost of an action, not on its success.
        high_value=np.ones(len(frame), dtype=bool),
    )
    places = {action.name: place for place, action in enumerate(actions)}
    place = found.rows["action"].map(places).to_numpy(dtype=float)
    told = np.isfinite(place)
    own = fits[np.arange(len(fits)), np.where(told, place, 0).astype(int)]
    return np.where(told, own, 1.0)


def learned_from(
    config: Config,
    rows: pd.DataFrame | None,
    *,
    fits: np.ndarray | None = None,
    risk: np.ndarray | None = None,
) -> dict[str, Success]:
    """By action of the config, its success rate, as configured or learned from contacts.

    Parameters
    ----------
    rows
        Contacts whose outcome is known, as `features.contacted.Contacted` has them.
    fits
        How well the action fitted each; asked only with `risk`.
    risk
        Probability of leaving without the contact, by a model of before. All who were held out
        tell how far it was off; so it tells how many would have left, beside the action's own
        holdout.
    """
    actions = config.outreach.actions
    if rows is None or not len(rows):
        return {one.name: learn(one.success_rate, one.evidence, []) for one in actions}
    told = rows.assign(
        batch=batches(rows),
        risk=np.nan if risk is None else risk,
        fit=1.0 if fits is None else fits,
    )
    told = told[has_holdout(told)]
    if risk is None:
        return {
            one.name: learn(one.success_rate, one.evidence, list(_campaigns(told, one.name)))
            for one in actions
        }
    left = int(told[~told["treated"]]["churned"].sum())
    return {
        one.name: learn_foretold(
            one.success_rate, one.evidence, _foretold(told, one.name), held_out_leavers=left
        )
        for one in actions
    }


def _foretold(rows: pd.DataFrame, action: str) -> Foretold:
    """Those whom an action was for; all others held out tell how far the risks were off.

    A few more are added to those who came and were expected, as if they had come as expected: few
    leavers change little.
    """
    own, left = (rows["action"] == action).to_numpy(dtype=bool), rows["churned"] == 1
    held_out = ~rows["treated"].to_numpy(dtype=bool)
    others = rows[held_out & ~own]
    came = float(others["churned"].sum()) + FEW
    mine = rows[own & (rows["fit"] > 0).to_numpy(dtype=bool)]
    return Foretold(
        risk=mine["risk"].to_numpy(dtype=float),
        fit=mine["fit"].to_numpy(dtype=float),
        treated=mine["treated"].to_numpy(dtype=bool),
        left=left[mine.index].to_numpy(dtype=bool),
        factor=came / (float(others["risk"].sum()) + FEW),
        error=float(np.hypot(RISK_ERROR, came**-0.5)),
    )


def _campaigns(rows: pd.DataFrame, action: str) -> Iterator[Campaign]:
    """What came of an action in each campaign, small ones taken together.

    Where those held out carry no action of their own, the campaign's whole holdout stands for them:
    chance took it out of all.
    """
    for _, own in rows.groupby("batch", sort=True):
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
