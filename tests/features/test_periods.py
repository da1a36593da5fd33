"""Months, quarters and years of the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from features.errors import UsageError
from features.periods import Period, before, calendar, refuse_unknown


def starts(*asked):
    return [str(period.start) for period in calendar(*asked)]


def test_periods_begin_with_the_one_of_the_first_day_and_stop_before_the_last():
    months = ["2024-12-01", "2025-01-01", "2025-02-01"]
    assert starts("month", date(2024, 12, 31), date(2025, 3, 1)) == months
    assert starts("month", date(2024, 12, 1), date(2025, 2, 2)) == months
    assert starts("quarter", date(2024, 12, 31), date(2025, 4, 1)) == ["2024-10-01", "2025-01-01"]
    assert starts("year", date(2024, 2, 29), date(2025, 1, 2)) == ["2024-01-01", "2025-01-01"]


def test_a_period_ends_where_the_next_begins():
    found = calendar("quarter", date(2024, 8, 1), date(2025, 1, 1))
    assert found == [
        Period(date(2024, 7, 1), date(2024, 10, 1)),
        Period(date(2024, 10, 1), date(2025, 1, 1)),
    ]
    assert before(found[1], "quarter") == found[0]
    assert before(Period(date(2025, 1, 1), date(2025, 2, 1)), "month").start == date(2024, 12, 1)


@pytest.mark.parametrize(
    ("first", "until", "what"),
    [
        (date(2025, 2, 1), date(2025, 1, 1), "does not lie before"),
        (date(2025, 2, 1), date(2025, 2, 1), "does not lie before"),
        (date(1, 1, 1), date(2025, 2, 1), "More than 1,200 periods"),
        (date(9990, 1, 1), date(9999, 12, 31), "beyond the year"),
    ],
)
def test_periods_that_are_none_are_refused(first, until, what):
    with pytest.raises(UsageError, match=what):
        calendar("month", first, until)


def test_other_lengths_are_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        refuse_unknown("months")
    assert caught.value.fix == "--every month"
    refuse_unknown("quarter")
