"""Contacts received: those held out received none."""

from __future__ import annotations

import pytest

CONTACTS = {
    "contacts": """
    customer_id | occurred_at                | campaign | action | group
    1           | 2024-11-01                 | a        | call   | treated
    1           | 2025-01-02                 | b        | call   | treated
    1           | 2025-01-31                 | c        | mail   | holdout
    1           | 2025-02-01                 | d        | call   | treated
    2           | 2025-01-20                 | b        | call   | holdout
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("contacts_count_30d", {1: 1, 2: 0}),
        ("contacts_count_ever", {1: 2, 2: 0}),
        ("contacts_days_since_last", {1: 30, 2: None}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(CONTACTS, "2025-02-01", feature) == expected


def test_a_contact_counts_from_when_it_was_known(vectors):
    tables = {
        "contacts": """
        customer_id | occurred_at | campaign | action | group   | available_at
        1           | 2025-01-20  | a        | call   | treated | 2025-02-10
        """
    }
    frame = vectors(tables, ["2025-02-01", "2025-02-11"]).frame
    assert frame["contacts_count_ever"].tolist() == [0, 1]
