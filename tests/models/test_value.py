"""Values with contracts: by hand, and what they obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.value import HAZARDS, Worth, constant_curve, discounts, remaining_margin, staying_worth


def test_money_of_months_is_worth_less_the_later_it_comes():
    assert discounts(24, 0.21)[[11, 23]] == pytest.approx([1 / 1.21, 1 / 1.21**2])


def test_value_and_range_of_one_who_may_leave():
    """100 a month, half of it margin; the curve falls below 0.9 after month 2, never below 0.1."""
    there = np.array([[1.0, 0.95, 0.5, 0.2]])
    found = staying_worth(np.array([100.0]), there, margin=0.5, discount_rate=0.0, how=HAZARDS)
    assert found.value == pytest.approx([50 * 2.65])
    assert found.low == pytest.approx([100])
    assert found.high == pytest.approx([200])


def test_today_is_between_leaving_and_staying():
    worth = Worth(np.array([100.0, 100.0]), np.zeros(2), np.zeros(2), HAZARDS)
    assert worth.today(np.array([0.0, 0.25]), np.array([8.0, 8.0])) == pytest.approx([100, 77])


def test_without_contracts_the_chance_to_be_there_counts():
    worth = Worth(np.full(1, 100.0), np.zeros(1), np.zeros(1), HAZARDS, alive=np.array([0.3]))
    assert worth.today(np.array([0.9]), np.array([8.0])) == pytest.approx([30])


def test_widened_ends_never_pass_the_value():
    worth = Worth(np.array([10.0]), np.array([8.0]), np.array([11.0]), HAZARDS)
    wide = worth.widened(0.5, 2.0)
    assert (wide.low[0], wide.high[0]) == (4, 22)
    narrow = worth.widened(2.0, 0.5)
    assert (narrow.low[0], narrow.high[0]) == (10, 10)


def test_one_rate_for_all_is_a_curve_like_any_other():
    settings = {"margin": 0.6, "discount_rate": 0.1}
    by_rate = remaining_margin(
        np.array([10.0]), churn_rate=0.04, churn_days=30, horizon_months=24, **settings
    )
    there = constant_curve(0.04, 30, 24)[None, :]
    by_curve = staying_worth(np.array([10.0]), there, how=HAZARDS, **settings)
    assert by_curve.value == pytest.approx(by_rate)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1e6), st.floats(0, 2))
def test_more_chance_to_be_there_is_never_worth_less(chances, revenue, rate):
    there = np.sort(np.array([chances]))[:, ::-1]
    low, high = (
        staying_worth(np.array([revenue]), each, margin=1.0, discount_rate=rate, how=HAZARDS)
        for each in (there * 0.9, there)
    )
    assert low.value[0] <= high.value[0] <= revenue * len(chances) + 1e-6
    assert 0 <= high.low[0] <= high.high[0]


def test_remaining_margin_by_hand():
    """Nobody leaves, no discount: 10 a month at half margin over 24 months is 120."""
    settings = {"margin": 0.5, "churn_days": 30, "horizon_months": 24, "discount_rate": 0.0}
    worth = remaining_margin(np.array([10.0, np.nan, -3.0]), churn_rate=0.0, **settings)
    np.testing.assert_allclose(worth, [120, 0, 0])
    assert remaining_margin(np.array([10.0]), churn_rate=1.0, **settings)[0] == 0


@given(rate=st.floats(0, 1), discount=st.floats(0, 1), months=st.integers(1, 60))
def test_more_churn_or_discount_is_never_worth_more(rate, discount, months):
    def worth(rate: float, discount: float) -> float:
        return remaining_margin(
            np.array([10.0]),
            margin=1.0,
            churn_rate=rate,
            churn_days=30,
            horizon_months=months,
            discount_rate=discount,
        )[0]

    assert worth(rate, discount) <= worth(rate * 0.9, discount) + 1e-9
    assert worth(rate, discount) <= worth(rate, discount * 0.9) + 1e-9
    assert worth(rate, discount) <= 10 * months + 1e-9
