"""Calibration: by hand, against what was put in, and where there is nothing to tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reliability import calibration, calibration_line, in_the_large, reliability, wilson


def drawn(slope=1.0, shift=0.0, points=60_000, seed=1):
    """Probabilities, and labels by what their log-odds would truly be."""
    random = np.random.default_rng(seed)
    odds = random.normal(-2, 1, points)
    labels = (random.random(points) < 1 / (1 + np.exp(-(slope * odds + shift)))).astype(np.int8)
    return labels, 1 / (1 + np.exp(-odds))


def test_two_bins_by_hand():
    """Told 10 % and 50 %; of each hundred 20 and 40 left: off by 10 points each way."""
    probabilities = np.repeat([0.1, 0.5], 100)
    labels = np.concatenate([np.arange(100) < 20, np.arange(100) < 40]).astype(int)
    bins = reliability(labels, probabilities)
    assert [(b["points"], b["mean_prediction"], b["rate"]) for b in bins] == [
        (100, pytest.approx(0.1), 0.2),
        (100, pytest.approx(0.5), 0.4),
    ]
    assert calibration(labels, probabilities)["ece"] == pytest.approx(0.1)


def test_equal_probabilities_lie_where_the_middle_one_would():
    """Of 200 points in two bins the upper 150 are alike: their middle is in the upper bin."""
    bins = reliability(np.zeros(200), np.repeat([0.1, 0.5], [50, 150]))
    assert [b["points"] for b in bins] == [50, 150]


def test_right_probabilities_are_off_only_by_chance():
    found = calibration(*drawn())
    assert found["calibration_slope"] == pytest.approx(1, abs=0.05)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.1)
    assert found["calibration_in_the_large"] == pytest.approx(0, abs=0.04)
    assert found["ece"] < 2 * found["ece_by_chance"]


def test_chance_is_what_right_probabilities_are_off_by_on_average():
    found = [calibration(*drawn(points=2000, seed=seed)) for seed in range(60)]
    mean = {name: np.mean([one[name] for one in found]) for name in ("ece", "ece_by_chance")}
    assert mean["ece"] == pytest.approx(mean["ece_by_chance"], rel=0.1)


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 0.0), (1.5, 0.3), (1.0, -1.0)])
def test_the_line_is_found(slope, shift):
    found = calibration_line(*drawn(slope, shift))
    assert found == (pytest.approx(slope, abs=0.06), pytest.approx(shift, abs=0.12))


def test_the_shift_alone_is_found():
    assert in_the_large(*drawn(shift=0.7)) == pytest.approx(0.7, abs=0.04)


@given(seed=st.integers(0, 1000), levels=st.integers(1, 12), points=st.integers(1, 600))
def test_bins_hold_every_point_once_and_no_equal_ones_apart(seed, levels, points):
    random = np.random.default_rng(seed)
    probabilities = random.integers(1, levels + 1, points) / (levels + 1)
    labels = random.integers(0, 2, points)
    bins = reliability(labels, probabilities)
    assert sum(b["points"] for b in bins) == points
    assert sum(b["points"] * b["rate"] for b in bins) == pytest.approx(labels.sum())
    assert len(bins) <= min(levels, max(points // 100, 1))
    assert all(b["low"] <= b["rate"] + 1e-12 and b["rate"] <= b["high"] + 1e-12 for b in bins)
    means = [b["mean_prediction"] for b in bins]
    assert means == sorted(means)


def test_no_line_where_churners_are_told_apart_completely():
    labels = np.repeat([0, 1], 50)
    assert calibration_line(labels, np.where(labels == 1, 0.9, 0.1)) == (None, None)


def test_no_line_through_one_point_or_one_class():
    assert calibration_line(np.array([0, 1]), np.full(2, 0.3)) == (None, None)
    assert calibration_line(np.zeros(3), np.array([0.1, 0.2, 0.3])) == (None, None)
    assert in_the_large(np.zeros(3), np.array([0.1, 0.2, 0.3])) is None


def test_certain_probabilities_are_no_infinite_odds():
    found = calibration(np.array([0, 1, 1, 0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert all(value is None or np.isfinite(value) for value in found.values())


def test_interval_of_a_rate():
    """Wilson's interval of 10 out of 100, as published tables give it."""
    assert wilson(10, 100) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
