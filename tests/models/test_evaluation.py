"""Figures one can check by hand, and that do not depend on the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import Prediction, by_cutoff, evaluate, evaluate_parts
from models.ranking import Ranking, lift_and_recall


def test_ten_customers_by_hand():
    """Two of ten churned; the riskiest one did: 100 % against 20 % is a lift of 5."""
    labels = np.array([1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    probabilities = np.array([0.9, 0.6, 0.5, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    figures = evaluate(labels, probabilities)
    assert figures["base_rate"] == 0.2
    assert figures["lift_10"] == 5
    # Of the 2 x 8 pairs of a churner and another one, 2 are in the wrong order.
    assert figures["auc"] == 14 / 16
    # Precision at the churners' ranks: 1 of 1, 2 of 4.
    assert figures["average_precision"] == (1 + 0.5) / 2
    assert figures["brier"] == pytest.approx((0.1**2 + 0.6**2 + 0.5**2 + 0.6**2 + 6 * 0.1**2) / 10)


def test_figures_that_need_both_kinds_are_none_without_them():
    figures = evaluate(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    assert figures["auc"] is None
    assert figures["lift_10"] is None
    assert figures["log_loss"] > 0


def test_certainty_that_is_wrong_is_dear_but_finite():
    assert np.isfinite(evaluate(np.array([1, 0]), np.array([0.0, 1.0]))["log_loss"])


def test_ties_at_the_border_count_by_their_mean():
    """One score for all: the top tenth is like everybody."""
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    groups = Ranking(labels, np.full(10, 0.3)).count()
    assert lift_and_recall(groups, 0.1)[0] == pytest.approx(1)


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 30))
def test_the_order_of_the_rows_does_not_matter(seed, levels):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 50)
    scores = random.integers(0, levels, 50) / levels
    order = random.permutation(50)
    here, there = evaluate(labels, scores), evaluate(labels[order], scores[order])
    for name, value in here.items():
        assert value == there[name] or value == pytest.approx(there[name]), name


def test_each_cutoff_is_judged_by_its_own_points():
    cutoffs = np.array(["2025-01-01", "2025-01-01", "2025-02-01"], dtype="datetime64[D]")
    masks = by_cutoff(cutoffs)
    assert list(masks) == ["2025-01-01", "2025-02-01"]
    found = evaluate_parts(np.array([1, 0, 0]), np.array([0.8, 0.2, 0.4]), masks)
    assert found["2025-01-01"]["points"] == 2
    assert found["2025-01-01"]["churned"] == 1
    assert found["2025-02-01"]["auc"] is None


def test_a_part_without_points_has_no_figures():
    assert evaluate_parts(np.array([1, 0]), np.full(2, 0.5), {"none": np.zeros(2, bool)}) == {}


def test_an_order_has_no_losses():
    figures = Prediction(np.array([1, 0]), np.array([3.0, np.inf])).figures()
    assert figures["auc"] == 0
    assert "log_loss" not in figures


@given(seed=st.integers(0, 10_000))
def test_a_weight_counts_a_point_so_many_times(seed):
    """A resample by weights is what drawing the points themselves would be."""
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 2, 40), random.integers(0, 9, 40) / 10 + 0.05
    weights = random.integers(0, 4, 40)
    weights[0] = 1
    often = np.repeat(np.arange(40), weights)
    weighted = Prediction(labels, scores, scores).figures(weights.astype(float))
    repeated = Prediction(labels[often], scores[often], scores[often]).figures()
    for name, value in repeated.items():
        assert weighted[name] == (None if value is None else pytest.approx(value)), name


@pytest.mark.parametrize("churned", [0, 1])
def test_one_class_gives_no_nan(churned):
    figures = evaluate(np.full(300, churned), np.linspace(0, 1, 300))
    assert all(value is None or np.isfinite(value) for value in figures.values())
    assert figures["auc"] is None


def test_constant_scores_rank_nobody():
    figures = evaluate(np.array([1, 0, 0, 1]), np.full(4, 0.5))
    assert figures["auc"] == 0.5
    assert figures["lift_1"] == 1
    assert figures["calibration_slope"] is None
