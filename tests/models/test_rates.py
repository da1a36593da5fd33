"""A churn rate, its interval and what it makes of a year."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rates import Rate, annualised


def test_of_a_thousand_nine_hundred_are_left():
    rate = Rate(there=1000, gone=100, a_year=12)
    low, high = rate.interval
    assert rate.value == 0.1
    assert (round(low, 4), round(high, 4)) == (0.0829, 0.1202)  # Wilson, by hand


def test_a_year_of_months_is_no_sum():
    """Of 1,000 are left: 900, 810 … 282 after twelve months; 72 % are gone, not 120 %."""
    assert annualised(0.1, 12) == pytest.approx(1 - 0.9**12) == pytest.approx(0.7176, abs=1e-4)
    assert annualised(0.1, 1) == pytest.approx(0.1)
    assert annualised(1.0, 4) == 1.0


def test_without_customers_there_is_no_rate():
    values = Rate(0, 0, 12).as_json()
    assert values.pop("churned") == 0
    assert set(values.values()) == {None}


def test_a_running_period_makes_no_year():
    values = Rate(10, 1).as_json()
    assert values["churn_rate"] == 0.1
    assert values["annualised"] is values["annualised_low"] is None


@given(st.integers(1, 500), st.integers(0, 500), st.sampled_from([1, 4, 12]))
def test_rates_are_shares_within_their_intervals(there, gone, a_year):
    values = Rate(there, min(gone, there), a_year).as_json()
    for kind in ("churn_rate", "annualised"):
        low = values[f"{kind}_low"]
        high = values[f"{kind}_high"]
        assert 0 <= low <= values[kind] + 1e-12
        assert values[kind] <= high + 1e-12 <= 1 + 2e-12
