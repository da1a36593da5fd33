"""Limits, and money that is added up exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.resources import Resources, spent

NONE = np.full(2, np.inf)


@given(
    counts=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    data=st.data(),
)
def test_spent_is_the_exact_sum_of_all_contacts(counts, data):
    costs = data.draw(st.lists(st.floats(0, 1e6), min_size=len(counts), max_size=len(counts)))
    one_by_one = [cost for cost, n in zip(costs, counts, strict=True) for _ in range(n)]
    assert spent(np.array(counts), np.array(costs)) == math.fsum(one_by_one)


def test_a_budget_that_is_met_to_the_cent_holds():
    """Ten times 0.1 is 1, though 0.1 + 0.1 + … is not; one contact more is too much."""
    resources, costs = Resources(1.0, None, np.array([np.inf])), np.array([0.1])
    assert resources.hold(np.array([10]), costs)
    assert not resources.hold(np.array([11]), costs)


@pytest.mark.parametrize(
    ("resources", "held"),
    [
        (Resources(None, None, NONE), True),
        (Resources(None, 5, NONE), True),
        (Resources(None, 4.9, NONE), False),
        (Resources(None, None, np.array([2.0, np.inf])), False),
        (Resources(None, None, np.array([3.5, 2])), True),
        (Resources(18.99, None, NONE), False),
    ],
)
def test_three_contacts_at_3_and_two_at_5(resources, held):
    assert resources.hold(np.array([3, 2]), np.array([3.0, 5.0])) is held


def test_what_allows_no_contact():
    costs = np.array([3.0, 5.0])
    assert Resources(4, None, NONE).possible(costs).tolist() == [True, False]
    assert Resources(None, 0.5, NONE).possible(costs).tolist() == [False, False]
    assert Resources(None, None, np.array([0, 1])).possible(costs).tolist() == [False, True]
    assert Resources(0, None, NONE).possible(np.array([0.0, 1])).tolist() == [True, False]


def test_limits_that_cannot_bind_are_no_rows():
    uses, limits, place = Resources(50, 10, np.array([7.0, 10])).rows(np.array([3.0, 5]), 10)
    assert uses.tolist() == [[1, 0]]
    assert (limits.tolist(), place.tolist()) == ([7], [2])


def test_the_rest_of_a_budget_that_no_contacts_add_up_to_is_no_use():
    def usable(*costs):
        return Resources(52.5, None, NONE).rows(np.array(costs), 100)[1][0]

    assert usable(4.0, 6.0) == 52
    assert usable(5.0, 10.0) == 50
    assert usable(0.5, 1.0) == 52.5
    assert usable(3.5, 7) == 52.5
    assert usable(1.1, 3.3) == pytest.approx(51.7)
    assert usable(0.0, 5.0) == 50


def test_a_budget_of_exactly_ten_contacts_is_usable_whole():
    """Nor is one lost where floats of 0.3 are less than it, and three of them less than 0.9."""
    below, resources = np.array([0.3]), Resources(0.8999999999999999, None, NONE[:1])
    assert resources.hold(np.array([3]), below)
    assert resources.rows(below, 100)[1][0] == pytest.approx(0.9)
    assert Resources(1.0, None, NONE[:1]).rows(np.array([0.1]), 100)[1][0] == 1.0


@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_odd_limits_are_refused(wrong):
    for resources in ((wrong, None, NONE), (None, wrong, NONE), (None, None, np.array([1, wrong]))):
        with pytest.raises(ValueError, match="at least 0"):
            Resources(*resources)
