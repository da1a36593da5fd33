"""`tickets`: opened, closed, how fast, and what is open."""

from __future__ import annotations

import pytest

OPEN = {
    "tickets": """
    customer_id | ticket_id | opened_at                  | closed_at                  | csat
    1           | a         | 2025-01-22                 |                            |
    1           | b         | 2025-01-30                 | 2025-01-31 23:59:59.999999 | 2
    2           | c         | 2025-01-30 12:00:00        | 2025-02-01                 | 1
    3           | d         | 2025-01-31 23:59:59.999999 | 2025-03-01                 | 1
    4           | e         | 2025-02-01                 |                            |
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("tickets_open_count", {1: 1, 2: 1, 3: 1, 4: 0}),
        ("tickets_open_oldest_days", {1: 10, 2: 1.5, 3: pytest.approx(0, abs=1e-9), 4: None}),
        ("tickets_closed_count_30d", {1: 1, 2: 0, 3: 0, 4: 0}),
        ("tickets_csat_last", {1: 2, 2: None, 3: None, 4: None}),
    ],
)
def test_a_ticket_is_open_until_its_close_is_known(seen, feature, expected):
    assert seen(OPEN, "2025-02-01", feature) == expected


def test_a_category_may_be_called_like_one_of_our_own_measures(vectors):
    tables = {
        "tickets": """
        customer_id | ticket_id | opened_at  | closed_at  | category | priority
        1           | a         | 2025-01-20 | 2025-01-21 | Urgent   | low
        1           | b         | 2025-01-20 | 2025-01-21 | opened   | low
        1           | c         | 2025-01-20 | 2025-01-21 | closed   | high
        """
    }
    found = vectors(tables, ["2025-02-01"])
    assert len(set(found.names)) == len(found.names)
    assert list(found.frame.columns[2:]) == found.names
    row = found.frame.iloc[0]
    assert (row["tickets_opened_count_30d"], row["tickets_closed_count_30d"]) == (3, 3)
    assert row["tickets_urgent_count_30d"] == 1
