"""Recovery by day, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recovery import kept_by, recovery_curve

# Ten invoices: three paid after 3 days; two customers left on day 5; of the five that are still
# open two pay on day 10; the others are open on day 20.
DAYS = np.array([3, 3, 3, 5, 5, 10, 10, 20, 20, 20])
PAID = np.array([1, 1, 1, 0, 0, 1, 1, 0, 0, 0], bool)
LEFT = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0], bool)


def test_recovery_by_day():
    """Open after day 3: 7/10; after day 10: 7/10 x 3/5 = 0.42, since five were still at risk."""
    curve = recovery_curve(DAYS, PAID)
    assert curve.days.tolist() == [3, 10]
    assert curve.open.tolist() == pytest.approx([0.7, 0.42])
    assert curve.open_after(np.array([0, 2, 3, 9, 10, 99])).tolist() == pytest.approx(
        [1, 1, 0.7, 0.7, 0.42, 0.42]
    )


def test_greenwood():
    """3/(10 x 7) + 2/(5 x 3); on the scale log(-log): 0.42 ** exp(+-1.96 sqrt(v) / log 0.42)."""
    curve = recovery_curve(DAYS, PAID)
    variance = 3 / 70 + 2 / 15
    assert curve.variance(15) == pytest.approx(variance)
    reach = 1.959964 * np.sqrt(variance) / -np.log(0.42)
    found = curve.recovered_by(15)
    assert found.estimate == pytest.approx(0.58)
    assert found.low == pytest.approx(1 - 0.42 ** np.exp(-reach))
    assert found.high == pytest.approx(1 - 0.42 ** np.exp(reach))


def test_invoices_of_one_customer_are_no_independent_evidence():
    """Every invoice five times over: as uncertain as ten, 3 x 7 / 10^3 + 2 x 3 / 5^3."""
    days, paid = np.repeat(DAYS, 5), np.repeat(PAID, 5)
    together = recovery_curve(days, paid, np.repeat(np.arange(10), 5))
    assert together.variance(15) == pytest.approx(0.021 + 0.048)
    assert recovery_curve(days, paid).variance(15) < 0.036


def test_on_the_day_of_a_payment_those_who_leave_that_day_were_at_risk():
    """Of two invoices one is paid on day 4, the other's customer leaves on day 4: a half."""
    curve = recovery_curve(np.array([4, 4]), np.array([True, False]))
    assert curve.open.tolist() == [0.5]


def test_what_a_dunning_period_keeps():
    """By day 14 five paid; two left on day 5, open at 0.7: of them 1 - 0.42 / 0.7 = 0.4 each."""
    values = np.arange(1.0, 11.0)
    found = kept_by(14, DAYS, PAID, LEFT, values)
    assert (found.seen, found.seen_value) == (5, 1 + 2 + 3 + 6 + 7)
    assert found.more.estimate == pytest.approx(0.8)
    assert found.more_value.estimate == pytest.approx(0.4 * (4 + 5))
    assert found.more.low < 0.8 < found.more.high <= 2


def test_a_customer_is_kept_once_however_many_of_its_invoices_failed():
    """The three of day 3 are one's, so are the two that were left: two kept by day 14, one gone."""
    customers, values = np.array([0, 0, 0, 1, 1, 2, 2, 3, 4, 5]), np.full(10, 50.0)
    found = kept_by(14, DAYS, PAID, LEFT, values, customers)
    assert (found.seen, found.seen_value) == (2, 100)
    assert found.more.estimate == pytest.approx(0.4)
    assert found.more_value.estimate == pytest.approx(20)


def test_none_recovered_of_few_may_still_be_some():
    """0 of 2 up to 66 %; and of 10 that all were, from 72 % on (Wilson)."""
    none = recovery_curve(np.array([9, 9]), np.zeros(2, bool)).recovered_by(7)
    assert (none.low, none.estimate, none.high) == (0, 0, pytest.approx(0.658, abs=0.001))
    every = recovery_curve(np.full(10, 3), np.ones(10, bool)).recovered_by(7)
    assert (every.low, every.estimate, every.high) == (pytest.approx(0.722, abs=0.001), 1, 1)


def test_who_left_after_the_period_is_no_part_of_it():
    found = kept_by(4, DAYS, PAID, LEFT, None)
    assert (found.seen, found.more.estimate, found.seen_value) == (3, 0, None)
    assert kept_by(2, DAYS, PAID, LEFT, None).more.estimate == 0


def test_a_period_that_nobody_was_followed_for_is_not_told():
    """All that were open left by day 20: of day 21 nothing is known, though five were kept."""
    found = kept_by(21, DAYS, PAID, LEFT, np.full(10, 2.0))
    assert (found.recovered, found.more, found.more_value) == (None, None, None)
    assert (found.seen, found.seen_value) == (5, 10.0)
    assert kept_by(20, DAYS, PAID, LEFT, None).recovered is not None
    # Where all were recovered there is nothing left to come.
    everybody = kept_by(21, DAYS, np.ones(10, bool), np.zeros(10, bool), None)
    assert everybody.recovered.estimate == 1


def test_nothing_recovered():
    found = kept_by(7, np.array([5, 9]), np.zeros(2, bool), np.array([True, False]), None)
    assert (found.recovered.estimate, found.seen, found.more.estimate) == (0, 0, 0)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60))
def test_the_curve_falls_and_intervals_hold_it(rows):
    days, paid = (np.array(one) for one in zip(*rows, strict=True))
    curve = recovery_curve(days, paid.astype(bool))
    assert (np.diff(np.concatenate([[1], curve.open])) < 0).all()
    for day in (0, 7, 40):
        found = curve.recovered_by(day)
        assert 0 <= found.low <= found.estimate + 1e-12
        assert found.estimate <= found.high + 1e-12 <= 1 + 1e-9
    if paid.all():  # without anybody who leaves it is the plain share
        assert curve.recovered_by(7).estimate == pytest.approx((days <= 7).mean())
