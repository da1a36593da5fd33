"""The levers that companies pull, each with what the histories tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.histories import Histories
from pipeline.config import Config
from pipeline.lever_audience import Audience, audience
from pipeline.lever_onboarding import Onboarding, onboarding
from pipeline.lever_panel import Panel, panel_of
from pipeline.lever_prices import Prices, prices
from pipeline.lever_recovery import Recovery, recovery
from pipeline.lever_renewals import Renewals, renewals
from pipeline.lever_support import Support, support
from pipeline.progress import Progress

LACKING = {
    "recovery": "no payment on record ever failed (payments, with status)",
    "renewals": "subscriptions do not tell auto_renew and when terms end (renews_at)",
    "onboarding": "nobody's first days are on record (usage, customers.signed_up_at)",
    "support": "tickets do not tell when they were closed (tickets.closed_at)",
    "audience": "customers have no text attributes that tell them apart",
    "prices": "no price rise is on record (subscriptions with price and valid_from)",
}
"""Why a lever has no figures."""


@dataclass(frozen=True)
class Levers:
    """What is known of each lever; None where the histories do not tell of it.

    ``no_money`` says why nothing is told in money; empty where it is.
    """

    told: str
    recovery: Recovery | None
    renewals: Renewals | None
    onboarding: Onboarding | None
    support: Support | None
    audience: Audience | None
    prices: Prices | None
    no_money: str = ""

    @property
    def lacking(self) -> dict[str, str]:
        """Levers without figures, and why."""
        return {name: why for name, why in LACKING.items() if getattr(self, name) is None}

    def as_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in LACKING}
        told = {name: one.as_json() for name, one in found.items() if one is not None}
        money = self.no_money or None
        return {"points": self.told, **told, "lacking": self.lacking, "money_lacking": money}


def levers(config: Config, histories: Histories, progress: Progress) -> Levers:
    """Every lever, from the newest labelled cutoffs of the histories.

    Raises
    ------
    TooLittleData
        When no label is known yet, or nobody is a customer at any cutoff.
    """
    from threadpoolctl import threadpool_limits

    with progress.stage("looking back at customers"):
        panel = panel_of(config, histories)
    # Regressions of a few columns: threads would spend more time waiting than adding up.
    with progress.stage("weighing levers"), threadpool_limits(limits=1):
        return weigh(panel, margin=config.value.margin)


def weigh(panel: Panel, *, margin: float) -> Levers:
    """Every lever of a panel; `margin` is the share of what is paid that is left."""
    return Levers(
        told=panel.told,
        recovery=recovery(panel),
        renewals=renewals(panel),
        onboarding=onboarding(panel),
        support=support(panel),
        audience=audience(panel, margin=margin),
        prices=prices(panel),
        no_money=panel.no_money,
    )
