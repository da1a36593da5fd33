"""Effects of contacts: what a table shows is what is told, and intervals hold the truth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.effects import effect, effects_by
from models.many import holm


def table(treated: int, left: int, holdout: int, left_too: int):
    """So many customers in each arm, so many of them leavers."""
    arm = np.repeat([1, 0], [treated, holdout])
    outcome = np.zeros(treated + holdout)
    outcome[:left], outcome[treated : treated + left_too] = 1, 1
    return outcome, arm


def campaign(seed: int, n: int, share: float, success: float):
    """Churn by log-odds that are known before; a contact keeps `success` of the leavers."""
    random = np.random.default_rng(seed)
    score = random.normal(-1.2, 1.2, n)
    treated = random.random(n) >= share
    rate = 1 / (1 + np.exp(-score)) * np.where(treated, 1 - success, 1.0)
    return (random.random(n) < rate).astype(float), treated, score


def test_the_difference_and_who_was_kept():
    found = effect(*table(400, 40, 100, 20))
    assert found.estimate == pytest.approx(-0.1)
    assert found.error == pytest.approx(np.sqrt(0.09 / 399 + 0.16 / 99))
    assert found.kept.share == pytest.approx(0.5)
    assert found.low < -0.1 < found.high < 0
    assert found.kept.low > 0
    assert not found.adjusted
    assert found.anytime_low < found.low < found.high < found.anytime_high
    assert json.loads(json.dumps(found.as_dict()))["treated"]["total"] == 40


def test_the_usual_t_interval_for_money():
    """scipy 1.17: ttest_ind(equal_var=False) of the same two arms, and its confidence_interval."""
    money, treated = np.arange(24.0) ** 1.5 % 17, np.arange(24) % 3 > 0
    found = effect(money, treated)
    assert (found.low, found.high) == pytest.approx((-5.694921346, 2.825916853))
    assert found.p == pytest.approx(0.486659312)
    assert found.freedom == pytest.approx(16.684756149)
    assert found.kept is None


@given(st.integers(0, 40), st.integers(0, 12), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_p_is_small_just_where_the_interval_leaves_out_zero(left, left_too, level):
    found = effect(*table(60, left, 15, left_too), level=level)
    assert (found.p < 1 - level) == (not found.low <= 0 <= found.high)
    assert -1 <= found.low <= found.estimate <= found.high <= 1


def test_no_leavers_make_no_certainty():
    found = effect(*table(270, 30, 30, 0))
    assert found.kept is None
    assert found.low < 0 < found.high
    nobody = effect(*table(270, 0, 30, 4))
    assert nobody.kept.share == 1
    assert nobody.kept.low < 0.95


def test_one_held_out_customer_tells_nothing():
    found = effect(*table(50, 5, 1, 1))
    assert found.low < -0.95
    assert found.high > 0.15
    assert found.p > 0.05


def test_adjustment_narrows_and_moves_towards_the_truth():
    closer, narrower = [], []
    for seed in range(60):
        outcome, treated, score = campaign(seed, 1000, 0.2, 0.3)
        plain, adjusted = effect(outcome, treated), effect(outcome, treated, score)
        truth = -0.3 * float((1 / (1 + np.exp(-score))).mean())
        closer.append(abs(plain.estimate - truth) - abs(adjusted.estimate - truth))
        narrower.append((adjusted.high - adjusted.low) / (plain.high - plain.low))
    assert np.mean(closer) > 0
    assert 0.8 < np.mean(narrower) < 0.96
    assert adjusted.adjusted
    assert 0.05 < adjusted.variance_reduction < 0.35
    assert plain.variance_reduction == 0


@pytest.mark.parametrize(("n", "share"), [(300, 0.1), (1200, 0.2)])
def test_intervals_hold_the_truth(n, share):
    """At least 93 of 100, and of small holdouts too; 200 campaigns."""
    random = np.random.default_rng(1)
    leaving = 1 / (1 + np.exp(-random.normal(-1.2, 1.2, 100_000)))
    truth, hits = -0.3 * leaving.mean(), []
    for seed in range(200):
        outcome, treated, score = campaign(seed, n, share, 0.3)
        found = effect(outcome, treated, score, planned=n)
        kept = found.kept is None or found.kept.low <= 0.3 <= found.kept.high
        anytime = found.anytime_low <= truth <= found.anytime_high
        hits.append((found.low <= truth <= found.high, kept, anytime))
    assert np.mean(hits, axis=0).min() >= 0.93


def test_only_one_interval_may_be_looked_at_again_and_again():
    """No effect at all, and a look after each 100 customers; who stops at the first one errs."""
    fixed = anytime = 0
    for seed in range(60):
        outcome, treated, score = campaign(seed, 1000, 0.2, 0.0)
        looks = [
            effect(outcome[:n], treated[:n], score[:n], planned=1000) for n in range(100, 1001, 100)
        ]
        fixed += any(not one.low <= 0 <= one.high for one in looks)
        anytime += any(not one.anytime_low <= 0 <= one.anytime_high for one in looks)
    assert fixed / 60 > 0.12
    assert anytime / 60 <= 0.05


def test_parts_are_corrected_for_their_number():
    outcome, arm = table(1600, 160, 400, 100)
    rows = np.arange(2000)
    parts = {f"part {k}": rows % 4 == k for k in range(4)} | {"treated only": arm == 1}
    found = effects_by(outcome, arm, None, parts)
    assert list(found) == list(parts)
    assert found["treated only"].effect is None
    assert not found["treated only"].clear
    told = [one for one in found.values() if one.effect]
    assert [one.p for one in told] == holm([one.effect.p for one in told])
    assert all(one.clear == (one.p < 0.05) for one in told)
    assert any(one.clear for one in told)


def test_parts_without_an_effect_are_rarely_clear():
    alarms = 0
    for seed in range(40):
        outcome, treated, score = campaign(seed, 1200, 0.2, 0.0)
        parts = {str(k): np.arange(1200) % 6 == k for k in range(6)}
        found = effects_by(outcome, treated, score, parts)
        alarms += any(one.clear for one in found.values())
    assert alarms <= 5


@pytest.mark.parametrize("level", [0, 1, 1.2])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        effect(*table(9, 1, 9, 1), level=level)


def test_an_adjustment_that_turns_the_difference_says_so():
    """Chance dealt the riskier half of the contacted twice as often; contacts keep a tenth."""
    treated = np.repeat([True, False], 2000)
    risky = np.concatenate([np.arange(2000) % 3 > 0, np.arange(2000) % 3 == 0])
    rate = np.where(risky, 0.4, 0.1) - np.where(treated, 0.05, 0.0)
    churned = np.random.default_rng(1).random(4000) < rate
    found = effect(churned.astype(float), treated, risky.astype(float))
    assert found.plain == pytest.approx(churned[treated].mean() - churned[~treated].mean())
    assert found.estimate < 0 < found.plain
    assert found.turned
    assert found.as_dict()["turned"] is True
    alone = effect(churned.astype(float), treated)
    assert (alone.turned, alone.plain) == (False, pytest.approx(alone.estimate))
