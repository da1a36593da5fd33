"""Where a model is weak, beyond noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ranking import Ranking, auc
from models.weak_spots import Points, auc_and_error, weak_spots


def world(seed=1, points=8000):
    random = np.random.default_rng(seed)
    truth = 1 / (1 + np.exp(-random.normal(-2, 1, points)))
    labels = (random.random(points) < truth).astype(np.int8)
    return Points(labels, truth, np.arange(points)), np.arange(points) % 4 == 0


def test_a_part_that_churns_more_than_expected_is_found():
    points, part = world()
    told = np.where(part, points.probabilities / 3, points.probabilities)
    wrong = Points(points.labels, told, points.customers)
    found = weak_spots(wrong, {"plan = pro": part, "plan = basic": ~part})
    assert (found[0]["where"], found[0]["what"]) == ("plan = pro", "calibration")
    assert found[0]["observed"] == pytest.approx(points.labels[part].mean())
    assert found[0]["expected"] == pytest.approx(points.probabilities[part].mean() / 3)
    assert found[0]["points"] == 2000


def test_what_is_wrong_everywhere_is_told_once():
    points, part = world()
    odds = points.probabilities / (1 - points.probabilities) / 2
    wrong = Points(points.labels, odds / (1 + odds), points.customers)
    found = weak_spots(wrong, {"plan = pro": part, "plan = basic": ~part})
    assert [(spot["where"], spot["what"]) for spot in found] == [("all points", "calibration")]
    assert found[0]["observed"] > 1.5 * found[0]["expected"]


def test_a_part_within_which_the_order_is_chance_is_found():
    points, part = world()
    guessed = np.where(part, points.labels[part].mean(), points.probabilities)
    found = weak_spots(
        Points(points.labels, guessed, points.customers), {"new": part, "old": ~part}
    )
    assert [(spot["where"], spot["what"]) for spot in found] == [("new", "ranking")]
    assert found[0]["auc"] == 0.5
    assert found[0]["auc_elsewhere"] > 0.7


def test_right_probabilities_seldom_look_weak():
    """Of a hundred worlds with twenty parts each, about five may show a spot by luck."""
    found = 0
    for seed in range(100):
        points, _ = world(seed)
        parts = {str(n): np.arange(8000) % 20 == n for n in range(20)}
        found += bool(weak_spots(points, parts))
    assert found <= 12


def test_small_parts_and_parts_cut_by_the_prediction():
    points, _ = world()
    top = points.probabilities > np.quantile(points.probabilities, 0.8)
    assert weak_spots(points, {"few": np.arange(8000) < 50}) == []
    assert (
        weak_spots(points, {"high": top, "low": ~top}, only_calibration=frozenset(["high", "low"]))
        == []
    )


@given(seed=st.integers(0, 1000), levels=st.integers(1, 50))
def test_the_error_of_an_auc_as_its_jackknife(seed, levels):
    random = np.random.default_rng(seed)
    scores, labels = random.integers(0, levels, 60) / levels, random.integers(0, 2, 60)
    labels[:4] = 0, 1, 0, 1
    points = Points(labels, scores, np.arange(60))
    found, error = auc_and_error(points)
    without = [auc(Ranking(np.delete(labels, n), np.delete(scores, n)).count()) for n in range(60)]
    assert found == auc(Ranking(labels, scores).count())
    assert error == pytest.approx(
        np.sqrt(np.sum((np.array(without) - found) ** 2)), rel=0.15, abs=1e-9
    )


def test_points_of_one_customer_go_together():
    points, _ = world(points=400)
    twice = Points(
        *(np.tile(values, 2) for values in (points.labels, points.probabilities, points.customers))
    )
    assert auc_and_error(twice)[1] == pytest.approx(auc_and_error(points)[1])
