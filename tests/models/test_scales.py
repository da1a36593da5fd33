"""Contributions that are carried to another scale still add up, whatever the map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Beta, Isotonic, Linear, bounded, probabilities
from models.scales import carried, to_probability

MAPS = (
    Linear(0.7, -0.4),
    Beta(0.8, 1.3, 0.2),
    Isotonic((-3.0, -1.0, 0.5, 2.0), (-2.5, -1.4, 0.1, 3.0)),
)
parts = st.lists(st.floats(-6, 6), min_size=1, max_size=8)


@pytest.mark.parametrize("calibrator", MAPS)
@given(parts, st.floats(-4, 4))
def test_a_row_adds_up_to_the_way_of_the_map(calibrator, row, start):
    given_parts = np.array([row])
    begin, end = np.array([start]), np.array([start + sum(row)])
    found = carried(given_parts, begin, end, lambda raw: bounded(calibrator.log_odds(raw)))
    way = bounded(calibrator.log_odds(end)) - bounded(calibrator.log_odds(begin))
    np.testing.assert_allclose(found.sum(axis=1), way, rtol=0, atol=1e-9)
    assert (np.sign(found) * np.sign(given_parts) >= 0).all()


@given(parts, st.floats(-4, 4))
def test_in_probability_too(row, base):
    log_odds = np.array([base + sum(row)])
    found = to_probability(np.array([row]), base, log_odds)
    way = probabilities(log_odds) - probabilities(np.array([base]))
    np.testing.assert_allclose(found.sum(axis=1), way, rtol=0, atol=1e-9)


def test_parts_that_cancel_out_keep_their_sizes_by_the_slope():
    found = to_probability(np.array([[2.0, -2.0]]), 0.0, np.array([0.0]))
    np.testing.assert_allclose(found, [[0.5, -0.5]], rtol=1e-6)
