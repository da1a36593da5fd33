"""Differences within strata, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.strata import difference


def rows(*strata):
    """(with: left of n, without: left of n) by stratum, as rows."""
    outcome, has, where = [], [], []
    for number, ((a, n1), (b, n0)) in enumerate(strata):
        outcome += [1] * a + [0] * (n1 - a) + [1] * b + [0] * (n0 - b)
        has += [True] * n1 + [False] * n0
        where += [number] * (n1 + n0)
    return np.array(outcome), np.array(has), np.array(where)


def test_of_one_stratum_it_is_the_plain_difference():
    """10 of 50 against 30 of 60: -30 points, and -0.3 +- 1.96 x about 0.086."""
    found = difference(*rows(((10, 50), (30, 60))))
    assert found.adjusted.estimate == pytest.approx(0.2 - 0.5)
    assert (found.adjusted.high - found.adjusted.low) / 2 == pytest.approx(1.96 * 0.086, rel=0.03)
    assert (found.with_, found.without, found.p < 0.01) == (50, 60, True)


def test_what_is_only_a_difference_between_strata_goes():
    """Half leave in one, a tenth in the other, whatever they did; most who did are in the first."""
    found = difference(*rows(((40, 80), (10, 20)), ((2, 20), (8, 80))))
    assert found.rate_with - found.rate_without > 0.2
    assert found.adjusted.estimate == pytest.approx(0)
    assert found.p == pytest.approx(1)


def test_strata_with_one_side_tell_nothing():
    assert difference(*rows(((3, 5), (0, 0)), ((0, 0), (2, 5)))) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), min_size=8, max_size=80)
)
def test_to_swap_the_sides_turns_the_sign(given_rows):
    outcome, has, where = (np.array(one) for one in zip(*given_rows, strict=True))
    one, other = difference(outcome, has, where), difference(outcome, ~has, where)
    assert (one is None) == (other is None)
    if one is not None:
        assert one.adjusted.estimate == pytest.approx(-other.adjusted.estimate)
        assert one.adjusted.low == pytest.approx(-other.adjusted.high)
        assert one.p == pytest.approx(other.p)
