"""Excess churn of the exposed, by hand and where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.exposure import Range, excess, prior_risk


def counts(exposed, churned_of_them, others, churned_of_others):
    """Points by hand, each of a customer of its own, with nothing to tell them apart."""
    befell = np.repeat([True, False], [exposed, others])
    churned = np.concatenate(
        [np.arange(exposed) < churned_of_them, np.arange(others) < churned_of_others]
    )
    return churned.astype(int), befell, np.zeros((len(befell), 1)), np.arange(len(befell))


def test_without_covariates_it_is_the_difference_of_the_rates():
    """30 of 100 left against 40 of 400: 20 points more, 20 leavers; sqrt(.21/100 + .09/400)."""
    found = excess(*counts(100, 30, 400, 40))
    assert (found.points, found.others, found.customers) == (100, 400, 100)
    assert found.churn.estimate == pytest.approx(0.2)
    assert (found.rate, found.expected) == (pytest.approx(0.3), pytest.approx(0.1))
    assert found.leavers.estimate == pytest.approx(20)
    error = np.sqrt(0.3 * 0.7 / 100 + 0.1 * 0.9 / 400)
    assert (found.churn.high - found.churn.low) / 2 == pytest.approx(1.984 * error, rel=0.01)


def test_money_is_what_left_beyond_what_was_expected():
    """Each customer is worth 50: 20 leavers too many are 1,000."""
    rows = counts(100, 30, 400, 40)
    found = excess(*rows, values=np.full(500, 50.0))
    assert found.money.estimate == pytest.approx(1000)
    assert found.money.low == pytest.approx(found.leavers.low * 50)


def test_points_of_one_customer_are_no_independent_evidence():
    """The same points three times over tell no more than once."""
    churned, befell, covariates, customers = counts(100, 30, 400, 40)
    once = excess(churned, befell, covariates, customers)
    thrice = excess(
        *(np.concatenate([one] * 3) for one in (churned, befell, covariates, customers))
    )
    assert thrice.churn.high == pytest.approx(once.churn.high, rel=0.01)


def confounded(seed, effect=0.1):
    """What makes customers leave also makes it befall them: the plain difference is too large."""
    random = np.random.default_rng(seed)
    trouble = random.normal(size=4000)
    befell = random.random(4000) < 1 / (1 + np.exp(2 - trouble))
    before = 1 / (1 + np.exp(2.5 - trouble))
    churned = random.random(4000) < np.minimum(before + effect * befell, 1)
    return churned.astype(int), befell, trouble[:, None], np.arange(4000)


def test_what_is_known_before_is_made_up_for():
    found = [excess(*confounded(seed)) for seed in range(20)]
    assert sum(one.churn.low <= 0.1 <= one.churn.high for one in found) >= 18
    assert np.mean([one.churn.estimate for one in found]) == pytest.approx(0.1, abs=0.012)
    assert all(one.naive > one.churn.high for one in found)


def test_it_is_right_where_only_the_model_of_churn_is():
    """Who is exposed goes by the square of what drives churn, which no covariate tells."""
    random = np.random.default_rng(3)
    estimates = []
    for _ in range(20):
        drive = random.normal(1, 1, 4000)
        befell = random.random(4000) < 1 / (1 + np.exp(3 - drive**2))
        chance = 1 / (1 + np.exp(3 - drive))
        churned = random.random(4000) < np.minimum(chance + 0.1 * befell, 1)
        rows = (churned.astype(int), befell, drive[:, None], np.arange(4000))
        estimates.append(excess(*rows).churn.estimate)
    assert np.mean(estimates) == pytest.approx(0.1, abs=0.01)


def test_prior_risk_tells_as_much_as_its_covariates():
    churned, befell, trouble, customers = confounded(1)
    by_all = excess(churned, befell, trouble, customers)
    by_one = excess(churned, befell, prior_risk(trouble, churned, ~befell), customers)
    assert by_one.churn.estimate == pytest.approx(by_all.churn.estimate, abs=1e-3)


def test_a_few_leavers_vary_less_than_chance_could():
    """One of 58 could have been as many as 9 %: so far reaches Wilson's interval of the rate."""
    rows = counts(58, 1, 4000, 80)
    found = excess(*rows, values=np.full(4058, 50.0))
    assert found.churn.estimate == pytest.approx(1 / 58 - 0.02)
    assert found.churn.high == pytest.approx(0.0914 - 0.02, abs=0.002)
    assert found.money.high == pytest.approx(found.leavers.high * 50)
    # Of none nothing varies at all.
    assert excess(*counts(58, 0, 4000, 80)).churn.high > 0.04


def test_the_interval_holds_the_truth_where_few_leave():
    random, covered = np.random.default_rng(4), 0
    for _ in range(300):
        left, others = random.binomial(58, 0.04), random.binomial(2000, 0.03)
        churn = excess(*counts(58, left, 2000, others)).churn
        covered += churn.low <= 0.01 <= churn.high
    assert covered >= 280


def test_too_few_to_tell():
    assert excess(*counts(19, 5, 400, 40)) is None
    assert excess(*counts(100, 30, 19, 10)) is None
    assert excess(*counts(100, 30, 400, 4)) is None


@pytest.mark.parametrize(("alike", "told"), [(0, False), (100, True)])
def test_whom_nobody_is_like_is_compared_with_nobody(alike, told):
    """All 100 of a plan befell it; 0 or 100 of the same plan escaped, and 400 of another."""
    churned, exposed, _, customers = counts(100, 10, 400 + alike, 40)
    plan = np.concatenate([np.ones(100), np.zeros(400), np.ones(alike)])
    found = excess(churned, exposed, plan, customers)
    assert (found is not None) == told
    assert found is None or found.without_match == 0


def test_rows_that_do_not_fit_are_refused():
    churned, befell, covariates, customers = counts(100, 30, 400, 40)
    with pytest.raises(ValueError, match="need the same rows"):
        excess(churned[:-1], befell, covariates, customers)
    with pytest.raises(ValueError, match="finite"):
        excess(churned, befell, np.full((500, 1), np.nan), customers)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(20, 80), st.integers(0, 80), st.integers(20, 300), st.integers(5, 300))
def test_the_interval_holds_the_estimate_and_the_sum_is_right(exposed, left, others, gone):
    left, gone = min(left, exposed), min(gone, others)
    found = excess(*counts(exposed, left, others, gone))
    assert found.churn.low <= found.churn.estimate <= found.churn.high
    assert found.expected + found.churn.estimate == pytest.approx(left / exposed)
    assert found.naive == pytest.approx(left / exposed - gone / others)


def test_a_range_that_is_turned_round_stays_in_order():
    assert Range(1, 0, 3).times(-2) == Range(-2, -6, 0)
