"""What a team can do for customers at risk: `[[outreach.actions]]`, and what is known to work."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from features.catalogue import Group
from pipeline.section import Amount, Days, Section, Share


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
        Only customers whose term ends within so many days.
    """

    name: Annotated[str, Field(min_length=1)]
    drivers: list[Group]
    cost: Amount
    incentive: Amount = 0.0
    success_rate: Share
    evidence: Annotated[FiniteFloat, Field(gt=0)] = 20.0
    capacity: Annotated[int, Field(ge=0)] | None = None
    only: dict[str, list[str | bool | int | float]] = {}
    high_value: bool = False
    renews_within_days: Days | None = None

    @property
    def is_for_anybody(self) -> bool:
        """Whether it asks for nothing but a driver."""
        return not (self.only or self.high_value or self.renews_within_days is not None)


DEFAULT_ACTIONS = [
    # A longer dunning period, and another payment method, before anybody is let go.
    Action(name="extend_dunning", drivers=["payments"], cost=1.0, success_rate=0.3),
    Action(name="resolve_open_problem", drivers=["support"], cost=15.0, success_rate=0.25),
    Action(name="enable_auto_renewal", drivers=["subscription"], cost=2.0, success_rate=0.2),
    Action(
        name="renewal_reminder",
        drivers=["subscription"],
        cost=0.5,
        success_rate=0.1,
        renews_within_days=60,
    ),
    Action(name="onboarding_programme", drivers=["onboarding"], cost=10.0, success_rate=0.15),
    Action(name="help_and_training", drivers=["usage", "satisfaction"], cost=3.0, success_rate=0.1),
    Action(
        name="account_manager",
        drivers=["support", "usage", "satisfaction"],
        cost=60.0,
        success_rate=0.35,
        high_value=True,
    ),
    Action(name="price_talk", drivers=["price"], cost=8.0, incentive=10.0, success_rate=0.2),
    Action(
        name="gift",
        drivers=["price", "usage", "satisfaction"],
        cost=1.0,
        incentive=15.0,
        success_rate=0.15,
    ),
]
"""What worked for others, with cautious success rates: a start until contacts tell."""
