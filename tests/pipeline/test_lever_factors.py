"""What makes customers alike: finite, whatever is missing, and without what was left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.lever_factors import GROUPS, badly_solved, factors, waits

NAN = float("nan")


def frame(**features):
    count = len(next(iter(features.values())))
    days = pd.to_datetime(["2025-01-01"] * count)
    return pd.DataFrame({"customer_id": range(count), "cutoff": days, **features})


def test_no_features_make_no_factors():
    assert factors(frame(age=[1.0, 2.0]), 30).tolist() == [[0], [0]]


def test_a_term_that_ends_weighs_where_it_is_renewed_by_hand():
    """Yearly, ends within the horizon; by hand; by hand and yearly; by hand and ends."""
    found = factors(
        frame(
            subscriptions_is_yearly=[1.0, 1.0, 0.0],
            subscriptions_days_to_renewal=[29.0, 30.0, 3.0],
            subscriptions_auto_renew=[0.0, 0.0, 1.0],
        ),
        30,
    )
    assert found.tolist() == [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]]


def test_tickets_that_wait_and_tickets_that_were_slow():
    tickets = frame(
        tickets_open_oldest_days=[NAN, 7.0, 7.5, NAN, NAN],
        tickets_hours_to_close_max_30d=[NAN, 336.0, NAN, 337.0, 5.0],
        tickets_csat_min_30d=[NAN, 3.0, NAN, NAN, 2.0],
    )
    assert waits(tickets).tolist() == [False, False, True, False, False]
    assert badly_solved(tickets).tolist() == [False, False, False, True, True]
    assert waits(frame(age=[1.0])) is None


@pytest.mark.parametrize("without", [(), *((name,) for name in GROUPS)])
def test_of_the_demo_world_all_are_finite_and_some_groups_fewer(weighed, without):
    panel, _ = weighed
    found = factors(panel.frame, 30, without=without)
    assert np.isfinite(found).all()
    if without:
        assert found.shape[1] < factors(panel.frame, 30).shape[1]
