"""What a team can do for customers at risk: `[[outreach.actions]]`, and what is known to work."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from features.catalogue import Group
from pipeline.section import Amount, Days, Section, Share
from pipeline.states import State


class Action(Section):
    """Something the team can do for a customer at risk.

    Attributes
    ----------
    drivers
        Where it fits: the driver groups that it answers.
    cost, incentive
        Money a contact; the incentive is given to those who would have stayed anyway, too.
    success_rate
        The share of those who would have left that it keeps.
    relief
        How much of its driver it takes from those with whom it works: 1 resolves the cause, 0.5
        halves what it adds to the log-odds.
    evidence
        How many leavers the rate is worth when it is weighed against contacts: one that was
        measured on 400 leavers moves little, a guess soon.
    capacity
        How many customers a run may contact with it.
    only
        Only customers whose attributes have one of these values.
    high_value
        Only customers of high value.
    renews_within_days
        Only customers whose term ends within so many days, of terms longer than twice that.
    needs
        Only customers in a state that it can change: `pipeline.states.STATES`.
    """

    name: Annotated[str, Field(min_length=1)]
    drivers: list[Group]
    cost: Amount
    incentive: Amount = 0.0
    success_rate: Share
    relief: Annotated[FiniteFloat, Field(gt=0, le=1)] = 1.0
    evidence: Annotated[FiniteFloat, Field(gt=0)] = 20.0
    capacity: Annotated[int, Field(ge=0)] | None = None
    only: dict[str, list[str | bool | int | float]] = {}
    high_value: bool = False
    renews_within_days: Days | None = None
    needs: State | None = None

    @property
    def is_for_anybody(self) -> bool:
        """Whether it asks for nothing but a driver."""
        asks = (self.only, self.high_value, self.renews_within_days is not None, self.needs)
        return not any(asks)


def _default(name: str, drivers: list[Group], cost: float, success: float, **more: Any) -> Action:
    return Action(name=name, drivers=drivers, cost=cost, success_rate=success, **more)


EASES = 0.5

DEFAULT_ACTIONS = [
    # A longer dunning period, and another payment method, before anybody is let go.
    _default("extend_dunning", ["payments"], 1.0, 0.3, needs="open_payment"),
    _default("resolve_open_problem", ["support"], 15.0, 0.25, needs="open_ticket"),
    _default("enable_auto_renewal", ["subscription"], 2.0, 0.2, needs="renewal_off"),
    # The term ends all the same.
    _default("renewal_reminder", ["subscription"], 0.5, 0.15, renews_within_days=30, relief=EASES),
    _default("onboarding_programme", ["onboarding"], 10.0, 0.15, needs="newcomer"),
    # Advice, care and gifts do not undo what happened.
    _default("help_and_training", ["usage", "satisfaction"], 3.0, 0.1, relief=EASES),
    _default(
        "account_manager",
        ["support", "usage", "satisfaction"],
        60.0,
        0.35,
        high_value=True,
        relief=EASES,
    ),
    _default("price_talk", ["price"], 8.0, 0.2, incentive=10.0, needs="price_rise"),
    _default("gift", ["price", "usage", "satisfaction"], 1.0, 0.15, incentive=15.0, relief=EASES),
]
"""What worked for others, with cautious success rates: a start until contacts tell."""
