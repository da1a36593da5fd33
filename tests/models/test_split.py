"""The split by time: nothing in training was unknown when the test began."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.split import rolling_origins, split_by_time


def test_monthly_cutoffs_with_a_month_to_wait():
    """Labels of day 60 are known on day 90: just in time for a test at 90."""
    split = split_by_time([0, 30, 60, 90, 120], test_points=2, days_until_known=30)
    assert (split.known, split.test, split.purged) == ((0, 30, 60), (90, 120), ())


def test_cutoffs_whose_window_reaches_into_the_test_are_purged():
    split = split_by_time([0, 30, 60, 90, 120], test_points=1, days_until_known=31)
    assert split.test == (120,)
    assert split.purged == (90,)


def test_nothing_to_train_on():
    with pytest.raises(ValueError, match="no cutoff to train on"):
        split_by_time([0, 10], test_points=1, days_until_known=30)


def test_folds_roll_through_time():
    """A fifth of ten cutoffs is two; labels take a month and a day, so one cutoff lies between."""
    folds = rolling_origins(range(0, 300, 30), days_until_known=31)
    assert [fold.validation for fold in folds] == [(120, 150), (180, 210), (240, 270)]
    assert [fold.train for fold in folds] == [
        (0, 30, 60),
        tuple(range(0, 150, 30)),
        tuple(range(0, 210, 30)),
    ]


def test_a_short_history_has_fewer_folds_or_none():
    assert rolling_origins([0], days_until_known=30) == ()
    (only,) = rolling_origins([0, 30], days_until_known=30)
    assert (only.train, only.validation) == ((0,), (30,))


cutoffs = st.lists(st.integers(0, 2000), min_size=2, max_size=40, unique=True)


@given(cutoffs=cutoffs, test_points=st.integers(1, 4), wait=st.integers(1, 200))
def test_no_label_was_unknown_when_the_test_began(cutoffs, test_points, wait):
    try:
        split = split_by_time(cutoffs, test_points=test_points, days_until_known=wait)
    except ValueError:
        return
    assert sorted([*split.known, *split.test, *split.purged]) == sorted(cutoffs)
    assert len(split.test) == min(test_points, len(cutoffs))
    assert all(cutoff + wait <= split.test[0] for cutoff in split.known)
    assert all(cutoff + wait > split.test[0] for cutoff in split.purged)


@given(known=cutoffs, wait=st.integers(1, 200), folds=st.integers(1, 5))
def test_no_label_was_unknown_when_a_validation_began(known, wait, folds):
    found = rolling_origins(known, days_until_known=wait, folds=folds)
    assert len(found) <= folds
    judged = [cutoff for fold in found for cutoff in fold.validation]
    assert judged == sorted(set(judged))
    for fold in found:
        assert all(cutoff + wait <= fold.validation[0] for cutoff in fold.train)
        assert fold.train
        assert fold.validation
