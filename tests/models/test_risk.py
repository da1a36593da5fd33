"""Bands of risk, and the top share by value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.risk import at_risk_from, risk_bands, top_share


def test_bands_go_by_odds_against_the_average():
    """At a base rate of 20 % the odds are 1 to 4; 3 times that is 43 %."""
    bands = risk_bands(np.array([0.1, 0.27, 0.28, 0.42, 0.43]), 0.2)
    assert list(bands) == ["low", "low", "medium", "medium", "high"]


@given(rate=st.floats(0.001, 0.999))
def test_medium_begins_where_at_risk_does(rate):
    """At that probability, and not just below it."""
    start = at_risk_from(rate)
    assert start / (1 - start) == pytest.approx(1.5 * rate / (1 - rate))
    assert list(risk_bands(np.array([np.nextafter(start, 0), start]), rate)) == ["low", "medium"]


def test_top_share_leaves_out_customers_without_value():
    assert list(top_share(np.array([0.0, 5.0, 0.0, 9.0, 0.0]), 0.6)) == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert not top_share(np.array([1.0, 2.0]), 0.0).any()
