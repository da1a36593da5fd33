"""`payments`: amounts, failures, lateness and rhythm."""

from __future__ import annotations

from datetime import datetime

import pytest

SHARES = {
    "payments": """
    customer_id | occurred_at         | amount | status   | due_at
    1           | 2025-01-05          | 20     | paid     | 2025-01-05 18:00:00
    1           | 2025-01-12          | 20     | paid     | 2025-01-08
    1           | 2025-01-19          | 20     | failed   | 2025-01-19
    2           | 2025-01-05          | 30     | failed   |
    2           | 2025-01-06          | 30     | paid     |
    2           | 2025-01-09          | 30     | refunded |
    3           | 2024-01-05          | 50     | paid     |
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("payments_paid_sum_30d", {1: 40, 2: 30, 3: 0}),
        ("payments_failed_share_30d", {1: 1 / 3, 2: 0.5, 3: None}),
        ("payments_late_share_30d", {1: 0.5, 2: None, 3: None}),
        ("payments_days_late_max_30d", {1: 4, 2: None, 3: None}),
        ("payments_last_failed", {1: 1, 2: 0, 3: 0}),
        ("payments_refunded_share_ever", {1: 0, 2: 1, 3: 0}),
        ("payments_days_since_last", {1: 20, 2: 26, 3: 393}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(SHARES, "2025-02-01", feature) == expected


def test_without_a_status_every_row_is_paid(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount
        1           | 2025-01-05  | 20
        1           | 2025-01-06  | 22.5
        """
    }
    assert seen(tables, "2025-02-01", "payments_paid_sum_30d") == {1: 42.5}
    assert seen(tables, "2025-02-01", "payments_failed_count_30d") == {1: 0}


def test_the_last_amount_is_the_last_one_paid_whichever_became_known_last(vectors):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | available_at
        1           | 2025-01-05  | 10     | 2025-01-25
        1           | 2025-01-20  | 30     |
        """
    }
    frame = vectors(tables, ["2025-01-22", "2025-02-01"]).frame
    assert frame["payments_last_amount_vs_own"].tolist() == [30 / 30, 30 / 20]


def test_methods_are_shares_of_all_payments(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | method
        1           | 2025-01-05  | 10     | Card
        1           | 2025-01-06  | 10     | Card
        1           | 2025-01-07  | 10     | direct debit
        1           | 2025-01-08  | 10     |
        """
    }
    assert seen(tables, "2025-02-01", "payments_method_card_share") == {1: 0.5}
    assert seen(tables, "2025-02-01", "payments_method_direct_debit_share") == {1: 0.25}


def test_sums_of_cents_do_not_depend_on_which_other_cutoffs_are_asked_for(vectors):
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 1, day), "amount": 0.1}
        for day in range(1, 31)
    ]
    every_day = [f"2025-01-{day:02}" for day in range(2, 32)]
    alone = vectors({"payments": rows}, ["2025-01-31"]).frame
    together = vectors({"payments": rows}, every_day).frame
    column = "payments_paid_sum_30d"
    assert together[column].iloc[-1] == alone[column].iloc[0] == 3.0
