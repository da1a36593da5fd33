"""The benchmark of policies spends no more than it may, and its oracle knows best."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import policy
from benchmarks.policy_swaps import true_rates
from pipeline.world_outreach import ACTIONS, NOBODY

PROFITS = st.lists(
    st.tuples(st.floats(-5, 20), st.floats(-5, 20), st.floats(-5, 20)), min_size=1, max_size=30
)


@given(PROFITS, st.floats(0, 60))
def test_the_budget_is_never_exceeded_and_only_profit_is_taken(rows, budget):
    profits = np.array(rows)
    money = np.broadcast_to(np.array([1.0, 4.0, 10.0]), profits.shape)
    chosen = policy.take(profits, money, budget)
    taken = np.flatnonzero(chosen != NOBODY)
    assert money[taken, chosen[taken]].sum() <= budget + 1e-9
    assert (profits[taken, chosen[taken]] > 0).all()


def test_without_need_to_save_everybody_gets_the_best():
    profits = np.array([[1.0, 5.0], [3.0, 2.0], [-1.0, -2.0]])
    chosen = policy.take(profits, np.ones((3, 2)), 10.0)
    assert chosen.tolist() == [1, 0, NOBODY]


def test_true_rates_are_those_at_a_fit_of_one():
    """The first action keeps 0.2 of 0.4 and 0.1 of 0.4, at fits of 1 and 0.5; the second nobody."""
    known = SimpleNamespace(
        active=np.array([True, True, False]),
        chance=np.array([0.4, 0.4, 0.9]),
        contacted=np.array([[0.2, 0.4], [0.3, 0.4], [0.0, 0.0]]),
    )
    fits = np.array([[1.0, 0.0], [0.5, 2.0], [1.0, 1.0]])
    assert true_rates(known, fits).tolist() == pytest.approx([0.5, 0.0])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return policy.judge(8, 1_500, 2, tmp_path_factory.mktemp("policy"))


def test_nobody_earns_nothing_and_contacts_something(found):
    assert found["nobody"] == policy.Judged(0.0, 0.0, 0, 0.0)
    assert found["policy"].contacts > 5
    assert found["policy"].profit > found["at random"].profit
    assert found["oracle"].profit > found["policy"].profit
    assert found["policy, told the true success rates"].contacts > 5


def test_all_spend_under_the_same_budget(found):
    # The list leaves less of the budget than its dearest contact costs.
    most = max(one.spent for one in found.values())
    assert most <= found["policy"].spent + policy.MONEY.max()
    text = policy.table(found)
    assert text.count("\n") == len(found) + 1
    assert "| oracle |" in text
    assert len(ACTIONS) == len(policy.MONEY)
