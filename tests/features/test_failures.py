"""Failed payments in a row."""

from __future__ import annotations

import pytest

PAYMENTS = {
    "payments": """
    customer_id | occurred_at                | amount | status
    1           | 2025-01-01                 | 10     | failed
    1           | 2025-01-04                 | 10     | failed
    1           | 2025-01-15                 | 10     | paid
    1           | 2025-01-30                 | 10     | failed
    1           | 2025-01-31                 | 10     | refunded
    1           | 2025-02-01                 | 10     | paid
    2           | 2025-01-01                 | 10     | failed
    2           | 2025-01-15                 | 10     | paid
    3           | 2025-01-20                 | 10     | paid
    3           | 2025-01-20                 | 10     | failed
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("payments_failed_run", {1: 1, 2: 0, 3: 0}),
        ("payments_failed_run_days", {1: 2, 2: None, 3: None}),
        ("payments_failed_run_max", {1: 2, 2: 1, 3: 1}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(PAYMENTS, "2025-02-01", feature) == expected


def test_a_payment_that_became_known_late_ends_the_run_only_then(vectors):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | status | available_at
        1           | 2025-01-01  | 10     | failed |
        1           | 2025-01-02  | 10     | paid   | 2025-01-25
        1           | 2025-01-10  | 10     | failed |
        """
    }
    frame = vectors(tables, ["2025-01-25", "2025-01-26"]).frame
    assert frame["payments_failed_run"].tolist() == [2, 1]
    assert frame["payments_failed_run_days"].tolist() == [24, 16]
