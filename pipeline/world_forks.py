"""The simulated business run again from a month on, with contacts and without.

Runs that are told the same seed share their random numbers month by month and part by part, so
that what differs between them is what the contacts did (common random numbers). Customers do not
touch each other in this world: where nobody contacts a customer, the true difference is none.

Money is what customers truly pay within the months that are run, in the month in which they pay
it; customers who pay by the year pay all of it once, with contacts and without. Refunds, which
come to all alike, are left out. No run goes beyond the calendar of the world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipeline.world import DAY, RETRY_DAYS, Array
from pipeline.world_life import Outlook, World
from pipeline.world_outreach import ACTIONS, NOBODY, OFFERS, answers_of

DRAWN, STAY, LEAVE = "drawn", "stay", "leave"


@dataclass(frozen=True)
class Terms:
    """Over which months money counts, and how.

    `margin` is the share of what is paid that is left, `discount_rate` is a year's.
    """

    months: int = 12
    margin: float = 0.6
    discount_rate: float = 0.10


@dataclass(frozen=True)
class Ahead:
    """How it went on, one entry per customer."""

    margin: Array  # money
    left: Array  # bool: active at the first of the month and gone at the end


def run_on(
    world: World,
    month: int,
    terms: Terms,
    *,
    seed: int,
    contacts: Array | None = None,
    fate: str = DRAWN,
) -> Ahead:
    """Run a copy of the world, as it stands before a month, over the months of the terms.

    With `fate` STAY or LEAVE all answer their contacts, and all stay or all leave in the first
    month, whatever their chances are.
    """
    if month + terms.months > world.calendar.months:
        raise ValueError(f"month {month} + {terms.months} lies beyond {world.calendar.months}")
    world = world.copy()
    active = (world.people.started < _first(world, month)) & (world.ended >= _first(world, month))
    for each in range(month, month + terms.months):
        world.reseed(seed, each)
        outlook = world.look_ahead(each, contacts if each == month else None)
        if each == month and fate != DRAWN:
            outlook = _fated(outlook, fate)
        world.take_place(each, outlook)
        if fate == LEAVE:
            break
    left = active & (world.ended < _first(world, month + terms.months))
    return Ahead(_paid(world, month, terms) * active, left)


def _first(world: World, month: int) -> int:
    return int(world.calendar.first[month])


def _fated(outlook: Outlook, fate: str) -> Outlook:
    reached = outlook.reached
    if reached is not None:
        reached = replace(reached, answered=reached.action != NOBODY)
    return replace(outlook, leaving=outlook.active & (fate == LEAVE), reached=reached)


def _paid(world: World, month: int, terms: Terms) -> Array:
    """Discounted margin of what each customer pays."""
    first, last = _first(world, month), _first(world, month + terms.months)
    total = np.zeros(len(world.people.started))
    for charges in world.dunning.rounds:
        paid = charges["attempt"] < len(RETRY_DAYS)
        at = charges["run"] + np.append(RETRY_DAYS, 0)[charges["attempt"]] * DAY
        end = np.minimum(np.minimum(charges["until"], world.ended[charges["customer"]]), last)
        counts = paid & (at >= first) & (at < end)
        years = (at - first) / (365.25 * DAY)
        money = charges["amount"] * (1 + terms.discount_rate) ** -np.where(counts, years, 0)
        total += np.bincount(charges["customer"], money * counts, minlength=len(total))
    return np.asarray(total * terms.margin)


def spent(contacts: Array, leaves: Array) -> Array:
    """What contacts cost each customer's business: incentives go to who does not leave."""
    cost = np.array([*(offer.cost for offer in OFFERS), 0.0])[contacts]
    gift = np.array([*(offer.incentive for offer in OFFERS), 0.0])[contacts]
    return np.asarray(cost + gift * (1 - leaves))


def fork(
    world: World, month: int, contacts: Array, terms: Terms, *, runs: int, seed: int
) -> tuple[list[Ahead], list[Ahead]]:
    """The same months with contacts and without, as often as asked, pair by pair.

    `contacts` holds an index into `pipeline.world_outreach.ACTIONS` per customer, or NOBODY.
    """
    seeds = np.random.SeedSequence(seed).generate_state(runs).tolist()
    return (
        [run_on(world, month, terms, seed=each, contacts=contacts) for each in seeds],
        [run_on(world, month, terms, seed=each) for each in seeds],
    )


@dataclass(frozen=True)
class Prospects:
    """What is true of each customer at the first of a month, with each action and without."""

    active: Array  # (customers,) bool
    chance: Array  # (customers,) of leaving within the month, without contact
    contacted: Array  # (customers, actions) the same with each action
    value: Array  # (customers,) mean margin if it stays this month, without contact
    gain: Array  # (runs, customers, actions) margin gained, before cost and incentive

    @property
    def profit(self) -> Array:
        """(customers, actions): expected margin gained, less cost and expected incentive."""
        actions = np.broadcast_to(np.arange(len(ACTIONS)), self.contacted.shape)
        return np.asarray(self.gain.mean(axis=0) - spent(actions, self.contacted))


def prospects(world: World, month: int, terms: Terms, *, runs: int, seed: int) -> Prospects:
    """What contacting each customer with each action would truly bring.

    Whether a customer answers and whether it leaves in the first month are not drawn but taken by
    their probabilities (conditional Monte Carlo): the months after are run for everybody as one
    who stays, having answered or not, and the first month as one who leaves. It means the same as
    the mean difference of `fork`, with far less noise.
    """
    outlook = world.copy().look_ahead(month)  # a copy: looking draws random numbers
    answers = answers_of(world, month, outlook.base, outlook.causes)
    seeds = np.random.SeedSequence(seed).generate_state(runs).tolist()
    values, gains = [], []
    for each in seeds:
        stay, leave = _fates(world, month, terms, each, None)
        values.append(stay)
        without = (1 - outlook.chance) * stay + outlook.chance * leave
        ignored = (1 - answers.ignored) * stay + answers.ignored * leave
        gain = np.empty(answers.chance.shape, np.float32)
        for n, (kept, lost) in enumerate(_answered(world, month, terms, each)):
            gone, response = answers.answered[:, n], answers.response[:, n]
            answered = (1 - gone) * kept + gone * lost
            gain[:, n] = response * answered + (1 - response) * ignored - without
        gains.append(gain * outlook.active[:, None])
    value = np.mean(values, axis=0)
    return Prospects(outlook.active, outlook.chance, answers.chance, value, np.array(gains))


def _answered(world: World, month: int, terms: Terms, seed: int) -> Iterator[tuple[Array, Array]]:
    """Margins of who stays and of who leaves after answering, action by action."""
    for action in range(len(ACTIONS)):
        contacts = np.full(len(world.people.started), action)
        yield _fates(world, month, terms, seed, contacts)


def _fates(
    world: World, month: int, terms: Terms, seed: int, contacts: Array | None
) -> tuple[Array, Array]:
    """Margins of everybody as one who stays this month, and as one who leaves."""
    stay = run_on(world, month, terms, seed=seed, contacts=contacts, fate=STAY)
    leave = run_on(world, month, terms, seed=seed, contacts=contacts, fate=LEAVE)
    return stay.margin, leave.margin
