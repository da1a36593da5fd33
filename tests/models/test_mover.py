"""Intervals of differences and ratios, held against published figures and against their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mover import difference, ratio, symmetric, wilson

CRITICAL = 1.959964


def rate(leavers: int, n: int):
    return leavers / n, wilson(leavers / n, leavers / n * (1 - leavers / n) / n, n, CRITICAL)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_table(first, second, low, high):
    found = difference(*rate(*first), *rate(*second))
    assert found == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 60), st.integers(60, 80), st.floats(0.1, 6))
def test_wilson_holds_the_rate_and_stays_within_0_and_1(leavers, n, critical):
    low, high = wilson(leavers / n, leavers / n * (1 - leavers / n) / n, n, critical)
    assert 0 <= low <= leavers / n <= high <= 1


def test_a_rate_from_more_than_there_are_is_narrower_up_to_a_limit():
    widths = [np.diff(wilson(0.3, 0.21 / 100 / times, 100, 2))[0] for times in (1, 2, 4, 40)]
    assert widths[0] > widths[1] > widths[2]
    assert widths[3] == pytest.approx(widths[2])


def test_the_ratio_of_symmetric_intervals_is_fiellers():
    first, second, errors = 3.0, 5.0, (0.4, 0.6)
    found = ratio(
        first, symmetric(first, errors[0] ** 2, 2), second, symmetric(second, errors[1] ** 2, 2)
    )
    # Where the distance of first - r second from 0 is 2 standard errors.
    for limit in found:
        distance = abs(first - limit * second) / np.hypot(errors[0], limit * errors[1])
        assert distance == pytest.approx(2)


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.2, 4))
def test_the_ratio_lies_within_its_interval(leavers, others, critical):
    first, second = leavers / 50, others / 50
    own = wilson(first, first * (1 - first) / 50, 50, critical)
    other = wilson(second, second * (1 - second) / 50, 50, critical)
    low, high = ratio(first, own, second, other)
    assert 0 <= low <= first / second + 1e-12
    assert high >= first / second - 1e-12


def test_a_ratio_to_what_may_be_nothing_has_no_upper_limit():
    assert ratio(1.0, (0.5, 1.5), 1.0, (0.0, 2.0)) == (pytest.approx(0.375), np.inf)
