"""Days, spans and buckets."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.kernels import cells_of
from features.timeline import EPOCH, EVER, Span, Timeline, day_number

DAYS = st.dates(date(2024, 1, 1), date(2025, 12, 31))


def buckets(timeline, *days):
    """The bucket of each day: the cells of a single owner."""
    days = np.array([day_number(day) for day in days], dtype=np.int32)
    nobody = np.zeros(len(days), dtype=np.int32)
    return cells_of(nobody, days, 1, timeline.first_day, timeline.buckets_of_days).tolist()


def test_days_are_counted_from_1970():
    assert day_number(EPOCH) == 0
    assert day_number(date(1969, 12, 31)) == -1
    assert day_number(date(2025, 1, 12)) == 20_100


@settings(max_examples=40)
@given(
    cutoffs=st.lists(DAYS, min_size=1, max_size=4, unique=True).map(sorted),
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=3),
    day=DAYS,
)
def test_the_buckets_of_a_span_hold_its_days_and_no_others(cutoffs, lengths, day):
    spans = [EVER, *map(Span.last, lengths), *map(Span.before_last, lengths)]
    timeline = Timeline(cutoffs, spans)
    bucket = sum(int(edge) <= day_number(day) for edge in timeline.edges)
    for span in spans:
        first, after = timeline.buckets(span)
        for index, cutoff in enumerate(cutoffs):
            begin = date.min if span.start is None else cutoff + timedelta(days=span.start)
            inside = begin <= day < cutoff + timedelta(days=span.stop)
            assert (first[index] <= bucket < after[index]) == inside
        if day < max(cutoffs):
            assert buckets(timeline, day) == [bucket]


def test_a_span_that_was_not_asked_for_is_refused():
    timeline = Timeline([date(2025, 3, 1)], [Span.last(30)])
    with pytest.raises(KeyError, match="not made for"):
        timeline.buckets(Span.last(7))


def test_each_day_has_its_bucket():
    timeline = Timeline([date(2025, 3, 1)], [Span.last(3), Span.last(1)])
    days = [date(2025, 2, day) for day in (1, 25, 26, 27, 28)]
    assert buckets(timeline, *days) == [0, 0, 1, 1, 2]


def test_no_span_ends_beyond_the_last_date_there_is():
    timeline = Timeline([date(1, 1, 1), date.max], [Span(-3660, 0), Span(0, 60)])
    assert timeline.end() == date.max
    first, after = timeline.buckets(Span(-3660, 0))
    assert (first < after).all()
