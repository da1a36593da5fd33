"""Figures of an order, against scikit-learn's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.ranking import Ranking, auc, average_precision, churners_among, lift_and_recall


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 60))
def test_as_scikit_learn_says_with_weights_and_ties(seed, levels):
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 2, 60), random.integers(0, levels, 60)
    labels[:2] = 0, 1
    weights = random.integers(0, 4, 60).astype(float)
    weights[:2] = 1
    groups = Ranking(labels, scores).count(weights)
    assert auc(groups) == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    assert average_precision(groups) == pytest.approx(
        average_precision_score(labels, scores, sample_weight=weights)
    )


def test_lift_and_recall_by_hand():
    """Of 20 the riskiest two are taken: one churner of four, so 50 % against 20 %."""
    labels = np.zeros(20)
    labels[[0, 5, 6, 7]] = 1
    groups = Ranking(labels, np.arange(20, 0, -1)).count()
    assert lift_and_recall(groups, 0.1) == (2.5, 0.25)
    assert lift_and_recall(groups, 1.0) == (1.0, 1.0)


@pytest.mark.parametrize(("points", "tenth"), [(5, 1), (30, 3), (31, 4)])
def test_a_tenth_is_rounded_up(points, tenth):
    labels = np.ones(points)
    found = lift_and_recall(Ranking(labels, np.arange(points)).count(), 0.1)[1]
    assert found == pytest.approx(tenth / points)


def test_a_group_that_is_cut_counts_by_its_mean():
    groups = Ranking(np.array([1, 1, 0, 0]), np.array([2.0, 1.0, 1.0, 1.0])).count()
    np.testing.assert_allclose(churners_among(groups, [0, 1, 2, 4]), [0, 1, 1 + 1 / 3, 2])


@given(seed=st.integers(0, 10_000))
def test_only_the_order_matters(seed):
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 2, 40), random.integers(0, 9, 40) / 10
    here, there = Ranking(labels, scores).count(), Ranking(labels, np.exp(3 * scores) - 7).count()
    assert auc(here) == auc(there)
    assert lift_and_recall(here, 0.1) == lift_and_recall(there, 0.1)


def test_an_endless_silence_is_the_highest_score():
    assert auc(Ranking(np.array([1, 0]), np.array([np.inf, 5.0])).count()) == 1


def test_no_points_have_no_figures():
    groups = Ranking(np.array([]), np.array([])).count()
    assert auc(groups) is None
    assert lift_and_recall(groups, 0.1) == (None, None)
