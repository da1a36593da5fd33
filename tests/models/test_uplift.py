"""The X-learner finds who is persuadable, is repeatable, and refuses what teaches nothing."""

from __future__ import annotations

import numpy as np
import pytest

from models.uplift import Uplift

FEATURES = ("risk", "mood", "noise", "plan")


def campaign(seed: int, n: int, share: float = 0.2):
    """A contact keeps most of those in a good mood who are not on plan 2, and nobody else."""
    random = np.random.default_rng(seed)
    risk, mood, noise = random.normal(size=(3, n))
    plan = random.integers(0, 3, n)
    success = np.where((mood > 0) & (plan < 2), 0.8, 0.0)
    treated = random.random(n) >= share
    rate = 1 / (1 + np.exp(0.8 - risk)) * np.where(treated, 1 - success, 1)
    matrix = np.column_stack([risk, mood, noise, plan]).astype(np.float32)
    matrix[random.random(n) < 0.05, 2] = np.nan
    truth = success / (1 + np.exp(0.8 - risk))
    return matrix, treated, (random.random(n) < rate).astype(np.int8), truth


def fit(matrix, treated, churned, propensity=0.8, seed=1) -> Uplift:
    chance = np.full(len(matrix), propensity)
    return Uplift.fit(matrix, treated, churned, chance, FEATURES, ["plan"], seed)


@pytest.fixture(scope="module")
def learned() -> Uplift:
    return fit(*campaign(1, 6000)[:3])


def test_finds_who_is_persuadable(learned):
    matrix, _, _, truth = campaign(2, 4000)
    told = learned.predict(matrix)
    assert np.corrcoef(told, truth)[0, 1] > 0.6
    assert told[truth > 0].mean() > told[truth == 0].mean() + 0.08
    assert told.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_the_smaller_arm_may_be_either():
    matrix, treated, churned, truth = campaign(3, 6000, share=0.8)
    told = fit(matrix, treated, churned, 0.2).predict(matrix)
    assert np.corrcoef(told, truth)[0, 1] > 0.8
    assert told.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_the_same_rows_give_the_same_boosters(learned):
    assert fit(*campaign(1, 6000)[:3]) == learned


def test_another_seed_gives_others():
    first, second = (fit(*campaign(6, 800)[:3], seed=seed) for seed in (1, 2))
    assert first != second


def test_where_nothing_works_little_is_promised():
    matrix, treated, _, _ = campaign(4, 4000)
    churned = (np.random.default_rng(5).random(4000) < 0.3).astype(np.int8)
    told = fit(matrix, treated, churned).predict(matrix)
    assert abs(told.mean()) < 0.03
    assert told.std() < 0.08


@pytest.mark.parametrize("arm", [True, False])
def test_few_leavers_teach_nothing(arm):
    matrix, treated, churned, _ = campaign(6, 600)
    churned = np.where(treated == arm, 0, churned)
    with pytest.raises(ValueError, match=r"0 left and \d+ stayed; it takes 20"):
        fit(matrix, treated, churned)


def test_chances_and_labels_have_their_ranges():
    matrix, treated, churned, _ = campaign(6, 600)
    with pytest.raises(ValueError, match="chance of being contacted"):
        fit(matrix, treated, churned, 1.0)
    with pytest.raises(ValueError, match="0 or 1"):
        fit(matrix, treated, churned * 2)
