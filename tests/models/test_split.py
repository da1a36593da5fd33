"""The split by time: nothing in training was unknown when the test began."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.split import split_by_time


def test_monthly_cutoffs_with_a_month_to_wait():
    """Labels of day 60 are known on day 90: just in time for a test at 90."""
    split = split_by_time([0, 30, 60, 90, 120], test_points=2, days_until_known=30)
    assert split.test == (90, 120)
    assert split.validation == (60,)
    assert split.train == (0, 30)
    assert split.purged == ()


def test_cutoffs_whose_window_reaches_into_the_test_are_purged():
    split = split_by_time([0, 30, 60, 90, 120], test_points=1, days_until_known=31)
    assert split.test == (120,)
    assert 90 in split.purged
    assert max(split.known) + 31 <= 120


def test_one_cutoff_to_train_on_leaves_no_validation():
    split = split_by_time([0, 30], test_points=1, days_until_known=30)
    assert (split.train, split.validation, split.test) == ((0,), (), (30,))


def test_nothing_to_train_on():
    with pytest.raises(ValueError, match="no cutoff to train on"):
        split_by_time([0, 10], test_points=1, days_until_known=30)


@given(
    cutoffs=st.lists(st.integers(0, 2000), min_size=2, max_size=40, unique=True),
    test_points=st.integers(1, 4),
    wait=st.integers(1, 200),
)
def test_no_label_was_unknown_when_a_later_part_began(cutoffs, test_points, wait):
    try:
        split = split_by_time(cutoffs, test_points=test_points, days_until_known=wait)
    except ValueError:
        return
    parts = [*split.train, *split.gap, *split.validation, *split.test, *split.purged]
    assert sorted(parts) == sorted(cutoffs)
    assert len(split.test) == min(test_points, len(cutoffs))
    assert all(cutoff + wait <= split.test[0] for cutoff in split.known)
    assert all(cutoff + wait > split.test[0] for cutoff in split.purged)
    if split.validation:
        assert all(cutoff + wait <= split.validation[0] for cutoff in split.train)
