"""Never beyond a limit, never above the bound; the best of all where all are tried."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.allocation import allocate, wanted
from models.resources import Resources

EVERY = np.array(list(product([-1, 0, 1, 2], repeat=5)))
"""Every allocation of three actions to five customers."""
money = st.one_of(st.integers(0, 30).map(float), st.floats(0, 30))
limits = st.builds(
    Resources,
    st.one_of(st.none(), money),
    st.one_of(st.none(), st.integers(0, 6)),
    st.lists(st.one_of(st.just(np.inf), st.integers(0, 4)), min_size=3, max_size=3).map(np.array),
)
costs = st.lists(
    st.one_of(st.sampled_from([0.0, 0.1, 1.0, 2.0, 3.3, 10.0]), st.floats(0, 20)),
    min_size=3,
    max_size=3,
).map(np.array)
profit = st.one_of(
    st.sampled_from([np.nan, -np.inf, -1.0, 0.0, 1.0, 5.0, 5.0, 7.5]), st.floats(-5, 1000)
)


def tables(rows):
    own = st.lists(st.lists(profit, min_size=3, max_size=3), min_size=rows, max_size=rows)
    return own.map(np.array)


def orders(n):
    return np.random.default_rng(n).permutation(n) / n


def within(action, costs, resources):
    taken = action[action >= 0]
    counts = np.bincount(taken, minlength=len(costs))
    return (
        math.fsum(costs[taken]) <= (np.inf if resources.budget is None else resources.budget)
        and len(taken) <= (np.inf if resources.capacity is None else resources.capacity)
        and (counts <= resources.per_action).all()
    )


@settings(max_examples=80)
@given(profits=tables(5), costs=costs, resources=limits)
def test_nothing_is_better_where_all_allocations_are_tried(profits, costs, resources):
    found = allocate(profits, costs, resources, order=orders(5))
    assert within(found.action, costs, resources)
    gains = np.column_stack([np.where(profits > 0, profits, -np.inf), np.zeros(5)])
    brought = gains[np.arange(5), EVERY].sum(axis=1)
    best = max(
        brought[k] for k in np.flatnonzero(brought > -1) if within(EVERY[k], costs, resources)
    )
    assert found.profit == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert found.bound >= best
    assert found.proven
    taken = found.action >= 0
    assert found.profit == math.fsum(profits[taken, found.action[taken]])
    assert (profits[taken, found.action[taken]] > 0).all()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    customers=st.integers(0, 300),
    alike=st.booleans(),
    resources=limits,
    times=st.sampled_from([1, 20]),
    costs=costs,
)
def test_limits_and_bound_hold_for_many(seed, customers, alike, resources, times, costs):
    random = np.random.default_rng(seed)
    profits = random.lognormal(1, 2, (customers, 3)) - 2
    profits = np.round(profits) if alike else profits
    more = None if resources.budget is None else resources.budget * times
    resources = Resources(more, resources.capacity, resources.per_action * times)
    found = allocate(profits, costs, resources, order=orders(customers))
    assert within(found.action, costs, resources)
    assert found.profit <= found.bound
    assert 0 <= found.gap <= 1


@pytest.mark.parametrize("seed", range(3))
def test_a_few_hundred_customers_are_solved_to_the_optimum(seed):
    """Against the solver on the whole problem at once."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    random = np.random.default_rng(seed)
    profits, costs = random.lognormal(2, 1, (200, 4)) - 4, random.choice([1.0, 2.5, 7, 11.3], 4)
    resources = Resources(200.3, 60, np.array([25, np.inf, 10, 40]))
    found = allocate(profits, costs, resources, order=orders(200))
    once = np.kron(np.eye(200), np.ones(4))
    uses = np.vstack([np.tile(costs, 200), np.ones(800), np.tile(np.eye(4), 200)])
    most = np.concatenate([np.ones(200), [200.3, 60, 25, 200, 10, 40]])
    whole = milp(
        -profits.ravel(),
        integrality=np.ones(800),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.vstack([once, uses]), ub=most),
        options={"mip_rel_gap": 0.0},
    )
    assert whole.status == 0
    assert found.proven
    assert found.profit == pytest.approx(-whole.fun, rel=1e-8)
    assert found.gap < 0.01


@pytest.fixture(scope="module")
def large():
    random = np.random.default_rng(8)
    n, costs = 20_000, np.array([1.0, 15, 2, 10, 3, 18, 5, 20])
    at_stake = random.beta(1, 12, n) * random.lognormal(5, 1, n)
    success = np.where(random.random((n, 8)) < 0.4, random.random(8) * 0.3, np.nan)
    resources = Resources(5000, 1500, np.array([np.inf, 50, 400, np.inf, 300, 60, 200, 30]))
    return at_stake[:, None] * success - costs, costs, resources


def test_many_customers_nearly_reach_the_bound(large):
    profits, costs, resources = large
    found = allocate(profits, costs, resources, order=orders(len(profits)))
    assert within(found.action, costs, resources)
    assert found.gap < 1e-5


