"""Price rises by hand: weeks ago, size, and against whom."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.lever_prices import prices, unchanged, weeks_ago
from pipeline.lever_words import Rate

NAN = float("nan")


def test_weeks_since_a_rise(lever_panel):
    """27.9 days are within four weeks, 28 are not; a cut is no rise; 112 days are forgotten."""
    panel = lever_panel(
        {
            "subscriptions_days_since_price_change": [1.0, 27.9, 28.0, 5.0, 111.9, 112.0, NAN],
            "subscriptions_last_price_change": [0.1, 0.1, 0.1, -0.1, 0.1, 0.1, NAN],
        },
        np.zeros(7),
    )
    assert weeks_ago(panel, 0, 4).tolist() == [True, True, *[False] * 5]
    assert weeks_ago(panel, 4, 8).tolist() == [False, False, True, *[False] * 4]
    assert unchanged(panel).tolist() == [*[False] * 5, True, True]


def test_churn_after_rises_by_size(lever_panel):
    """Of 100 raised by 5 % ten leave, of 100 raised by 25 % thirty, of 400 others twenty."""
    since = np.repeat([10.0, 10.0, NAN], [100, 100, 400])
    size = np.repeat([0.05, 0.25, NAN], [100, 100, 400])
    churned = np.concatenate([np.arange(100) < 10, np.arange(100) < 30, np.arange(400) < 20])
    found = prices(
        lever_panel(
            {
                "subscriptions_days_since_price_change": since,
                "subscriptions_last_price_change": size,
            },
            churned,
        )
    )
    assert found.others == Rate(20, 400)
    assert [one.churn.part for one in found.within] == [40, 40]
    small, none, large = found.by_size
    assert small.excess.churn.estimate == pytest.approx(0.05)
    assert (none.churn, none.excess) == (Rate(0, 0), None)
    assert large.excess.churn.estimate == pytest.approx(0.25)
    assert large.what == "20% and more"


def test_a_fifth_more_is_a_fifth_more(lever_panel):
    """34.80 / 29 - 1 is a bit below 0.2 in binary, 1.1 - 1 a bit above 0.1."""
    size = np.repeat([34.8 / 29 - 1, 1.1 - 1, NAN], [30, 20, 400])
    since = np.repeat([10.0, NAN], [50, 400])
    found = prices(
        lever_panel(
            {
                "subscriptions_days_since_price_change": since,
                "subscriptions_last_price_change": size,
            },
            np.zeros(450),
        )
    )
    assert [one.churn.whole for one in found.by_size] == [0, 20, 30]


def test_without_rises_nothing_is_told(lever_panel):
    assert prices(lever_panel({"age": np.ones(3)}, [0, 0, 1])) is None
