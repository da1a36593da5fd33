"""Kinds of events: how many were used, which are kept, which are new."""

from __future__ import annotations

import pytest

USAGE = {
    "usage": """
    customer_id | occurred_at                | event
    1           | 2024-11-01                 | login
    1           | 2025-01-01 23:59:59.999999 | export
    1           | 2025-01-02                 | share
    1           | 2025-01-20                 | login
    1           | 2025-02-01                 | invite
    2           | 2025-01-31 23:59:59.999999 | export
    3           | 2024-11-01                 | invite
    4           | 2025-02-01                 | login
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("usage_breadth_ever", {1: 3, 2: 1, 3: 1, 4: 0}),
        ("usage_breadth_kept_30d", {1: 2 / 3, 2: 1, 3: 0, 4: None}),
        ("usage_new_kinds_30d", {1: 1, 2: 1, 3: 0, 4: 0}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(USAGE, "2025-02-01", feature) == expected


def test_a_first_use_that_became_known_late_makes_a_kind_old_from_then_on(vectors):
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2024-12-01  | login | 2025-02-10
        1           | 2025-01-20  | login |
        """
    }
    frame = vectors(tables, ["2025-02-01", "2025-02-11"]).frame
    assert frame["usage_new_kinds_30d"].tolist() == [1, 0]
