"""Gaps between active days, and silence against them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

USAGE = {
    "usage": """
    customer_id | occurred_at                | event
    1           | 2025-01-01                 | login
    1           | 2025-01-01 23:00           | login
    1           | 2025-01-03                 | login
    1           | 2025-01-09                 | login
    1           | 2025-02-01                 | login
    2           | 2025-01-31 23:59:59.999999 | login
    3           | 2025-01-22                 | login
    3           | 2025-01-31                 | login
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        # Gaps of 2 and 6 days: a mean of 4, which they miss by 2. The cutoff's day is not seen.
        ("usage_gap_spread", {1: 2, 2: None, 3: 0}),
        ("usage_gap_max", {1: 6, 2: None, 3: 9}),
        ("usage_silence_vs_spread", {1: (23 - 4) / 2, 2: None, 3: 1 - 9}),
        ("usage_silence_vs_longest", {1: 23 / 6, 2: None, 3: 1 / 9}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    found = seen(USAGE, "2025-02-01", feature)
    assert found == {c: None if e is None else pytest.approx(e) for c, e in expected.items()}


def test_only_what_was_paid_makes_the_rhythm_of_payments(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | status
        1           | 2025-01-01  | 10     | paid
        1           | 2025-01-05  | 10     | failed
        1           | 2025-01-11  | 10     | paid
        1           | 2025-01-30  | 10     | failed
        """
    }
    assert seen(tables, "2025-02-01", "payments_gap_max") == {1: 10}
    assert seen(tables, "2025-02-01", "payments_silence_vs_longest") == {1: pytest.approx(2.1)}


def test_a_day_that_became_known_late_parts_a_gap_from_then_on(vectors):
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2025-01-01  | login |
        1           | 2025-01-05  | login | 2025-01-25
        1           | 2025-01-15  | login |
        """
    }
    frame = vectors(tables, ["2025-01-25", "2025-01-26"]).frame
    assert frame["usage_gap_max"].tolist() == [14, 10]
    assert frame["usage_gap_spread"].tolist() == [0, 3]


def test_sums_of_gaps_are_the_same_alone_and_among_other_cutoffs(vectors):
    rows = [
        {
            "customer_id": 1,
            "occurred_at": datetime(2025, 1, 1) + timedelta(days=n * n),
            "event": "login",
        }
        for n in range(12)
    ]
    among = vectors({"usage": rows}, ["2025-02-01", "2025-03-01", "2025-06-01"]).frame
    for cutoff in ("2025-02-01", "2025-03-01", "2025-06-01"):
        alone = vectors({"usage": rows}, [cutoff]).frame
        assert among[among["cutoff"] == cutoff].to_csv(index=False) == alone.to_csv(index=False)
