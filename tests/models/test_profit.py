"""What acting on probabilities earns, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.profit import Campaign, expected, realised

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
