"""Intervals over customers."""

from __future__ import annotations

import numpy as np

from models.evaluation import Prediction
from models.resampling import interval, intervals, mean_intervals, resamples


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


def test_intervals_of_many_means_are_those_of_each():
    values = np.random.default_rng(6).normal(size=(90, 3))
    customers = np.repeat(np.arange(30), 3)

    def means(weights):
        return {str(k): float(np.average(values[:, k], weights=weights)) for k in range(3)}

    expected = intervals(means, customers, seed=2)
    found = mean_intervals(values, customers, seed=2)
    np.testing.assert_allclose(found.T, [expected[str(k)] for k in range(3)], rtol=0, atol=1e-12)


def test_only_what_is_within_counts_in_a_mean():
    values = np.array([[1.0, 1], [3, 100], [100, 7]])
    within = np.array([[1, 1], [1, 0], [0, 0]], dtype=bool)
    low, high = mean_intervals(values, np.arange(3), within=within, seed=1)
    assert (low[0], high[0]) == (1, 3)
    assert (low[1], high[1]) == (1, 1)
    nobody = mean_intervals(values, np.arange(3), within=np.zeros((3, 2)), seed=1)
    assert np.isnan(nobody).all()
    assert mean_intervals(np.empty((0, 2)), np.array([]), seed=1).shape == (2, 2)