def test_the_rows_may_come_in_any_order_and_again(large):
    profits, costs, resources = (large[0][:3000].round(), *large[1:])
    resources = Resources(900, None, resources.per_action)
    order, mixed = orders(3000), np.random.default_rng(1).permutation(3000)
    first = allocate(profits, costs, resources, order=order)
    again = allocate(profits, costs, resources, order=order)
    other = allocate(profits[mixed], costs, resources, order=order[mixed])
    np.testing.assert_array_equal(first.action, again.action)
    np.testing.assert_array_equal(first.action[mixed], other.action)


def test_who_was_not_there_is_wanted_as_often(large):
    """Half take part; of the other half as many would have been contacted, give or take chance."""
    profits, costs, resources = (large[0][:6000], *large[1:])
    resources = Resources(700, 300, resources.per_action)
    order = orders(6000)
    found = allocate(profits[:3000], costs, resources, order=order[:3000])
    same = wanted(profits[:3000], costs, found.prices, order=order[:3000])
    other = wanted(profits[3000:], costs, found.prices, order=order[3000:])
    contacts = (found.action >= 0).sum()
    assert ((same >= 0) == (found.action >= 0)).mean() > 0.99
    assert (same >= 0).sum() == contacts
    assert (other >= 0).sum() == pytest.approx(contacts, abs=4 * math.sqrt(contacts))


def test_equals_are_taken_by_order():
    """All alike: those with the lowest numbers are contacted, and would have been."""
    profits, order = np.full((5000, 2), [8.0, 3.0]), orders(5000)
    found = allocate(
        profits, np.array([2.0, 2.0]), Resources(2469, None, [np.inf] * 2), order=order
    )
    assert (found.action[order < 1234 / 5000] == 0).all()
    assert (found.action[order >= 1234 / 5000] == -1).all()
    assert found.gap < 1e-12
    others = (np.arange(700) + 0.5) / 700
    told = wanted(np.full((700, 2), [8.0, 3.0]), np.array([2.0, 2.0]), found.prices, order=others)
    assert (told >= 0).mean() == pytest.approx(1234 / 5000, abs=1 / 700)


def test_a_budget_is_not_exceeded_by_rounding():
    """Six times 0.1 is 0.6000000000000001 where it is added exactly, though not step by step."""
    found = allocate(
        np.full((9, 1), 4.0), np.array([0.1]), Resources(0.6, None, [np.inf]), order=orders(9)
    )
    assert math.fsum([0.1] * 6) > 0.6
    assert (found.action >= 0).sum() == 5


NO_LIMIT = np.full(2, np.inf)


@pytest.mark.parametrize(
    ("resources", "costs", "expected"),
    [
        (Resources(None, None, NO_LIMIT), [1.0, 2.0], [0, 1, -1]),
        (Resources(1e9, 1e9, NO_LIMIT), [1.0, 2.0], [0, 1, -1]),
        (Resources(0, None, NO_LIMIT), [1.0, 2.0], [-1, -1, -1]),
        (Resources(0, None, NO_LIMIT), [0.0, 2.0], [0, 0, -1]),
        (Resources(0, 1, NO_LIMIT), [0.0, 0.0], [-1, 1, -1]),
        (Resources(None, 0, NO_LIMIT), [1.0, 2.0], [-1, -1, -1]),
        (Resources(None, 1.9, NO_LIMIT), [1.0, 2.0], [-1, 1, -1]),
        (Resources(None, None, np.zeros(2)), [1.0, 2.0], [-1, -1, -1]),
    ],
)
def test_edges(resources, costs, expected):
    profits = np.array([[5.0, 3.0], [4.0, 9.0], [-1.0, np.nan]])
    found = allocate(profits, np.array(costs), resources, order=orders(3))
    assert found.action.tolist() == expected
    assert found.gap < 1e-9
    told = wanted(profits, np.array(costs), found.prices, order=orders(3))
    assert told.tolist() == expected


@pytest.mark.parametrize("shape", [(0, 2), (3, 0), (0, 0)])
def test_no_customers_or_no_actions(shape):
    costs, order = np.ones(shape[1]), orders(shape[0])
    found = allocate(np.ones(shape), costs, Resources(5, 5, costs * 9), order=order)
    assert found.action.tolist() == [-1] * shape[0]
    assert (found.profit, found.bound, found.gap) == (0, 0, 0)
    assert wanted(np.ones(shape), costs, found.prices, order=order).tolist() == [-1] * shape[0]


@pytest.mark.parametrize(
    ("profits", "costs", "told"),
    [
        ([[1.0, np.inf]], [1.0, 1.0], "infinite"),
        ([[1.0, 1.0]], [1.0, -1.0], "at least 0"),
        ([[1.0, 1.0]], [1.0, np.nan], "at least 0"),
        ([[1.0, 1.0]], [1.0], "do not fit"),
    ],
)
def test_odd_numbers_are_refused(profits, costs, told):
    with pytest.raises(ValueError, match=told):
        allocate(np.array(profits), np.array(costs), Resources(1, 1, NO_LIMIT), order=orders(1))
