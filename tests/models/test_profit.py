"""What acting on probabilities earns, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.profit import Campaign, best_share, expected, per_contact, profit_curve, realised

CAMPAIGN = Campaign(cost=10, incentive=5, success_rate=0.2)


def test_expected_profit_by_hand():
    """Half leave, a fifth of those are kept, each worth 300; the other half takes the incentive."""
    found = expected(np.array([0.5]), np.array([300.0]), CAMPAIGN)
    assert found[0] == pytest.approx(0.5 * 0.2 * 300 - 10 - 5 * 0.5)


def test_only_whom_it_seems_to_pay_to_contact_brings_anything():
    found = realised(np.array([1, 0, 1]), np.array([0.5, 0.5, 0.01]), np.full(3, 300.0), CAMPAIGN)
    np.testing.assert_allclose(found, [0.2 * 300 - 10, -15, 0])


def test_the_truth_earns_most():
    random = np.random.default_rng(3)
    truth, values = random.random(50_000) * 0.6, random.lognormal(5, 1, 50_000)
    labels = random.random(50_000) < truth
    wrong = np.clip(truth + random.normal(0, 0.2, 50_000), 0, 1)
    best = realised(labels, truth, values, CAMPAIGN).mean()
    assert best > realised(labels, wrong, values, CAMPAIGN).mean()
    assert best > realised(labels, np.full(50_000, 0.3), values, CAMPAIGN).mean()


def test_profit_curve_by_hand():
    """The best first: 50, then 30, then a loss of 100."""
    shares = np.array([0, 1 / 3, 2 / 3, 1])
    curve = profit_curve(np.array([1.0, 3.0, 2.0]), np.array([-100.0, 50, 30]), shares)
    np.testing.assert_allclose(curve * 3, [0, 50, 80, -20])
    assert best_share(shares, curve) == (2 / 3, pytest.approx(80 / 3))


def test_who_ties_counts_by_the_mean():
    gains, shares = np.array([50.0, -30, 40]), np.array([0.5])
    for order in ([0, 1, 2], [2, 1, 0]):
        curve = profit_curve(np.ones(3), gains[order], shares)
        assert curve[0] == pytest.approx(60 / 3 / 2)


def test_nobody_is_the_best_share_where_every_contact_costs():
    curve = profit_curve(np.arange(4.0), np.full(4, -1.0), np.linspace(0, 1, 5))
    assert best_share(np.linspace(0, 1, 5), curve) == (0, 0)


def test_the_curve_ends_where_everybody_is_contacted():
    random = np.random.default_rng(1)
    labels, values = random.integers(0, 2, 99), random.lognormal(5, 1, 99)
    gains = per_contact(labels, values, CAMPAIGN)
    assert profit_curve(random.random(99), gains, np.array([1.0]))[0] == pytest.approx(gains.mean())
