"""Success rates as contacts have taught them: what the next list is made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from features.contacted import Contacted
from features.histories import Histories
from models.drivers import Drivers
from models.success import Campaign, Success, learn
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
LEAST_FIT = 0.5
"""An action fitted where it could take away half of the share that drivers usually have."""


def learned_rates(config: Config, past: PastContacts | None) -> dict[str, Success]:
    """By action, its success rate as contacts of the past tell it.

    Only contacts teach whose action fitted, by what the model said of the customer on that day: an
    action that was tried where there was nothing to mend says little of where there is.
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
        How well the action fitted each: those below `LEAST_FIT` teach nothing, and those above
        were expected to be kept so many times. By default all were fitted as usual.
    risk
        Probability of leaving without the contact. All who were held out tell how far it was off
        as a whole; then it tells of each action how many would have left, beside its own holdout.
    """
    actions = config.outreach.actions
    if rows is None or not len(rows):
        return {one.name: learn(one.success_rate, one.evidence, []) for one in actions}
    told = rows.assign(risk=np.nan if risk is None else _as_came(rows, risk), batch=batches(rows))
    has = has_holdout(told)
    compared = told[has]
    left = int(compared[~compared["treated"]]["churned"].sum()) if risk is not None else 0
    own = compared.assign(fit=1.0 if fits is None else fits[has])
    own = own[own["fit"] >= LEAST_FIT]
    return {
        one.name: learn(
            one.success_rate,
            one.evidence,
            list(_campaigns(own, one.name)),
            held_out_leavers=left,
        )
        for one in actions
    }


def _as_came(rows: pd.DataFrame, risk: np.ndarray) -> np.ndarray:
    """The risk, times how many of those held out left of those who were expected to.

    A few more are added to both, as if they had come as expected: few leavers change little.
    """
    held_out = ~rows["treated"].to_numpy(dtype=bool)
    came = float(rows["churned"].to_numpy()[held_out].sum())
    factor = (came + FEW) / (float(risk[held_out].sum()) + FEW)
    return np.clip(risk * factor, 1e-4, 1 - 1e-4)


def _campaigns(rows: pd.DataFrame, action: str) -> Iterator[Campaign]:
    """What came of an action in each campaign, small ones taken together.

    Where those held out carry no action of their own, the campaign's whole holdout stands for them:
    chance took it out of all.
    """
    for _, own in rows.groupby("batch", sort=True):
        treated = own["treated"].to_numpy(dtype=bool)
        with_it = (own["action"] == action).to_numpy(dtype=bool)
        held_out = ~treated & (with_it if _says_action(own, treated) else True)
        risk = float(own["risk"][treated & with_it].mean()) if (treated & with_it).any() else np.nan
        if (treated & with_it).any() and (held_out.any() or np.isfinite(risk)):
            left = own["churned"].to_numpy() == 1
            yield Campaign(
                treated=int((treated & with_it).sum()),
                treated_leavers=int((treated & with_it & left).sum()),
                holdout=int(held_out.sum()),
                holdout_leavers=int((held_out & left).sum()),
                **_rate(risk),
                fit=_mean_fit(own[treated & with_it]),
            )


def _mean_fit(treated: pd.DataFrame) -> float:
    """How well the action fitted those who would have left, as far as a model tells of them."""
    weights = treated["risk"].fillna(1.0)
    return float((treated["fit"] * weights).sum() / weights.sum())


def _rate(risk: float) -> dict[str, float]:
    """What a model's risk tells, and how many customers held out it is worth."""
    if not np.isfinite(risk):
        return {}
    return {"rate": risk, "rate_evidence": max((1 - risk) / (risk * RISK_ERROR**2), 1.0)}


def _says_action(own: pd.DataFrame, treated: np.ndarray) -> bool:
    """Whether those held out carry the actions that the contacted got."""
    got = set(own["action"][treated].dropna())
    return bool(own["action"][~treated].isin(got).any())
