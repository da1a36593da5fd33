"""Churn by audience: intervals that stay shares, also where nobody left."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.lever_audience import churn_of


@pytest.fixture
def panel(lever_panel):
    """Of 40 by ads none left, of 60 by shop six."""
    import pandas as pd

    channel = pd.Categorical(np.repeat(["ads", "shop"], [40, 60]))
    return lever_panel({"customers_profile_channel": channel}, np.arange(100) >= 94)


def test_of_none_who_left_the_share_may_still_be_some(panel):
    """Wilson: 0 of 40 is up to 8.8 %, 6 of 60 from 4.7 % to 20.1 %."""
    ads, shop = np.arange(100) < 40, np.arange(100) >= 40
    assert churn_of(panel, ads).low == churn_of(panel, ads).estimate == 0
    assert churn_of(panel, ads).high == pytest.approx(0.088, abs=0.001)
    found = churn_of(panel, shop)
    assert (found.low, found.high) == (
        pytest.approx(0.047, abs=0.001),
        pytest.approx(0.201, abs=0.001),
    )


def test_points_of_one_customer_tell_no_more_than_one(panel):
    """Ten points each of ten customers, one of whom churned at all of its points."""
    from dataclasses import replace

    points = replace(panel.points.points, customer=np.repeat(np.arange(10, dtype=np.int32), 10))
    labels = (np.arange(100) < 10).astype(np.int8)
    together = replace(panel, points=replace(panel.points, points=points, churned=labels))
    found = churn_of(together, np.ones(100, bool))
    assert (found.low, found.high) == (
        pytest.approx(0.018, abs=0.001),
        pytest.approx(0.404, abs=0.001),
    )
