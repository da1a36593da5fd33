"""Whom to contact with what, at a date: offers, limits, what contacts have taught, the holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.consent import contact_allowed, recently_contacted, recently_held_out
from models.expected_profit import Doubt, Outlook
from models.levers import Lever
from models.outreach import CONTACT, HOLDOUT, Limits, Outreach, plan_outreach
from models.persuading import UpliftVerdict
from models.success import Success
from pipeline.advice import notes_of
from pipeline.assessing import Assessed
from pipeline.learning import learned_rates
from pipeline.offering import fits_of, offered
from pipeline.past_contacts import PastContacts
from pipeline.persuading import persuading_of
from pipeline.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


MONTHS_DIFFER = 0.1
"""Standard deviation of what a month's log-odds of churn are off the forecast, for all alike."""

VALUES_DIFFER = 0.1
"""How far all values may be off together, as a share, where no later data told."""


@dataclass(frozen=True)
class Chosen:
    """Whom to contact with what, and by which rates that was chosen.

    Attributes
    ----------
    campaign
        Its name: in `contacts`, and what decides by chance who is held out.
    rates
        By action, its success rate, as configured or learned.
    uplift
        Whether customers were taken by how persuadable they are, and why.
    contacts
        Those contacted and held out, as rows of the table `contacts`.
    notes
        What is to be known beside the figures, a sentence each.
    """

    campaign: str
    outreach: Outreach
    rates: Mapping[str, Success]
    uplift: UpliftVerdict
    contacts: pd.DataFrame
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "notes": list(self.notes),
            "spent": self.outreach.spent,
            "gap": self.outreach.gap,
            **_outlook(self.outreach.total),
            "by_action": {n: _outlook(one) for n, one in self.outreach.by_action.items()},
            "uplift": asdict(self.uplift),
            "success_rates": {name: asdict(rate) for name, rate in self.rates.items()},
        }


def _outlook(one: Outlook) -> dict[str, Any]:
    return {**asdict(one), "verdict": one.verdict}


def choose(
    assessed: Assessed, drivers: Sequence[Sequence[str | None]], progress: Progress
) -> Chosen:
    """Choose an action and a group for every customer.

    Parameters
    ----------
    drivers
        Per customer, the driver groups that are told, strongest first.
    """
    config, histories = assessed.config, assessed.histories
    points, plan, settings = assessed.points, assessed.plan, config.outreach
    past = PastContacts.before(config, histories, assessed.model, assessed.cutoff)
    rates = learned_rates(config, past)
    levers = levers_of(settings.actions, rates)
    fits = fits_now(assessed, drivers, progress)
    persuading = persuading_of(assessed, past, progress)
    if persuading.times is not None:
        fits = fits * persuading.times[:, None]
    campaign = f"{config.mlflow.model}:{assessed.cutoff}"
    with progress.stage("choosing contacts"):
        found = plan_outreach(
            customer_ids=list(assessed.ids),
            probability=assessed.probability,
            value=assessed.value,
            fits=fits,
            at_risk=assessed.at_risk,
            allowed=contact_allowed(histories, plan, points),
            suppressed=recently_contacted(histories, plan, points, days=settings.suppress_days)
            | recently_held_out(histories, plan, points, days=config.churn.horizon_days),
            levers=levers,
            limits=Limits(settings.budget, settings.capacity, settings.holdout_share),
            campaign=campaign,
            strata=[assessed.bands, assessed.high_value],
            doubt=Doubt(
                probability=MONTHS_DIFFER,
                value=VALUES_DIFFER if (error := assessed.worth.error) is None else error,
                seed=config.model.seed,
            ),
        )
    return Chosen(
        campaign,
        found,
        rates,
        persuading.verdict,
        _as_contacts(assessed, campaign, found, levers),
        tuple(notes_of(settings, found)),
    )


def fits_now(
    assessed: Assessed, drivers: Sequence[Sequence[str | None]], progress: Progress
) -> np.ndarray:
    """How well each action fits each customer, 0 where it is not for it: customers x actions.

    Parameters
    ----------
    drivers
        As of `choose`.
    """
    actions = assessed.config.outreach.actions
    open_to = offered(
        actions,
        histories=assessed.histories,
        customers=assessed.points.points.customer,
        frame=assessed.frame,
        high_value=assessed.high_value,
    )
    for action, there in zip(actions, np.asarray(open_to.any(axis=0)), strict=True):
        if action.only and not there:
            progress.warn(
                f"The action {action.name} is for nobody: no customer has "
                + ", ".join(f"{name} in {allowed}" for name, allowed in action.only.items())
            )
    return fits_of(assessed.drivers, drivers, actions) * open_to


def levers_of(actions: Sequence[Any], rates: Mapping[str, Success]) -> list[Lever]:
    """The config's actions with the rates that are known by now."""
    return [
        Lever(
            name=action.name,
            drivers=tuple(action.drivers),
            cost=action.cost,
            incentive=action.incentive,
            success_rate=rates[action.name].mean,
            evidence=rates[action.name].evidence,
            capacity=action.capacity,
        )
        for action in actions
    ]


def _as_contacts(
    assessed: Assessed, campaign: str, found: Outreach, levers: Sequence[Lever]
) -> pd.DataFrame:
    """Who is contacted or held out, in the shape of the table `contacts`.

    What a contact costs is told in full, the incentive too; who is held out costs nothing.
    """
    import pandas as pd

    group = np.array(found.group, dtype=object)
    rows = np.flatnonzero((group == CONTACT) | (group == HOLDOUT))
    price = {lever.name: lever.cost + lever.incentive for lever in levers}
    actions = [found.action[row] for row in rows]
    treated = group[rows] == CONTACT
    frame = pd.DataFrame(
        {
            "customer_id": assessed.ids[rows],
            "occurred_at": pd.Timestamp(assessed.cutoff),
            "campaign": campaign,
            "action": pd.array(actions, dtype="str"),
            "group": np.where(treated, "treated", "holdout"),
            "cost": [price[str(a)] if t else 0.0 for a, t in zip(actions, treated, strict=True)],
        }
    )
    return frame.sort_values("customer_id", kind="stable").reset_index(drop=True)
