"""Intervals over customers."""

from __future__ import annotations

import numpy as np

from models.evaluation import Prediction
from models.resampling import interval, intervals, resamples


def test_a_customer_is_drawn_with_all_of_its_points():
    customers = np.array(["a", "b", "a", "c"])
    for weights in resamples(customers, seed=1, draws=50):
        assert weights[0] == weights[2]
        assert weights[[0, 1, 3]].sum() == 3


def test_the_same_seed_gives_the_same_draws():
    first, second = (np.array(list(resamples(np.arange(9), seed=4, draws=5))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = np.array(list(resamples(np.arange(9), seed=5, draws=5)))
    assert (first != other).any()


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(2).normal(size=2000)

    def mean(weights):
        return {"mean": float(np.average(values, weights=weights))}

    low, high = intervals(mean, np.arange(2000), seed=3, draws=500)["mean"]
    assert low < values.mean() < high
    assert abs((high - low) / (2 * 1.96 / np.sqrt(2000)) - 1) < 0.15


def test_points_of_one_customer_are_no_independent_evidence():
    random = np.random.default_rng(5)
    labels = np.repeat(random.integers(0, 2, 60), 5)
    scores = np.repeat(random.random(60), 5) + labels * 0.2
    figures = Prediction(labels, scores).figures
    few = intervals(figures, np.repeat(np.arange(60), 5), seed=1)["auc"]
    many = intervals(figures, np.arange(300), seed=1)["auc"]
    assert few[1] - few[0] > 1.5 * (many[1] - many[0])


def test_a_figure_that_can_seldom_be_computed_has_no_interval():
    assert interval([None, None, None, 0.5]) is None
    assert interval([None, 0.5, 0.5, 0.5]) == [0.5, 0.5]
    assert interval([]) is None


def test_one_customer_leaves_nothing_to_chance():
    figures = Prediction(np.array([1, 0]), np.array([0.8, 0.1])).figures
    assert intervals(figures, np.array(["a", "a"]), seed=1)["auc"] == [1, 1]
