"""Gamma-Gamma: by hand, and against customers that spend by the model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spend import SpendModel, fit_spend

PUBLISHED = SpendModel(p=6.25, q=3.74, gamma=15.44)
"""Of CDNOW: Fader and Hardie (2013), section 3."""


def spent(model: SpendModel, count: int, seed: int = 4):
    """Customers by the model: how many baskets, the mean of these, and the true mean."""
    random = np.random.default_rng(seed)
    number = random.integers(1, 8, count)
    rate = random.gamma(model.q, 1 / model.gamma, count)
    total = random.gamma(model.p * number) / rate
    return number, total / number, model.p / rate


def test_the_notes_own_example():
    """One repeat basket of 22.35 is taken for a mean of 24.66; nobody's is 35.2 (section 4)."""
    found = PUBLISHED.expected(np.array([2, 0]), np.array([22.35, np.nan]))
    assert found == pytest.approx([24.66, 35.2], abs=0.15)
    assert PUBLISHED.usual == pytest.approx(found[1])


def test_a_fit_recovers_what_customers_spend_by():
    truth = SpendModel(p=5.0, q=4.0, gamma=20.0)
    number, mean, own = spent(truth, 8000)
    found = fit_spend(number, mean)
    assert [found.p, found.q, found.gamma] == pytest.approx([5.0, 4.0, 20.0], rel=0.2)
    expected = found.expected(number, mean)
    assert expected.mean() == pytest.approx(own.mean(), rel=0.03)
    assert np.abs(expected - own).mean() < np.abs(mean - own).mean()


def test_the_currency_does_not_matter():
    number, mean, _ = spent(PUBLISHED, 2000)
    small, large = fit_spend(number, mean), fit_spend(number, mean * 1000)
    assert large.expected(number, mean * 1000) == pytest.approx(
        1000 * small.expected(number, mean), rel=1e-3
    )


def test_customers_without_a_positive_basket_teach_nothing_and_are_usual():
    number, mean, _ = spent(PUBLISHED, 500)
    odd = np.append(mean, [np.nan, 0.0, -5.0]), np.append(number, [0, 2, 2])
    assert fit_spend(odd[1], odd[0]) == fit_spend(number, mean)
    found = PUBLISHED.expected(odd[1], odd[0])
    assert found[-3:] == pytest.approx([PUBLISHED.usual] * 3)


def test_too_few_baskets():
    with pytest.raises(ValueError, match="fewer than 20 customers"):
        fit_spend(np.ones(19), np.ones(19))


def test_baskets_drawn_have_the_expected_mean():
    random, count = np.random.default_rng(5), np.full(40_000, 3)
    means = PUBLISHED.drawn(count, np.full(40_000, 50.0), random)
    wanted = PUBLISHED.expected(np.array([3]), np.array([50.0]))[0]
    assert means.mean() == pytest.approx(wanted, rel=0.02)
    total = PUBLISHED.total_drawn(np.full(40_000, 2), means, random)
    assert total.mean() == pytest.approx(2 * wanted, rel=0.02)
    assert (PUBLISHED.total_drawn(np.zeros(3), means[:3], random) == 0).all()


@given(st.integers(1, 100_000), st.floats(0.01, 1e7))
def test_an_expected_basket_lies_between_the_own_mean_and_the_usual_one(count, mean):
    found = PUBLISHED.expected(np.array([count]), np.array([mean]))[0]
    low, high = sorted((mean, PUBLISHED.usual))
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)
    assert np.isfinite(PUBLISHED.log_likelihood(np.array([count]), np.array([mean]))).all()
