"""`usage`: counts, days, kinds, recency and trend."""

from __future__ import annotations

from datetime import datetime

import pytest

EDGES = {
    "usage": """
    customer_id | occurred_at                | event
    1           | 2025-01-01 23:59:59.999999 | login
    2           | 2025-01-02                 | login
    3           | 2025-01-02 00:00:00.000001 | login
    4           | 2025-01-31 23:59:59.999999 | login
    5           | 2025-02-01                 | login
    6           | 2025-02-01 00:00:00.000001 | login
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("usage_count_30d", {1: 0, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_active_days_30d", {1: 0, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_count_ever", {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_count_first_30d", {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
    ],
)
def test_a_window_holds_its_first_microsecond_and_not_the_cutoff(seen, feature, expected):
    assert seen(EDGES, "2025-02-01", feature) == expected


def test_recency_is_counted_to_the_microsecond_and_unknown_without_events(seen):
    tables = {
        "usage": """
        customer_id | occurred_at         | event
        1           | 2025-01-30 12:00:00 | login
        1           | 2025-02-01 00:00:00 | login
        2           | 2025-02-01 00:00:00 | login
        """
    }
    assert seen(tables, "2025-02-01", "usage_days_since_last") == {1: 1.5, 2: None}


def test_an_event_that_became_known_late_counts_when_it_happened_but_only_from_then_on(seen):
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2025-01-20  | login | 2025-02-28 23:59:59.999999
        2           | 2025-01-20  | login | 2025-03-01 00:00:00
        3           | 2025-01-20  | login |
        """
    }
    assert seen(tables, "2025-02-01", "usage_count_30d") == {1: 0, 2: 0, 3: 1}
    assert seen(tables, "2025-03-01", "usage_count_30d") == {1: 0, 2: 0, 3: 0}
    assert seen(tables, "2025-03-01", "usage_count_90d", windows=(90,)) == {1: 1, 2: 0, 3: 1}


def test_the_first_days_end_to_the_microsecond(seen):
    """Signed up on 2025-01-02 at noon, and so until 2025-02-01 at noon."""
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-02 12:00:00",
        "usage": """
        customer_id | occurred_at                | event
        1           | 2025-02-01 11:59:59.999999 | login
        1           | 2025-02-01 12:00:00        | login
        """,
    }
    assert seen(tables, "2025-03-01", "usage_count_first_30d") == {1: 1}


def test_a_day_whose_events_became_known_in_turn_is_one_active_day(vectors):
    tables = {
        "usage": """
        customer_id | occurred_at      | event | available_at
        1           | 2025-01-10 08:00 | login |
        1           | 2025-01-10 09:00 | login | 2025-01-25
        """
    }
    frame = vectors(tables, ["2025-01-20", "2025-02-01"]).frame
    assert frame["usage_active_days_30d"].tolist() == [1, 1]
    assert frame["usage_count_30d"].tolist() == [1, 2]


def test_an_event_may_be_called_like_one_of_our_own_measures(seen):
    tables = {
        "usage": """
        customer_id | occurred_at | event
        1           | 2025-01-01  | days
        1           | 2025-01-02  | count
        1           | 2025-01-03  | login
        """
    }
    assert seen(tables, "2025-02-01", "usage_count_first_30d") == {1: 3}
    assert seen(tables, "2025-02-01", "usage_days_count_first_30d") == {1: 1}
    assert seen(tables, "2025-02-01", "usage_count_count_first_30d") == {1: 1}


def test_whole_numbers_as_values_stay_exact_however_large(seen):
    tables = {
        "usage": [
            {"customer_id": 1, "occurred_at": datetime(2025, 1, 9), "event": "a", "value": 10**14},
            {"customer_id": 1, "occurred_at": datetime(2025, 1, 9), "event": "a", "value": 1},
        ]
    }
    assert seen(tables, "2025-02-01", "usage_value_sum_30d") == {1: 10**14 + 1}


def test_what_happened_before_the_day_of_sign_up_is_not_of_the_first_days(seen):
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-10 12:00",
        "usage": """
        customer_id | occurred_at                | event
        1           | 2025-01-09 23:59:59.999999 | login
        1           | 2025-01-10                 | login
        1           | 2025-02-09 11:59:59.999999 | login
        1           | 2025-02-09 12:00           | login
        """,
    }
    assert seen(tables, "2025-03-01", "usage_count_first_30d") == {1: 2}
    assert seen(tables, "2025-03-01", "usage_login_count_first_30d") == {1: 2}


def test_a_mean_is_that_of_the_values_there_are(seen):
    tables = {
        "usage": """
        customer_id | occurred_at | event | value
        1           | 2025-01-20  | login | 3
        1           | 2025-01-21  | login |
        1           | 2025-01-22  | login | 5
        2           | 2025-01-21  | login |
        """
    }
    assert seen(tables, "2025-02-01", "usage_value_mean_30d") == {1: 4, 2: None}


def test_which_of_like_kinds_is_numbered_does_not_depend_on_what_is_common(seen):
    rows = ["1 | 2025-01-20 | Log in", "1 | 2025-01-21 | log_in", "1 | 2025-01-22 | log in"]
    for more in ("Log in", "log_in", "log in"):
        usage = "\n".join(["customer_id | occurred_at | event", *rows, f"1 | 2025-01-25 | {more}"])
        tables = {"usage": usage}
        found = {
            name: seen(tables, "2025-02-01", f"usage_{name}_count_30d")[1]
            for name in ("log_in", "log_in_2", "log_in_3")
        }
        kinds = {"log_in": "log_in", "log_in_2": "Log in", "log_in_3": "log in"}
        assert found == {name: 1 + (kind == more) for name, kind in kinds.items()}
