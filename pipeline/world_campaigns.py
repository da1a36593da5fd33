"""Past campaigns of the simulated business: randomised, and run by a crude rule of its own.

At the first of a month the team looks at who seems to be in trouble, overlooks some, takes the
fitting action or a wrong one, asks for consent, and holds some out at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.world import DAY, Array
from pipeline.world_life import World
from pipeline.world_outreach import ACTIONS, CONTACT_HOUR, NOBODY, OFFERS
from pipeline.world_tables import ids, instants, texts


@dataclass(frozen=True)
class Rule:
    """How the team chooses; shares are 0..1."""

    noticed: float = 0.7  # of customers in trouble
    wrong: float = 0.1  # actions that are any of them
    at_random: float = 0.03  # of the others, contacted with any action
    holdout: float = 0.25


@dataclass(frozen=True)
class Campaign:
    """Whom a campaign is about; one entry per customer."""

    name: str
    month: int
    action: Array  # index into ACTIONS, NOBODY: not in the campaign
    treated: Array  # bool: contacted; otherwise held out

    @property
    def contacts(self) -> Array:
        """What each customer is contacted with."""
        return np.where(self.treated, self.action, NOBODY)

    @property
    def held_out(self) -> Array:
        """Who would have been contacted."""
        return np.asarray((self.action != NOBODY) & ~self.treated)


def campaign_months(months: int, campaigns: int) -> list[int]:
    """Months of the history's second half, the last at least two months before its end."""
    first, last = campaign_range(months)
    return [int(month) for month in np.round(np.linspace(first, last, campaigns))]


def campaign_range(months: int) -> tuple[int, int]:
    """The first and the last month in which a campaign can be run."""
    return (months + 1) // 2, months - 3


def plan_campaign(world: World, month: int, rule: Rule, rng: np.random.Generator) -> Campaign:
    """Choose customers and actions by what the team sees at the first of a month."""
    now = int(world.calendar.first[month])
    count = len(world.people.started)
    action = np.where(rng.random(count) < rule.noticed, _seen(world, month, rng), NOBODY)
    any_ = rng.integers(0, len(ACTIONS), count)
    random = (action == NOBODY) & (rng.random(count) < rule.at_random)
    wrong = (action != NOBODY) & (rng.random(count) < rule.wrong)
    action = np.where(random | wrong, any_, action)
    active = (world.people.started < now) & (world.ended >= now)
    action = np.where(active & world.people.contact_allowed, action, NOBODY)
    treated = (action != NOBODY) & (rng.random(count) >= rule.holdout)
    return Campaign(f"retention {world.calendar.names[month]}", month, action, treated)


def _seen(world: World, month: int, rng: np.random.Generator) -> Array:
    """The action that the most visible trouble calls for, NOBODY where there seems to be none."""
    now, people, contract = int(world.calendar.first[month]), world.people, world.contract
    count, age = len(people.started), (now - people.started) / DAY
    waits = np.zeros(count, bool)
    for t in world.support.tickets[-6:]:
        waits[t["customer"][(t["opened"] < now - 7 * DAY) & (t["closed"] >= now)]] = True
    down = world.engagement.level + rng.normal(0, 0.25, count) < -0.5
    poor = (age < 90) & (world.onboarding + rng.normal(0, 0.15, count) < 0.4)
    ends = contract.renewal(month) & ~contract.auto_renew
    risen = np.isin(month - contract.rise_month, (1, 2, 3)) & (contract.rise > 0.15)
    second = rng.random(count) < 0.5
    return np.select(
        [world.dunning.open(now), waits, ends, poor, risen, down],
        [
            _number("extend_dunning"),
            np.where(people.business & second, *_numbers("account_manager resolve_open_problem")),
            np.where(second, *_numbers("enable_auto_renewal renewal_reminder")),
            _number("onboarding_programme"),
            np.where(second, *_numbers("price_talk gift")),
            np.where(second, *_numbers("help_and_training gift")),
        ],
        NOBODY,
    )


def _number(action: str) -> int:
    return ACTIONS.index(action)


def _numbers(actions: str) -> tuple[int, ...]:
    return tuple(_number(action) for action in actions.split())


def contacts_table(world: World, campaigns: list[Campaign]) -> pa.Table:
    """A row per customer and campaign, in order of time: contacted, or held out to compare."""
    who = [np.flatnonzero(each.action != NOBODY) for each in campaigns]
    action = np.concatenate([c.action[w] for c, w in zip(campaigns, who, strict=True)])
    treated = np.concatenate([c.treated[w] for c, w in zip(campaigns, who, strict=True)])
    number = np.repeat(np.arange(len(campaigns)), [len(each) for each in who])
    month = np.array([each.month for each in campaigns])[number]
    cost = np.array([offer.cost for offer in OFFERS])[action]
    columns = {
        "customer_id": ids("C", np.concatenate(who)),
        "occurred_at": instants(world.calendar.first[month] + CONTACT_HOUR),
        "campaign": texts(tuple(each.name for each in campaigns), number),
        "action": texts(ACTIONS, action),
        "group": texts(("holdout", "treated"), treated),
        "cost": pa.array(np.where(treated, cost, 0.0)),
    }
    return pa.table(columns)
