"""EMPC against its definition, integrated by brute force over every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.empc import PAPER, Money, expected_maximum_profit, money_of
from models.ranking import Ranking


def brute_force(labels, scores, money):
    """For many gammas the best of all thresholds, weighted by the density."""
    from scipy.stats import beta

    steps = (np.arange(20_000) + 0.5) / 20_000
    density = beta.pdf(steps, money.alpha, money.beta)
    thresholds = [np.inf, *np.unique(scores)[::-1]]
    churned = np.array([((scores >= t) & (labels == 1)).mean() for t in thresholds])
    others = np.array([((scores >= t) & (labels == 0)).mean() for t in thresholds])
    delta, phi = money.incentive / money.value, money.contact / money.value
    profit = money.value * (
        np.outer(steps * (1 - delta) - phi, churned) - (delta + phi) * others[None, :]
    )
    best = profit.argmax(axis=1)
    share = (churned + others)[best]
    return (profit.max(axis=1) * density).mean(), (share * density).mean()


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    levels=st.integers(1, 40),
    value=st.floats(20, 2000),
    incentive=st.floats(0, 15),
    contact=st.floats(0, 5),
    success=st.floats(0.1, 0.9),
)
def test_as_defined(seed, levels, value, incentive, contact, success):
    random = np.random.default_rng(seed)
    scores = random.integers(0, levels, 80)
    labels = (random.random(80) < 0.05 + 0.5 * scores / levels).astype(int)
    money = Money(value, incentive, contact, 20 * success, 20 - 20 * success)
    profit, share = expected_maximum_profit(Ranking(labels, scores).count(), money)
    expected_profit, expected_share = brute_force(labels, scores, money)
    assert profit == pytest.approx(expected_profit, abs=2e-4 * value)
    # Where two thresholds earn the same, brute force takes the first, which may be the smaller.
    assert share == pytest.approx(expected_share, abs=0.02)


def test_nobody_is_contacted_where_nobody_is_worth_it():
    """One in twenty leaves and nobody knows who: even if all were kept, gifts would cost more."""
    labels = np.arange(1000) < 50
    assert expected_maximum_profit(Ranking(labels, np.zeros(1000)).count()) == (0.0, 0.0)


def test_whoever_knows_all_contacts_the_churners():
    """200 x (0.3 x 0.95 - 0.005) for each of the 10 % who leave; it pays in nearly every case."""
    labels = np.arange(1000) < 100
    profit, share = expected_maximum_profit(Ranking(labels, labels).count())
    assert profit == pytest.approx(0.1 * 200 * (0.3 * 0.95 - 0.005), rel=1e-6)
    assert share == pytest.approx(0.1, rel=1e-6)


@given(seed=st.integers(0, 10_000))
def test_only_the_order_matters(seed):
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 2, 50), random.integers(0, 20, 50)
    here = expected_maximum_profit(Ranking(labels, scores).count())
    assert here == expected_maximum_profit(Ranking(labels, np.exp(scores / 9) - 3).count())


@given(seed=st.integers(0, 10_000))
def test_never_below_nobody_and_never_above_the_truth(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 50)
    found = expected_maximum_profit(Ranking(labels, random.random(50)).count())
    assert 0 <= found[0] <= expected_maximum_profit(Ranking(labels, labels).count())[0] + 1e-9
    assert 0 <= found[1] <= 1


@pytest.mark.parametrize("churned", [0, 1])
@pytest.mark.parametrize("money", [PAPER, Money(incentive=0.0, contact=0.0)])
def test_one_class_gives_no_nan(churned, money):
    profit, share = expected_maximum_profit(
        Ranking(np.full(9, churned), np.arange(9)).count(), money
    )
    assert np.isfinite([profit, share]).all()
    assert churned or profit == 0


def test_money_of_a_config():
    found = money_of(300.0, incentive=5.0, contact=2.0, success_rate=0.25)
    assert found == Money(300.0, 5.0, 2.0, alpha=5.0, beta=15.0)
    assert money_of(5.0, incentive=5.0, contact=2.0, success_rate=0.25) is None
    assert money_of(0.0, incentive=0.0, contact=2.0, success_rate=0.25) is None
    assert money_of(300.0, incentive=5.0, contact=2.0, success_rate=0.0) is None
