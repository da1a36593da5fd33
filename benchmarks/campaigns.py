"""One large randomised campaign on a simulated business, whose true effect is known.

Quick, as no histories are written and no features computed: a score such as a model's stands in
for it, the true log-odds with noise. Over many seeds it tells how often an estimator's interval
covers the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.effects import effect
from pipeline.simulate import streams_of
from pipeline.world import Calendar, Settings
from pipeline.world_campaigns import Rule, plan_campaign
from pipeline.world_life import World
from pipeline.world_outreach import NOBODY

SEEDS = range(1001, 1101)
"""Used here alone."""

CUSTOMERS, MONTHS = 3_000, 14
NOISE = 0.5


@dataclass(frozen=True)
class Tried:
    """What a campaign brought, one entry per customer in it; and the truth."""

    churned: np.ndarray  # bool
    treated: np.ndarray  # bool
    score: np.ndarray  # log-odds of churn as a model might have them before the campaign
    action: np.ndarray  # index into ACTIONS
    effect: float  # probability with the contact less that without, mean of the treated


def run(customers: int = CUSTOMERS) -> str:
    """How often the measured effect's intervals hold the true one; Markdown."""
    tried = [judge_effect(seed, customers=customers) for seed in SEEDS]
    found = [effect(one.churned, one.treated, one.score) for one in tried]
    pairs = list(zip(found, tried, strict=True))
    once = sum(own.low <= one.effect <= own.high for own, one in pairs)
    often = sum(own.anytime_low <= one.effect <= own.anytime_high for own, one in pairs)
    rows = {
        "campaigns": f"{len(tried)}",
        "customers in one, mean": f"{np.mean([len(one.churned) for one in tried]):.0f}",
        "of them held out": f"{np.mean([(~one.treated).mean() for one in tried]):.0%}",
        "left, of those held out": f"{np.mean([own.holdout.mean for own in found]):.1%}",
        "true effect, mean": f"{np.mean([one.effect for one in tried]):+.2%}",
        "measured effect, mean": f"{np.mean([own.estimate for own in found]):+.2%}",
        "95 % interval holds the true effect": f"{once}",
        "the interval for any number of looks does": f"{often}",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"Seeds {SEEDS[0]} to {SEEDS[-1]}.", "", "| | |", "| --- | ---: |", *lines])


def judge_effect(
    seed: int, *, customers: int = CUSTOMERS, at_random: float = 0.1, holdout: float = 0.25
) -> Tried:
    """Run one campaign a month before the end of a business of some months.

    Parameters
    ----------
    at_random
        Share of the customers without visible trouble who are in it, too: it makes the campaign
        larger and the churn in it rarer.
    """
    streams = streams_of(seed)
    world = World(customers, Calendar(MONTHS), Settings(), streams)
    for month in range(MONTHS - 1):
        world.take_place(month, world.look_ahead(month))
    rule = Rule(at_random=at_random, holdout=holdout)
    campaign = plan_campaign(world, MONTHS - 1, rule, streams["campaigns"])
    outlook = world.look_ahead(MONTHS - 1, campaign.contacts)
    assert outlook.reached is not None
    who = np.flatnonzero(campaign.action != NOBODY)
    action, treated, before = campaign.action[who], campaign.treated[who], outlook.chance[who]
    change = outlook.reached.answers.chance[who, action] - before
    noise = np.random.default_rng([seed, MONTHS]).normal(0, NOISE, len(who))
    return Tried(
        churned=outlook.leaving[who],
        treated=treated,
        score=np.log(before) - np.log1p(-before) + noise,
        action=action,
        effect=float(change[treated].mean()),
    )
