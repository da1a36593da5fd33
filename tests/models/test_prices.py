"""Prices and the bound they prove, against the linear programme on the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from models.prices import find_prices
from models.resources import Resources


def relaxed(profits, costs, resources):
    """The most that parts of customers could bring: the linear programme over all pairs."""
    uses, limits, _ = resources.rows(costs, len(profits))
    n = len(profits)
    pairs = [(i, a) for i in range(n) for a in range(len(costs)) if np.isfinite(profits[i, a])]
    if not pairs:
        return 0.0
    who, which = np.array(pairs).T
    once = (who == np.arange(n)[:, None]).astype(float)
    rows, room = np.vstack([once, uses[:, which]]), np.concatenate([np.ones(n), limits])
    found = linprog(-profits[who, which], A_ub=rows, b_ub=room, bounds=(0, 1), method="highs")
    return -found.fun


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    customers=st.integers(1, 40),
    budget=st.one_of(st.none(), st.floats(0.1, 100)),
    capacity=st.one_of(st.none(), st.integers(1, 20)),
    own=st.lists(st.one_of(st.just(np.inf), st.integers(1, 8)), min_size=3, max_size=3),
)
def test_the_bound_is_that_of_the_linear_programme(seed, customers, budget, capacity, own):
    random = np.random.default_rng(seed)
    profits = random.normal(2, 5, (customers, 3)).round(1)
    profits[profits <= 0] = -np.inf
    costs, resources = random.choice([0.0, 0.5, 1, 3, 7.3], 3), Resources(budget, capacity, own)
    profits[:, ~resources.possible(costs)] = -np.inf
    prices, bound = find_prices(profits, costs, resources)
    best = relaxed(profits, costs, resources)
    assert bound >= best * (1 - 1e-9)
    assert bound == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert min(prices.budget, prices.capacity, *prices.per_action) >= 0


def test_prices_by_hand():
    """A unit of money is worth what it brings with the last customer whom it reaches."""
    profits = np.array([[30.0], [20.0], [10.0]])
    prices, bound = find_prices(profits, np.array([10.0]), Resources(15, None, [np.inf]))
    # Of whole tens only 10 can be spent: the second customer, or the first, is the last.
    assert bound == pytest.approx(30)
    assert 2 - 1e-9 <= prices.budget <= 3 + 1e-9
    assert (prices.capacity, prices.per_action.tolist()) == (0, [0])
    # Were there contacts for 7.5, too, 15 could be spent, 4.5 of it on a part of the second.
    both, costs = np.column_stack([profits, np.full(3, -np.inf)]), np.array([10.5, 7.5])
    prices, bound = find_prices(both, costs, Resources(15.7, None, [np.inf] * 2))
    assert bound == pytest.approx(30 + 20 * 4.5 / 10.5)
    assert prices.budget == pytest.approx(20 / 10.5)


def test_limits_that_leave_room_cost_nothing():
    prices, bound = find_prices(np.ones((3, 2)), np.ones(2), Resources(5, 4, [3, 3]))
    assert (prices.budget, prices.capacity, prices.per_action.tolist()) == (0, 0, [0, 0])
    assert bound == pytest.approx(3)


def test_an_action_without_room_has_no_price_that_buys_it():
    resources = Resources(5, None, [0, np.inf])
    profits = np.array([[-np.inf, 1.0]])
    prices, _ = find_prices(profits, np.array([1.0, 2.0]), resources)
    assert prices.per_action.tolist() == [np.inf, 0]
    assert prices.toll(np.array([1.0, 2.0])).tolist() == [np.inf, 0]
