"""How customers of the simulated business answer when the team contacts them.

An action that is answered resolves its cause: now, which lowers the log-odds of leaving in this
month, and in the world itself, which is then another one in the months to come. Not everybody
answers; an action that fits none of a customer's causes does nothing; and settled customers
without any trouble are sleeping dogs, whom every contact brings to think about leaving.

Whether a customer answers is the one thing drawn, so that its probability of leaving is known in
closed form with and without each action.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.world import DAY, NEVER, SETUP_STEPS, Array, People

if TYPE_CHECKING:
    from pipeline.world_life import World

Causes = dict[str, Array]

CONTACT_HOUR = 9 * 3600
NOBODY = -1
FORGOTTEN_DAYS = 150  # a poor start weighs no more
MANAGED_MONTHS = 3
TROUBLE = 0.1  # log-odds; less than this is no trouble


@dataclass(frozen=True)
class Offer:
    """An action of the team: what it costs, and how many answer.

    `response` is the chance of a median consumer. The incentive is given to who stays; that of a
    price talk is the price that falls back, which the world itself counts.
    """

    name: str
    cost: float
    response: float
    incentive: float = 0.0


OFFERS = (
    Offer("extend_dunning", 1.0, 0.45),
    Offer("resolve_open_problem", 15.0, 0.45),
    Offer("enable_auto_renewal", 2.0, 0.30),
    Offer("renewal_reminder", 0.5, 0.50),
    Offer("onboarding_programme", 10.0, 0.35),
    Offer("help_and_training", 3.0, 0.25),
    Offer("account_manager", 60.0, 0.60),
    Offer("price_talk", 8.0, 0.45),
    Offer("gift", 1.0, 0.60, 15.0),
)
ACTIONS = tuple(offer.name for offer in OFFERS)


@dataclass(frozen=True)
class Temper:
    """What nobody sees of a customer: how open it is to contacts, and how easily annoyed."""

    response: Array  # (customers, actions): chance that it answers
    irritation: Array  # log-odds, if it is a sleeping dog


def draw_temper(people: People, rng: np.random.Generator) -> Temper:
    """Openness varies from customer to customer; business customers have more of it."""
    count = len(people.started)
    openness = rng.normal(0, 0.7, count) + 0.3 * people.business
    usual = np.array([offer.response for offer in OFFERS])
    odds = usual / (1 - usual) * np.exp(openness)[:, None]
    return Temper(odds / (1 + odds), rng.uniform(0.15, 0.30, count))


@dataclass(frozen=True)
class Answers:
    """What each action would do this month; (customers, actions) where not said otherwise."""

    relief: tuple[Causes, ...]  # per action: causes as they are for who answers; more: log-odds
    response: Array  # chance that it is answered
    answered: Array  # probability of leaving if it is
    ignored: Array  # (customers,) probability if no contact is answered
    chance: Array  # probability of leaving if contacted


def answers_of(world: World, month: int, base: Array, causes: Causes) -> Answers:
    """What contacting each customer with each action at the first of a month does."""
    odds = base + sum(causes.values())
    annoyed = odds + np.where(_sleeping(world, month, causes), world.temper.irritation, 0.0)
    relief = tuple(RELIEF[name](world, month, causes) for name in ACTIONS)
    change = np.column_stack([_change(each, causes) for each in relief])
    answered, ignored = _logistic(annoyed[:, None] + change), _logistic(annoyed)
    response = world.temper.response
    chance = response * answered + (1 - response) * ignored[:, None]
    return Answers(relief, response, answered, ignored, chance)


def _logistic(odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _change(relief: Causes, causes: Causes) -> Array:
    """Log-odds that an answer adds, most often less than nothing."""
    return np.asarray(sum(new - causes.get(name, 0.0) for name, new in relief.items()))


def _sleeping(world: World, month: int, causes: Causes) -> Array:
    """Customers of a year or more without any trouble."""
    settled = month - world.people.start_month >= 12
    return np.asarray(settled & (sum(causes.values()) < TROUBLE))


def _settled(world: World, month: int, causes: Causes) -> Causes:
    now, dunning = _now(world, month), copy(world.dunning)
    dunning.settled_at = np.where(dunning.open(now), now - 1, dunning.settled_at)
    return {"payments": dunning.log_odds(now)}


def _solved(world: World, month: int, causes: Causes) -> Causes:
    now, support = _now(world, month), copy(world.support)
    support.tickets = [
        {**t, "closed": np.where(t["closed"] >= now, -1, t["closed"])} for t in support.tickets[-6:]
    ]
    return {"support": support.log_odds(now) * _managed(world, month)}


def _renewing(world: World, month: int, causes: Causes) -> Causes:
    contract = copy(world.contract)
    contract.auto_renew = np.ones(len(contract.auto_renew), bool)
    return {"subscription": contract.log_odds_term(month)}


def _reminded(world: World, month: int, causes: Causes) -> Causes:
    ends = world.contract.renewal(month)
    return {"subscription": causes["subscription"] * np.where(ends, 0.5, 1.0)}


def _set_up(world: World, month: int, causes: Causes) -> Causes:
    return {"onboarding": world.onboarding_log_odds(month, lifted(world.onboarding))}


def _helped(world: World, month: int, causes: Causes) -> Causes:
    engagement = copy(world.engagement)
    engagement.level = engagement.noise + 0.25 * engagement.decay
    return {"usage": np.minimum(causes["usage"], engagement.log_odds() * _managed(world, month))}


def _managed(world: World, month: int) -> Array:
    """What an account manager leaves of a cause."""
    return np.where(world.managed_until > month, 0.5, 1.0)


def _looked_after(world: World, month: int, causes: Causes) -> Causes:
    new = world.people.business & (world.managed_until <= month)
    return {name: causes[name] * np.where(new, 0.5, 1.0) for name in ("support", "usage")}


def _talked(world: World, month: int, causes: Causes) -> Causes:
    return {"price": np.zeros_like(causes["price"])}


def _treated(world: World, month: int, causes: Causes) -> Causes:
    felt = causes["usage"] + causes["support"] + causes["price"]
    return {"gift": np.where(felt >= TROUBLE, -0.5, 0.0)}


RELIEF: dict[str, Callable[[World, int, Causes], Causes]] = {
    "extend_dunning": _settled,
    "resolve_open_problem": _solved,
    "enable_auto_renewal": _renewing,
    "renewal_reminder": _reminded,
    "onboarding_programme": _set_up,
    "help_and_training": _helped,
    "account_manager": _looked_after,
    "price_talk": _talked,
    "gift": _treated,
}


def _now(world: World, month: int) -> int:
    return int(world.calendar.first[month])


def lifted(onboarding: Array) -> Array:
    """A start after an onboarding programme."""
    return np.clip(0.45 + 0.5 * onboarding, onboarding, 1.0)


def resolve(world: World, month: int, action: str, who: Array, at: Array) -> None:
    """What changes in the world when customers answer, at an instant each within the day."""
    if action in RESOLVE:
        RESOLVE[action](world, month, who, at)


def _settle(world: World, month: int, who: Array, at: Array) -> None:
    """The open invoice is paid by another method, and no further attempt is made."""
    dunning = world.dunning
    # An attempt in the small hours may have been sooner.
    open_ = dunning.open(_now(world, month))[who] & (dunning.settled_at[who] > at)
    who, at = who[open_], at[open_]
    stop = np.full(len(dunning.amount), NEVER)
    stop[who] = at
    for charges in dunning.rounds[-2:]:  # attempts of older ones are over
        charges["until"] = np.minimum(charges["until"], stop[charges["customer"]])
    paid = {"customer": who, "run": at, "attempt": np.zeros(len(who), int)}
    fields = {name: getattr(dunning, name)[who] for name in ("invoice", "due_at", "amount")}
    dunning.rounds.append({**paid, **fields, "until": np.full(len(who), NEVER)})
    dunning.settled_at[who], dunning.dead_card[who] = at, False


def _solve(world: World, month: int, who: Array, at: Array) -> None:
    """Tickets that wait are closed; those who are asked then are not angry."""
    moment = np.full(len(world.people.started), NEVER)
    moment[who] = at
    for t in world.support.tickets[-6:]:
        when = moment[t["customer"]]
        sooner = when < t["closed"]
        t["closed"] = np.where(sooner, when, t["closed"])
        t["responded"] = np.minimum(t["responded"], t["closed"])
        t["csat"] = np.where(sooner, np.maximum(t["csat"], 3), t["csat"])


def _renew(world: World, month: int, who: Array, at: Array) -> None:
    contract = world.contract
    off = ~contract.auto_renew[who]
    who, at = who[off], at[off]
    contract.auto_renew[who], contract.agreed_at[who] = True, at + 1
    contract.talked_into[who] = True
    contract.record(who, at, np.nan, True, np.nan)


def _take_back(world: World, month: int, who: Array, at: Array) -> None:
    """The price is again what it was before the last rise, if that is still felt."""
    contract = world.contract
    felt = contract.log_odds_price(month)[who] > 0
    who, at = who[felt], at[felt]
    contract.price[who], contract.rise[who] = contract.price_before[who], 0.0
    contract.record(who, at, contract.price[who], np.nan, np.nan)


def _set_up_at_last(world: World, month: int, who: Array, at: Array) -> None:
    new = _now(world, month) - world.people.started[who] < FORGOTTEN_DAYS * DAY
    who, at = who[new], at[new]
    better = lifted(world.onboarding[who])
    steps = np.round(SETUP_STEPS * (better - world.onboarding[who])).astype(int)
    world.lifts.append({"customer": who, "at": at, "steps": steps})
    world.onboarding[who] = better


def _help(world: World, month: int, who: Array, at: Array) -> None:
    world.engagement.decay[who] *= 0.25
    world.engagement.falling[who] = False


def _look_after(world: World, month: int, who: Array, at: Array) -> None:
    who = who[world.people.business[who]]
    world.managed_until[who] = month + MANAGED_MONTHS


RESOLVE: dict[str, Callable[[World, int, Array, Array], None]] = {
    "extend_dunning": _settle,
    "resolve_open_problem": _solve,
    "enable_auto_renewal": _renew,
    "onboarding_programme": _set_up_at_last,
    "help_and_training": _help,
    "account_manager": _look_after,
    "price_talk": _take_back,
}
"""Of a reminder and a gift nothing stays: they count in their month alone."""
