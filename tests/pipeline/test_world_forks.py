"""Months run again: the same without contacts, and different by what contacts did."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.simulate import streams_of
from pipeline.world import Calendar, Settings
from pipeline.world_forks import LEAVE, STAY, Terms, fork, prospects, run_on, spent
from pipeline.world_outreach import ACTIONS, NOBODY, answers_of
from pipeline.world_truth import live

NOW, TERMS = 12, Terms(months=6)


@pytest.fixture(scope="module")
def world():
    return live(500, Calendar(18), Settings(), streams_of(42), until=NOW).world


@pytest.fixture(scope="module")
def contacts(world):
    """Half of the customers, with what helps them most."""
    outlook = world.copy().look_ahead(NOW)
    best = answers_of(world, NOW, outlook.base, outlook.causes).chance.argmin(axis=1)
    return np.where(np.random.default_rng(1).random(len(best)) < 0.5, best, NOBODY)


def test_a_run_leaves_the_world_as_it_was_and_can_be_repeated(world):
    before = {
        name: values.copy()
        for name, values in vars(world.dunning).items()
        if name != "rng" and isinstance(values, np.ndarray)
    }
    one, two = (run_on(world, NOW, TERMS, seed=3) for _ in range(2))
    assert np.array_equal(one.margin, two.margin)
    assert all(np.array_equal(getattr(world.dunning, name), old) for name, old in before.items())
    assert not np.array_equal(one.margin, run_on(world, NOW, TERMS, seed=4).margin)


def test_who_is_not_contacted_has_the_same_months(world, contacts):
    """Random numbers stay with their customers, whatever happens to others."""
    with_, without = fork(world, NOW, contacts, TERMS, runs=2, seed=5)
    untouched = contacts == NOBODY
    for one, other in zip(with_, without, strict=True):
        assert np.array_equal(one.margin[untouched], other.margin[untouched])
        assert np.array_equal(one.left[untouched], other.left[untouched])
        assert (one.margin != other.margin)[~untouched].any()


def test_margin_is_what_is_paid(world):
    """Without discount, nobody pays more than the months' prices and what was open before."""
    terms = Terms(months=6, margin=1.0, discount_rate=0.0)
    stay = run_on(world, NOW, terms, seed=6, fate=STAY)
    gone = run_on(world, NOW, terms, seed=6, fate=LEAVE)
    monthly = ~world.people.year & stay.margin.astype(bool) & ~stay.left
    most = world.contract.price[monthly] * 1.3 * 7
    assert (stay.margin[monthly] <= most + 1e-9).all()
    assert np.median(stay.margin[monthly] / world.contract.price[monthly]) > 4.9
    assert gone.left[stay.margin > 0].all()
    assert gone.margin.sum() < 0.2 * stay.margin.sum()


def test_prospects_mean_what_runs_with_and_without_contacts_bring(world, contacts):
    with_, without = fork(world, NOW, contacts, TERMS, runs=30, seed=7)
    who = np.flatnonzero(contacts != NOBODY)
    plain = [(a.margin - b.margin)[who].sum() for a, b in zip(with_, without, strict=True)]
    found = prospects(world, NOW, TERMS, runs=3, seed=8).gain[:, who, contacts[who]].sum(axis=1)
    error = np.hypot(np.std(plain) / np.sqrt(30), np.std(found) / np.sqrt(3))
    assert abs(np.mean(plain) - found.mean()) < 3.5 * error
    assert found.std() < np.std(plain)


def test_as_many_leave_as_the_probabilities_say(world, contacts):
    known = prospects(world, NOW, Terms(months=1), runs=1, seed=1)
    who = known.active & (contacts != NOBODY)
    chance = known.contacted[who, contacts[who]]
    left = [
        run_on(world, NOW, Terms(months=1), seed=n, contacts=contacts).left[who].sum()
        for n in range(40)
    ]
    error = np.sqrt((chance * (1 - chance)).sum() / 40)
    assert abs(np.mean(left) - chance.sum()) < 3.5 * error


def test_nothing_is_spent_on_nobody_and_gifts_go_to_who_stays():
    contacts = np.array([NOBODY, ACTIONS.index("gift"), ACTIONS.index("gift")])
    assert spent(contacts, np.array([0.0, 0.0, 1.0])).tolist() == [0.0, 16.0, 1.0]


def test_runs_beyond_the_calendar_are_refused(world):
    with pytest.raises(ValueError, match="beyond"):
        run_on(world, NOW, Terms(months=7), seed=1)
