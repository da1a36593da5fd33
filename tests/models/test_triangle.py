"""Cohorts by hand: three months, the customers and the money of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.triangle import mean_kept, triangle

SIZES = np.array([40, 0, 20])
THERE = np.array([[36, 0, 0], [30, 0, 0], [28, 0, 15]])
MONEY = np.array([[400.0, 0, 0], [450, 0, 0], [np.nan, np.nan, np.nan]])


def test_shares_of_each_cohort_by_months_since_it_came():
    first, nobody, last = triangle(SIZES, THERE)
    assert first.kept == pytest.approx((1, 0.9, 0.75, 0.7))
    assert nobody.kept == (None, None, None)
    assert last.kept == (1, 0.75)
    assert [row.small for row in (first, nobody, last)] == [False, True, True]
    assert first.money == (None,) * 4


def test_money_against_the_first_full_month_and_none_of_what_is_not_over():
    first, nobody, last = triangle(SIZES, THERE, MONEY)
    assert first.money == (None, 1, 1.125, None)
    assert nobody.money == (None, None, None)
    assert last.money == (None, None)


def test_the_mean_is_over_the_cohorts_that_are_old_enough():
    """After one month 36 of 40 and 15 of 20; after two only the first cohort tells."""
    assert mean_kept(triangle(SIZES, THERE)) == pytest.approx([1, 51 / 60, 0.75, 0.7])
    assert mean_kept([]) == []


@given(st.lists(st.integers(0, 50), max_size=6))
def test_each_cohort_has_as_many_cells_as_months_have_passed(sizes):
    n = len(sizes)
    rows = triangle(np.array(sizes), np.zeros((n, n)), np.ones((n, n)))
    assert [len(row.kept) for row in rows] == [n - cohort + 1 for cohort in range(n)]
    assert [len(row.money) for row in rows] == [len(row.kept) for row in rows]
