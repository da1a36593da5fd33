"""Cutoff grids, and the accounting: every known customer is a point or counted as left out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.churn import Definition
from features.errors import TooLittleData, UsageError
from features.points import (
    earlier_cutoffs,
    labelled_cutoffs,
    make_points,
    newest_cutoff,
    refuse_future,
)

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
stays       | a               | 2025-01-01 |
leaves      | b               | 2025-01-01 | 2025-03-20
in the lead | c               | 2025-01-01 | 2025-03-03
gone        | d               | 2025-01-01 | 2025-02-01
young       | e               | 2025-02-20 |
"""
CUSTOMERS = """
customer_id | signed_up_at
stays       | 2025-01-01
leaves      | 2025-01-01
in the lead | 2025-01-01
gone        | 2025-01-01
young       | 2025-02-20
not yet     | 2025-03-01
"""


@pytest.fixture
def histories(read):
    tables = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS}
    return read(tables, observed_until=datetime(2025, 6, 1))


def test_every_known_customer_is_accounted_for(histories):
    definition = Definition(lead_days=7)
    points = make_points(histories, definition, [date(2025, 3, 1)], min_tenure_days=30)
    counts = points.counts[0]
    assert (counts.known, counts.points, counts.churned) == (5, 2, 1)
    assert (counts.not_active, counts.below_min_tenure, counts.left_in_lead) == (1, 1, 1)


def test_without_labels_nothing_after_the_cutoff_is_looked_at(histories):
    definition = Definition(lead_days=7)
    points = make_points(histories, definition, [date(2025, 3, 1)], labels=False)
    counts = points.counts[0]
    assert (counts.points, counts.churned, counts.left_in_lead) == (4, None, 0)
    assert set(points.churned.tolist()) == {-1}


@settings(max_examples=6)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 60), st.none() | st.integers(0, 30)),
        min_size=1,
        max_size=30,
    ),
    signed_up=st.lists(st.integers(0, 60), min_size=10, max_size=10),
    min_tenure=st.integers(0, 20),
    lead=st.integers(0, 9),
)
def test_the_counts_of_a_cutoff_add_up(rows, signed_up, min_tenure, lead, read):
    first = datetime(2025, 1, 1, 8)
    subscriptions = [
        {
            "customer_id": customer,
            "subscription_id": number,
            "started_at": first + timedelta(days=start),
            "ended_at": None if lasts is None else first + timedelta(days=start + lasts),
        }
        for number, (customer, start, lasts) in enumerate([*rows, (0, 0, None)])
    ]
    customers = [
        {"customer_id": n, "signed_up_at": first + timedelta(days=day)}
        for n, day in enumerate([0, *signed_up[1:]])
    ]
    histories = read(
        {"customers": customers, "subscriptions": subscriptions},
        observed_until=date(2025, 3, 1),
    )
    cutoffs = [date(2025, 1, 15), date(2025, 2, 1), date(2025, 2, 25), date(2025, 3, 5)]
    points = make_points(histories, Definition(lead_days=lead), cutoffs, min_tenure_days=min_tenure)
    for index, count in enumerate(points.counts):
        left_out = count.not_active + count.below_min_tenure + count.left_in_lead
        assert count.known == count.points + left_out
        here = points.points.cutoff == index
        assert count.points == here.sum()
        known = points.churned[here] if count.churned is not None else np.zeros(0)
        assert count.churned is None or count.churned == known.sum()
    assert len(points) == sum(count.points for count in points.counts)


def test_tenure_is_counted_in_whole_days(read):
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-31 23:59\n2 | 2025-02-01 00:00",
        "subscriptions": """
        customer_id | subscription_id | started_at
        1           | a               | 2025-02-01
        2           | b               | 2025-02-01
        """,
    }
    histories = read(tables)
    points = make_points(histories, Definition(), [date(2025, 3, 1)], min_tenure_days=29)
    assert points.points.customer.tolist() == [0]


def test_cutoffs_come_once_each_and_in_order(histories):
    days = [date(2025, 3, 1), date(2025, 2, 1), date(2025, 3, 1)]
    points = make_points(histories, Definition(), days)
    assert points.cutoffs == (date(2025, 2, 1), date(2025, 3, 1))
    assert (np.diff(points.points.cutoff) >= 0).all()


def test_a_cutoff_without_customers_is_told(histories):
    with pytest.raises(TooLittleData, match=r"Nobody is a customer at the cutoff 2024-12-01"):
        make_points(histories, Definition(), [date(2024, 12, 1)])


