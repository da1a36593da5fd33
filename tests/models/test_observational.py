"""Campaigns without a holdout: what confounding hides is found, what cannot be known is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.observational import e_value, observed_effect


def campaign(seed: int, n: int = 2000, *, effect: float = -0.1, hidden: float = 0.0):
    """The riskier were contacted; a contact lowers the probability of churn by a tenth."""
    random = np.random.default_rng(seed)
    score, value, unseen = random.normal(size=(3, n))
    contacted = random.random(n) < 1 / (1 + np.exp(0.8 - 1.2 * score - hidden * unseen))
    rate = 1 / (1 + np.exp(0.3 - score - 0.4 * value - hidden * unseen))
    truth = float(np.clip(effect, -rate, 1 - rate)[contacted].mean())
    rate = np.clip(rate + effect * contacted, 0, 1)
    left = (random.random(n) < rate).astype(float)
    return left, contacted, np.column_stack([score, value]), truth


def test_the_naive_difference_has_the_wrong_sign_and_ours_covers_the_truth():
    hits, naive, found = [], [], []
    for seed in range(150):
        outcome, treated, covariates, truth = campaign(seed)
        told = observed_effect(outcome, treated, covariates)
        hits.append(told.low <= truth <= told.high)
        naive.append(told.naive)
        found.append(told.estimate - truth)
    assert np.mean(naive) > 0.05
    assert np.mean(hits) >= 0.92
    assert abs(np.mean(found)) < 0.01
    assert told.observational
    assert told.overlap


def test_either_model_alone_is_enough():
    """The outcome bends where no model of it does, but the propensity is right."""
    errors = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        score = random.normal(size=3000)
        treated = random.random(3000) < 1 / (1 + np.exp(-score))
        money = 50 * np.sin(3 * score) + 20 * np.exp(score / 2) + 5 * treated
        told = observed_effect(money + random.normal(size=3000), treated, score)
        errors.append(told.estimate - 5)
    assert abs(np.mean(errors)) < 1.5
    assert told.naive > 15


def test_a_choice_from_the_middle_is_made_up_for():
    """Neither the choice nor the outcome goes straight with the score."""
    random = np.random.default_rng(2)
    score = random.normal(size=2000)
    treated = random.random(2000) < 1 / (1 + np.exp(score**2 - 0.5))
    money = 10 * score**2 + 2 * treated + random.normal(size=2000)
    told = observed_effect(money, treated, score)
    assert told.naive < -3
    assert told.low < 2 < told.high
    assert told.estimate == pytest.approx(2, abs=0.2)


def test_money_is_told_as_it_is():
    random = np.random.default_rng(1)
    score = random.normal(size=900)
    treated = score + random.normal(size=900) > 0.5
    told = observed_effect(40 - 6 * score + 3 * treated + random.normal(size=900), treated, score)
    assert told.naive < 0
    assert told.estimate == pytest.approx(3, abs=0.3)
    assert told.expected == pytest.approx(told.mean - told.estimate)
    assert told.p < 1e-6
    assert json.loads(json.dumps(told.as_dict()))["observational"] is True


def test_a_choice_by_a_rule_has_no_like_customers():
    outcome, _, covariates, _ = campaign(3)
    told = observed_effect(outcome, covariates[:, 0] > 0.5, covariates)
    assert told.without_match > 0.5
    assert not told.overlap


def test_a_hidden_reason_misleads_and_the_e_value_says_how_strong_it_must_be():
    outcome, treated, covariates, truth = campaign(5, 4000, effect=0.0, hidden=1.0)
    told = observed_effect(outcome, treated, covariates)
    assert truth == 0
    assert told.low > 0
    assert 1 < told.e_value_of_limit < told.e_value < 3


@pytest.mark.parametrize(("ratio", "value"), [(3.9, 7.26), (1.0, 1.0), (1 / 3.9, 7.26), (1.8, 3.0)])
def test_e_values_of_the_paper(ratio, value):
    """VanderWeele and Ding (2017), first example: 7.26 for 3.9, and 3.0 for its limit of 1.8."""
    assert e_value(ratio) == pytest.approx(value, abs=0.005)


def test_no_e_value_is_needed_where_the_interval_holds_zero():
    outcome, treated, covariates, _ = campaign(8, 300, effect=0.0)
    told = observed_effect(outcome, treated, covariates)
    assert told.low < 0 < told.high
    assert told.e_value_of_limit == 1
    assert told.p > 0.05


def test_constant_outcomes_and_covariates_are_no_trouble():
    treated = np.arange(100) % 2 == 0
    nobody = observed_effect(np.zeros(100), treated, np.full((100, 1), 3.0))
    assert nobody.estimate == pytest.approx(0, abs=1e-6)
    assert nobody.e_value is None


@pytest.mark.parametrize(
    ("count", "covariates", "match"),
    [
        (10, np.ones(100), "10 customers were contacted and 90 were not; it takes 20 of each"),
        (50, np.ones(99), "the same rows"),
        (50, np.full(100, np.nan), "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(count, covariates, match):
    with pytest.raises(ValueError, match=match):
        observed_effect(np.zeros(100), np.arange(100) < count, covariates)
