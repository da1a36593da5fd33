"""Forecasts by hand, and whether what comes lies within their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecast import UNTOLD, Past, carried, confirmed, forecast


def past(probability, gone, money=None, customers=100):
    """A past cutoff: so many customers of one probability, the first of whom are gone."""
    paid = None if money is None else np.full(customers, float(money))
    return Past(np.full(customers, probability), np.arange(customers) < gone, paid)


def test_a_constant_hazard_over_three_horizons():
    """Of 1,000 at 10 % each, 1 - 0.9^3 = 27.1 % are gone after three; nothing has been measured."""
    found = forecast(np.full(1000, 0.1), None, [], horizons=3)
    assert found.customers.expected == pytest.approx(271)
    assert found.customers.by_chance == pytest.approx(1000 * 0.271 * 0.729)
    assert (found.measured, found.cutoffs, found.level_error) == (False, 0, UNTOLD)


def test_probabilities_develop_as_those_of_past_cutoffs_did():
    """Of 100 at 10 % each 19 were gone: as after two horizons, whatever the calendar says."""
    found = forecast(np.full(1000, 0.2), None, [past(0.1, 19)] * 3, horizons=3)
    assert found.exponent == pytest.approx(2)
    assert found.customers.expected == pytest.approx(360)
    assert found.measured


def test_money_is_weighed_by_who_pays_it():
    """One customer in two of 10 a month and none of those of 90: 5 a month each of the former."""
    probability, money = np.array([0.5, 0.5, 0.0]), np.array([10.0, 10, 90])
    found = forecast(probability, money, [past(0.5, 50, 10)] * 4, horizons=1)
    assert found.money.expected == pytest.approx(10)
    assert found.money.by_chance == pytest.approx(2 * 0.25 * 100)


def test_chance_alone_makes_no_level():
    """50 each time of 100 at 50 %: closer than chance would be."""
    found = forecast(np.full(100, 0.5), None, [past(0.5, 50)] * 6, horizons=1)
    assert found.level_error == 0
    assert found.customers.by_level == 0


def test_the_level_is_how_far_forecasts_were_off_beyond_chance():
    """10,000 at 10 %: 1,000 are expected and 800 or 1,200 came; chance alone makes 30 of it.

    Around one level that was fitted to four, 4 / 3 of the squares.
    """
    seen = [past(0.1, gone, customers=10_000) for gone in (800, 1200, 800, 1200)]
    found = forecast(np.full(1000, 0.1), None, seen, horizons=1)
    assert found.exponent == pytest.approx(1)
    expected = np.sqrt(4 / 3 * 200**2 - 10_000 * 0.09) / 1000
    assert found.level_error == pytest.approx(expected)
    assert found.customers.by_level == pytest.approx((expected * 100) ** 2)


def test_few_past_cutoffs_and_such_that_overlap_widen_the_interval():
    seen = [past(0.1, gone) for gone in (8, 12, 9, 11)]

    def width(known, overlap):
        found = forecast(np.full(1000, 0.1), None, known, horizons=1, overlap=overlap).customers
        return found.high - found.low

    assert width(seen, 3) > width(seen, 1) > width(seen * 4, 1)


@pytest.mark.parametrize("gone", [0, 100])
def test_where_nobody_or_everybody_has_gone_no_exponent_fits(gone):
    found = forecast(np.full(10, 0.2), None, [past(0.2, gone)], horizons=2)
    assert not found.measured
    assert found.customers.expected == pytest.approx(10 * 0.36)


def test_certain_and_impossible_ones_stay_so():
    assert carried(np.array([0.0, 1.0]), 2.5).tolist() == [0, 1]
    nobody = forecast(np.empty(0), None, [], horizons=3).customers
    assert (nobody.expected, nobody.low, nobody.high) == (0, 0, 0)


def test_a_forecast_is_confirmed_by_what_came_and_made_from_what_was_known():
    """The last of eight is off; the first three and those that overlap them are not forecast."""
    seen = [past(0.1, 10)] * 7 + [past(0.1, 60)]
    assert confirmed(seen, horizons=1, overlap=1) == (4, 5)
    assert confirmed(seen, horizons=1, overlap=3) == (2, 3)
    assert confirmed(seen[:3], horizons=1, overlap=1) == (0, 0)


@given(
    st.lists(st.floats(0, 1), max_size=20),
    st.lists(st.tuples(st.floats(0.001, 1), st.integers(0, 30)), max_size=5),
    st.floats(0.1, 12),
)
def test_of_any_customers_what_is_expected_lies_within_its_interval(today, seen, horizons):
    known = [past(p, gone, 7, customers=30) for p, gone in seen]
    money = np.full(len(today), 7.0)
    found = forecast(np.array(today), money, known, horizons=horizons)
    for one in (found.customers, found.money):
        assert 0 <= one.low <= one.expected + 1e-9
        assert one.expected <= one.high + 1e-9
    assert found.customers.expected <= len(today) + 1e-9
    assert found.money.expected == pytest.approx(7 * found.customers.expected)