def test_dates_after_the_end_are_refused(histories):
    assert newest_cutoff(histories) == date(2025, 6, 1)
    refuse_future(histories, [date(2025, 6, 2)])
    with pytest.raises(UsageError, match="after the end") as error:
        refuse_future(histories, [date(2025, 6, 1), date(2025, 6, 3)])
    assert error.value.value == "2025-06-03"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["2025-02-01", "2025-03-01", "2025-04-01", "2025-05-01"]),
        ({"first": "2025-03-02"}, ["2025-04-01", "2025-05-01"]),
        ({"last": "2025-04-01"}, ["2025-02-01", "2025-03-01", "2025-04-01"]),
        ({"last": "2030-01-01", "first": "2025-05-01"}, ["2025-05-01"]),
        # Mondays.
        (
            {"every": "week", "first": "2025-04-09"},
            ["2025-04-14", "2025-04-21", "2025-04-28"],
        ),
        # Counted from the first one.
        ({"every": 20, "first": "2025-03-05"}, ["2025-03-05", "2025-03-25", "2025-04-14"]),
        # Counted from 1970-01-01, so that more history moves none: day 20,100 is 2025-01-12.
        (
            {"every": 25, "last": "2025-04-01"},
            ["2025-02-06", "2025-03-03", "2025-03-28"],
        ),
    ],
)
def test_a_grid_holds_the_cutoffs_whose_labels_are_known(options, expected, read):
    """Usage begins on 2025-01-01; what 30 days of horizon before 2025-06-02 leave: 2025-05-03."""
    tables = {
        "usage": """
        customer_id | occurred_at | event
        1           | 2025-01-01  | login
        """,
        "subscriptions": SUBSCRIPTIONS,
    }
    histories = read(tables, observed_until=datetime(2025, 6, 2))
    dates = {k: date.fromisoformat(v) if k != "every" else v for k, v in options.items()}
    found = labelled_cutoffs(histories, Definition(), **dates)
    assert [str(day) for day in found] == expected


def test_the_newest_cutoff_of_a_grid_is_one_whose_window_has_just_closed(histories):
    definition = Definition(lead_days=5, horizon_days=20, grace_days=6)
    found = labelled_cutoffs(histories, definition, every=1)
    assert found[-1] == date(2025, 5, 1)
    assert -1 not in make_points(histories, definition, [found[-1]]).churned
    assert -1 in make_points(histories, definition, [found[-1] + timedelta(days=1)]).churned


def test_histories_too_short_for_one_label_are_told(histories):
    with pytest.raises(TooLittleData, match="too short for a single labelled cutoff"):
        labelled_cutoffs(histories, Definition(horizon_days=365))


@pytest.mark.parametrize("kind", ["subscription", "inactivity"])
def test_cutoffs_at_both_ends_of_the_calendar(kind, read):
    """A label window that ends beyond the last date there is, is not known."""
    tables = {
        "subscriptions": "customer_id | subscription_id | started_at\n1 | 1 | 2025-01-01",
        "usage": "customer_id | occurred_at | event\n1 | 2025-01-01 | x\n1 | 9999-12-30 | x",
    }
    histories = read(tables, observed_until=date.max)
    cutoffs = [date.min, date.max]
    points = make_points(histories, Definition(kind, activity=("usage",)), cutoffs)
    assert [(c.known, c.points, c.churned) for c in points.counts] == [(0, 0, 0), (1, 1, None)]


@pytest.mark.parametrize(
    ("before", "every", "most", "expected"),
    [
        ("2025-05-01", "month", 12, ["2025-02-01", "2025-03-01", "2025-04-01"]),
        ("2025-05-02", "month", 2, ["2025-04-01", "2025-05-01"]),
        ("2025-02-18", "week", 12, ["2025-02-03", "2025-02-10", "2025-02-17"]),
        ("2025-02-17", "week", 12, ["2025-02-03", "2025-02-10"]),
        ("2025-02-01", "month", 12, []),
        ("2024-01-01", 1, 12, []),
        ("0001-01-01", "week", 12, []),
    ],
)
def test_earlier_cutoffs_have_history_behind_them_and_lie_before(
    histories, before, every, most, expected
):
    """The histories begin on 2025-01-01; 30 days later there is something to tell."""
    day = date.fromisoformat(before)
    found = earlier_cutoffs(histories, Definition(), day, every=every, most=most)
    assert [str(each) for each in found] == expected


def test_some_points_keep_their_labels(histories):
    found = make_points(histories, Definition(), [date(2025, 2, 1), date(2025, 3, 1)])
    assert len(found) > 1
    for kept in (found.churned == found.churned[-1], np.array([0, len(found) - 1])):
        some = found.some(kept)
        assert some.points.customer.tolist() == found.points.customer[kept].tolist()
        assert some.points.cutoff.tolist() == found.points.cutoff[kept].tolist()
        assert some.churned.tolist() == found.churned[kept].tolist()
        assert (some.cutoffs, some.counts) == (found.cutoffs, found.counts)
