"""Qini and uplift curves, held against scikit-uplift, and what they are made for."""

from __future__ import annotations

import numpy as np
import pytest

from models.qini import Targeting, area, qini_gain

# score, outcome (1 is good), treated
TABLE = np.array(
    [
        *([0.9, 1, 1], [0.8, 0, 1], [0.8, 1, 0], [0.7, 1, 1], [0.7, 0, 0], [0.7, 0, 1]),
        *([0.6, 1, 1], [0.5, 0, 0], [0.5, 1, 1], [0.4, 0, 1], [0.4, 0, 0], [0.3, 1, 1]),
        *([0.2, 0, 0], [0.2, 0, 1], [0.1, 1, 0], [0.1, 0, 1]),
    ]
)
SCORES, GOOD, TREATED = TABLE.T


def drawn(seed: int, n: int = 3000, share: float = 0.2):
    """Who could be kept, and a campaign that keeps a half of these."""
    random = np.random.default_rng(seed)
    risk, persuadable, treated = random.random(n), random.random(n) < 0.3, random.random(n) > share
    rate = risk * 0.6 * np.where(treated & persuadable, 0.5, 1.0)
    return -(random.random(n) < rate).astype(float), treated, risk * persuadable, risk


def test_curves_are_those_of_scikit_uplift():
    """From scikit-uplift 0.5.1: qini_curve, uplift_curve, and sklearn's auc of each."""
    curve = Targeting(SCORES, GOOD, TREATED).curve()
    assert curve.customers.tolist() == [0, 1, 3, 6, 7, 9, 11, 12, 14, 16]
    assert curve.qini == pytest.approx([0, 1, -1, 0, 0.5, 2, 2.25, 3, 3.2, 5 / 3])
    assert curve.uplift == pytest.approx(
        [0, 1, -1.5, 0, 0.7, 3, 3.53571429, 4.5, 4.97777778, 8 / 3], abs=1e-8
    )
    assert area(curve.customers, curve.qini) == pytest.approx(19.691666666666666)
    assert area(curve.customers, curve.uplift) == pytest.approx(29.475793650793655)


def test_normalised_by_a_perfect_order_they_are_its_scores():
    """From scikit-uplift 0.5.1: qini_auc_score 0.12508196721311474 for the same table."""
    best = Targeting(np.where(TREATED, GOOD, -GOOD), GOOD, TREATED).curve()
    ours = Targeting(SCORES, GOOD, TREATED).curve()
    assert ours.qini_coefficient / best.qini_coefficient == pytest.approx(0.12508196721311474)


def test_churn_may_be_told_as_what_is_bad_or_as_what_is_good():
    """Where both arms are there; the first customer has nobody to be held against."""
    good, bad = (Targeting(SCORES, benefit, TREATED).curve() for benefit in (GOOD, GOOD - 1))
    assert good.qini[2:] == pytest.approx(bad.qini[2:])
    assert good.uplift[2:] == pytest.approx(bad.uplift[2:])


def test_ties_count_together_whatever_the_order_of_the_rows():
    shuffled = np.random.default_rng(2).permutation(len(TABLE))
    one = Targeting(SCORES, GOOD, TREATED).curve()
    other = Targeting(SCORES[shuffled], GOOD[shuffled], TREATED[shuffled]).curve()
    assert other.qini == pytest.approx(one.qini)
    all_equal = Targeting(np.zeros(16), GOOD, TREATED).curve()
    assert len(all_equal.qini) == 2
    assert all_equal.qini_coefficient == pytest.approx(0)


def test_money_scales_the_curve():
    one = Targeting(SCORES, GOOD, TREATED).curve()
    money = Targeting(SCORES, 250 * GOOD, TREATED).curve()
    assert money.qini_coefficient == pytest.approx(250 * one.qini_coefficient)
    assert money.auuc == pytest.approx(250 * one.auuc)


def test_weights_mend_arms_that_were_drawn_with_unlike_chances():
    """Riskier customers were held out more often; contacts do nothing."""
    random = np.random.default_rng(3)
    risk = random.random(40_000)
    chance = np.where(risk > 0.5, 0.5, 0.9)
    treated = random.random(40_000) < chance
    benefit = -(random.random(40_000) < risk).astype(float)
    plain = Targeting(np.zeros(40_000), benefit, treated).curve()
    mended = Targeting(np.zeros(40_000), benefit, treated, chance).curve()
    assert plain.uplift[-1] / 40_000 > 0.1
    assert mended.uplift[-1] / 40_000 == pytest.approx(0, abs=0.02)


def test_who_can_be_kept_comes_before_who_is_at_risk():
    benefit, treated, persuadable, risk = drawn(1, 6000)
    orders = [Targeting(score, benefit, treated) for score in (persuadable, risk)]
    found = qini_gain(*orders, np.arange(6000), seed=1, draws=200)
    told = orders[0].curve().qini_coefficient - orders[1].curve().qini_coefficient
    assert found.mean == pytest.approx(told)
    assert found.low < told < found.high
    assert found.is_certain
    assert not qini_gain(orders[0], orders[0], np.arange(6000), seed=1, draws=20).is_certain


def test_orders_that_mean_nothing_seldom_differ():
    wrong = 0
    for seed in range(25):
        benefit, treated, *_ = drawn(seed, 500)
        scores = np.random.default_rng(seed + 100).random((2, 500))
        orders = [Targeting(score, benefit, treated) for score in scores]
        found = qini_gain(*orders, np.arange(500), seed=seed, draws=60)
        wrong += found.low > 0
    assert wrong <= 3


def test_rows_of_a_customer_are_drawn_together():
    benefit, treated, persuadable, risk = drawn(4, 800)
    twice = [np.repeat(each, 2) for each in (persuadable, risk, benefit, treated)]
    orders = [Targeting(score, *twice[2:]) for score in twice[:2]]
    pairs = qini_gain(*orders, np.repeat(np.arange(800), 2), seed=1, draws=200)
    alone = qini_gain(*orders, np.arange(1600), seed=1, draws=200)
    assert (pairs.high - pairs.low) / (alone.high - alone.low) == pytest.approx(2**0.5, rel=0.2)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"treated": np.ones(16)}, "treated customers and a holdout"),
        ({"scores": np.full(16, np.nan)}, "finite"),
        ({"benefit": np.ones(15)}, "the same rows"),
        ({"propensity": np.ones(16)}, "between 0 and 1"),
    ],
)
def test_what_has_no_curve_is_refused(change, match):
    with pytest.raises(ValueError, match=match):
        Targeting(**({"scores": SCORES, "benefit": GOOD, "treated": TREATED} | change))
