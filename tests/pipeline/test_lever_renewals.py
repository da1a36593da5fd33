"""Renewals by hand: who ends when, and what moving them would keep."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.lever_renewals import ends_within, renewals
from pipeline.lever_words import Rate


@pytest.fixture(scope="module")
def panel(lever_panel):
    """By the year: of 100 by hand whose term ends 50 leave, of 200 that renew themselves 20."""
    by_hand = np.repeat([0.0, 1.0, 0.0], [100, 200, 40])
    left = np.repeat([5.0, 10.0, 90.0], [100, 200, 40])
    churned = np.concatenate([np.arange(100) < 50, np.arange(200) < 20, np.zeros(40)])
    features = {
        "subscriptions_auto_renew": by_hand,
        "subscriptions_days_to_renewal": left,
        "subscriptions_is_yearly": np.ones(340),
    }
    return lever_panel(features, churned, values=np.full(340, 10.0))


def test_churn_around_the_end_of_the_term(panel):
    found = renewals(panel)
    near = {(one.first, one.last): (one.by_hand, one.by_itself) for one in found.near["year"]}
    assert near == {
        (0, 7): (Rate(50, 100), Rate(0, 0)),
        (8, 14): (Rate(0, 0), Rate(20, 200)),
        (61, 90): (Rate(0, 40), Rate(0, 0)),
    }
    assert ends_within(panel).sum() == 300


def test_what_moving_customers_would_keep(panel):
    """40 points more leave by hand: 40 of 100; moving a quarter keeps 10, at 10 each 100."""
    found = renewals(panel)
    assert found.excess["year"].churn.estimate == pytest.approx(0.4)
    assert [one.share for one in found.moved["year"]] == [0.1, 0.25, 0.5]
    quarter = found.moved["year"][1]
    assert quarter.leavers.estimate == pytest.approx(10)
    assert quarter.margin.estimate == pytest.approx(100)


def test_a_reminder_reaches_those_whose_term_ends_soon_and_by_hand(panel):
    assert renewals(panel).reached == {7: 100, 14: 100, 30: 100}


def test_without_terms_nothing_is_told(lever_panel):
    assert renewals(lever_panel({"age": np.ones(3)}, [0, 0, 1])) is None
