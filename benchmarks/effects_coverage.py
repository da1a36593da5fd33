"""Whether intervals of effects hold what they say: simulated campaigns with a known effect.

Customers leave by log-odds that are known before the contact, which keeps a share of the leavers.
The truth is the mean effect over all such customers. Told are how often each interval holds it, and
how often repeated looks find an effect where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from models.effects import Effect, effect
from models.power import Plan, power

SIZES, SHARES, RATES = (300, 600, 2000), (0.1, 0.2), (0.1, 0.2, 0.4)
SUCCESS = 0.3
SPREAD = 1.2
"""Standard deviation of the log-odds; an AUC of about 0.78."""
CAMPAIGNS, LOOKED_AT, LOOKS = 2000, 400, 20
BAR = 0.93


@dataclass(frozen=True)
class World:
    """Campaigns of one kind; `rate` is the churn rate without a contact."""

    customers: int
    share: float
    rate: float
    success: float

    def campaign(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Who left, who was treated, and the log-odds known before."""
        key = [self.customers, round(100 * self.share), round(100 * self.rate), seed]
        random = np.random.default_rng(key)
        score = centre_of(self.rate) + random.normal(0, SPREAD, self.customers)
        treated = random.random(self.customers) >= self.share
        rate = 1 / (1 + np.exp(-score)) * np.where(treated, 1 - self.success, 1.0)
        return (random.random(self.customers) < rate).astype(float), treated, score


def run(campaigns: int = CAMPAIGNS) -> str:
    """How often the intervals hold the truth, and how repeated looks err; Markdown."""
    lines = [
        f"{campaigns:,} campaigns of each kind; a contact keeps {SUCCESS:.0%} of the leavers. How "
        "often each 95 % interval holds the truth: the effect for one look, without and with "
        "adjustment by the log-odds, the one for any number of looks, and the share of leavers "
        "kept. `reduction` is that of the variance by adjustment, `found` how often the adjusted "
        "interval leaves out zero, `power` what was told before (`models/power.py`).",
        "",
        "| customers | held out | churn | plain | adjusted | anytime | kept | reduction | found "
        "| power |",
        f"|{' ---: |' * 10}",
    ]
    held = []
    for size, share, rate in product(SIZES, SHARES, RATES):
        world = World(size, share, rate, SUCCESS)
        line, least = row(world, campaigns)
        lines.append(line)
        held.append(least)
    met = "met" if min(held) >= BAR else "**missed**"
    lines += ["", f"- The least of all: {min(held):.1%}; at least {BAR:.0%}: {met}.", looks()]
    return "\n".join(lines)


def row(world: World, campaigns: int) -> tuple[str, float]:
    """A line of the table, and the least coverage in it."""
    truth = -world.success * world.rate
    both = [told(world, seed) for seed in range(campaigns)]
    plain = share_of([one.low <= truth <= one.high for one, _ in both])
    adjusted = share_of([one.low <= truth <= one.high for _, one in both])
    anytime = share_of([one.anytime_low <= truth <= one.anytime_high for _, one in both])
    kept = share_of(
        [k is None or k.low <= world.success <= k.high for k in (one.kept for _, one in both)]
    )
    found = share_of([one.high < 0 for _, one in both])
    reduction = float(np.mean([one.variance_reduction for _, one in both]))
    plan = Plan(world.customers, world.share, world.rate, world.success, max(reduction, 0.0))
    cells = [
        *(f"{world.customers:,}", f"{world.share:.0%}", f"{world.rate:.0%}"),
        *(f"{value:.1%}" for value in (plain, adjusted, anytime, kept)),
        *(f"{reduction:.0%}", f"{found:.0%}", f"{power(plan) or 0.0:.0%}"),
    ]
    return f"| {' | '.join(cells)} |", min(plain, adjusted, anytime, kept)


def told(world: World, seed: int) -> tuple[Effect, Effect]:
    """The effect without and with adjustment."""
    outcome, treated, score = world.campaign(seed)
    planned = world.customers
    return (
        effect(outcome, treated, planned=planned),
        effect(outcome, treated, score, planned=planned),
    )


def looks(campaigns: int = LOOKED_AT, customers: int = 2000) -> str:
    """A line on campaigns without an effect that are looked at again and again."""
    world, fixed, anytime = World(customers, 0.2, 0.2, 0.0), 0, 0
    ends = [round(customers * (at + 1) / LOOKS) for at in range(LOOKS)]
    for seed in range(campaigns):
        outcome, treated, score = world.campaign(seed)
        found = [effect(outcome[:n], treated[:n], score[:n], planned=customers) for n in ends]
        fixed += any(not one.low <= 0 <= one.high for one in found)
        anytime += any(not one.anytime_low <= 0 <= one.anytime_high for one in found)
    return (
        f"- {LOOKS} looks at each of {campaigns:,} campaigns of {customers:,} customers without an "
        f"effect: the interval for one look finds one in {fixed / campaigns:.0%} of them, the one "
        f"for any number of looks in {anytime / campaigns:.1%}; at most 5 %: "
        + ("met." if anytime / campaigns <= 0.05 else "**missed**.")
    )


def share_of(hits: Sequence[bool]) -> float:
    """Of those that are true."""
    return float(np.mean(hits))


def centre_of(rate: float) -> float:
    """The mean log-odds at which so many leave."""
    # Gauss and Hermite's points stand for the normal distribution.
    at, weights = np.polynomial.hermite_e.hermegauss(41)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float(weights @ (1 / (1 + np.exp(-middle - SPREAD * at))) / weights.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return low
