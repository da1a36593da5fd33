"""What contacts do to customers: causes are resolved, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.config import DEFAULT_ACTIONS
from pipeline.simulate import streams_of
from pipeline.world import NEVER, Calendar, Settings
from pipeline.world_life import World
from pipeline.world_outreach import ACTIONS, NOBODY, OFFERS, TROUBLE, resolve

MONTHS, NOW = 23, 13  # prices rise in month 11
EASES = {
    "extend_dunning": {"payments"},
    "resolve_open_problem": {"support"},
    "enable_auto_renewal": {"subscription"},
    "renewal_reminder": {"subscription"},
    "onboarding_programme": {"onboarding"},
    "help_and_training": {"usage"},
    "account_manager": {"support", "usage"},
    "price_talk": {"price"},
    "gift": {"gift"},
}


@pytest.fixture(scope="module")
def grown() -> World:
    world = World(5_000, Calendar(MONTHS), Settings(), streams_of(41))
    for month in range(NOW):
        world.take_place(month, world.look_ahead(month))
    return world


def ahead(world: World, action: str | None = None):
    """The month after everybody was contacted with an action, of which all answer."""
    contacts = np.full(len(world.people.started), ACTIONS.index(action) if action else NOBODY)
    return world.look_ahead(NOW, contacts)


def answer(world: World, action: str) -> None:
    """All answer."""
    who = np.arange(len(world.people.started))
    now = int(world.calendar.first[NOW])
    resolve(world, NOW, action, who, np.full(len(who), now + 40_000))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_answer_eases_its_own_causes_alone(grown, action):
    outlook = ahead(grown.copy())
    relief = outlook.reached.answers.relief[ACTIONS.index(action)]
    assert set(relief) == EASES[action]
    for cause, after in relief.items():
        before = outlook.causes.get(cause, np.zeros(len(after)))
        assert (after <= before + 1e-12).all()
        assert ((before == 0) <= (after <= 0)).all()
        assert (after < before - 0.01)[outlook.active].sum() > 20


@pytest.mark.parametrize("action", ACTIONS)
def test_who_has_no_fitting_cause_is_not_moved(grown, action):
    outlook = ahead(grown.copy())
    answers = outlook.reached.answers
    number = ACTIONS.index(action)
    fits = set(EASES[action]) - {"gift"} or {"usage", "support", "price"}
    none = sum(outlook.causes[cause] for cause in fits) == 0
    assert none.any()
    assert np.allclose(answers.answered[none, number], answers.ignored[none])


def test_sleeping_dogs_alone_are_woken(grown):
    outlook = ahead(grown.copy())
    ignored = outlook.reached.answers.ignored
    old = NOW - grown.people.start_month >= 12
    dogs = old & (sum(outlook.causes.values()) < TROUBLE)
    added = np.log(ignored / (1 - ignored)) - np.log(outlook.chance / (1 - outlook.chance))
    assert dogs.sum() > 50
    assert ((added[dogs] > 0.149) & (added[dogs] < 0.301)).all()
    assert np.allclose(added[~dogs], 0)


def test_probability_if_contacted_is_the_mean_over_the_answer(grown):
    outlook = ahead(grown.copy(), "extend_dunning")
    answers, number = outlook.reached.answers, ACTIONS.index("extend_dunning")
    response = answers.response[:, number]
    mean = response * answers.answered[:, number] + (1 - response) * answers.ignored
    assert np.allclose(answers.chance[:, number], mean)
    answered = outlook.reached.answered[outlook.active]
    error = np.sqrt((response * (1 - response))[outlook.active].sum())
    assert abs(answered.sum() - response[outlook.active].sum()) < 3.5 * error


def test_people_answer_differently(grown):
    response, business = grown.temper.response, grown.people.business
    usual = [offer.response for offer in OFFERS]
    assert np.allclose(np.median(response[~business], axis=0), usual, atol=0.03)
    assert (response[business].mean(axis=0) > response[~business].mean(axis=0)).all()
    assert (response.std(axis=0) > 0.1).all()


def test_dunning_settles_open_invoices_and_stops_attempts(grown):
    world = grown.copy()
    now = int(world.calendar.first[NOW])
    open_ = world.dunning.open(now) & (world.dunning.settled_at > now + 40_000)
    answer(world, "extend_dunning")
    assert open_.sum() > 20
    assert not world.dunning.dead_card[open_].any()
    assert (world.dunning.settled_at[open_] == now + 40_000).all()
    assert np.array_equal(world.dunning.settled_at[~open_], grown.dunning.settled_at[~open_])
    paid = world.dunning.rounds[-1]
    assert np.array_equal(paid["customer"], np.flatnonzero(open_))
    charges = world.dunning.rounds[-2]
    stopped = np.isin(charges["customer"], paid["customer"])
    assert (charges["until"][stopped] == now + 40_000).all()
    assert (charges["until"][~stopped] == NEVER).all()


def test_waiting_tickets_are_closed(grown):
    world = grown.copy()
    now = int(world.calendar.first[NOW])
    before = sum((t["closed"] > now + 40_000).sum() for t in grown.support.tickets[-6:])
    answer(world, "resolve_open_problem")
    assert before > 20
    assert not any((t["closed"] > now + 40_000).any() for t in world.support.tickets)
    assert all((t["responded"] <= t["closed"]).all() for t in world.support.tickets)


def test_renewal_is_on_afterwards_and_doubts_come(grown):
    world = grown.copy()
    off = ~world.contract.auto_renew
    answer(world, "enable_auto_renewal")
    assert world.contract.auto_renew.all()
    world.take_place(NOW, world.look_ahead(NOW))
    there = off & (world.ended == NEVER) & (world.people.start_month < NOW)
    assert 0.1 < 1 - world.contract.auto_renew[there].mean() < 0.4


def test_price_falls_back_to_what_it_was(grown):
    world = grown.copy()
    felt = world.contract.log_odds_price(NOW) > 0
    answer(world, "price_talk")
    assert felt.sum() > 20
    assert (world.contract.price[felt] == grown.contract.price_before[felt]).all()
    assert (world.contract.price[felt] < grown.contract.price[felt]).all()
    assert np.array_equal(world.contract.price[~felt], grown.contract.price[~felt])


def test_newcomers_are_set_up_and_others_left_as_they_are(grown):
    world = grown.copy()
    answer(world, "onboarding_programme")
    lift = world.lifts[0]
    assert (world.onboarding[lift["customer"]] >= grown.onboarding[lift["customer"]]).all()
    rest = np.setdiff1d(np.arange(len(world.onboarding)), lift["customer"])
    assert np.array_equal(world.onboarding[rest], grown.onboarding[rest])
    assert np.array_equal(world.people.onboarding, grown.people.onboarding)
    assert lift["steps"].sum() > 20


def test_declines_end_and_managers_care_for_business_alone(grown):
    world = grown.copy()
    answer(world, "help_and_training")
    answer(world, "account_manager")
    assert not world.engagement.falling.any()
    assert np.allclose(world.engagement.decay, 0.25 * grown.engagement.decay)
    assert np.array_equal(world.managed_until > NOW, world.people.business)


def test_costs_are_those_of_the_config():
    told = {action.name: action.cost for action in DEFAULT_ACTIONS}
    assert {offer.name: offer.cost for offer in OFFERS if offer.name in told} == told
