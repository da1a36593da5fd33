"""Tickets after failed payments."""

from __future__ import annotations

import pytest

TABLES = {
    "payments": """
    customer_id | occurred_at         | amount | status
    1           | 2025-01-10          | 10     | failed
    2           | 2025-01-10          | 10     | paid
    3           | 2025-01-10 12:00:00 | 10     | failed
    """,
    "tickets": """
    customer_id | ticket_id | opened_at
    1           | a         | 2025-01-09
    1           | b         | 2025-01-10
    1           | c         | 2025-01-24
    1           | d         | 2025-01-24 00:00:00.000001
    2           | e         | 2025-01-11
    3           | f         | 2025-02-01
    """,
}


def test_what_small_tables_say(seen):
    found = seen(TABLES, "2025-02-01", "tickets_after_failure_count_30d")
    assert found == {1: 2, 2: 0, 3: 0}


@pytest.mark.parametrize("alone", ["payments", "tickets"])
def test_one_table_alone_makes_no_pairs(vectors, alone):
    names = vectors({alone: TABLES[alone]}, ["2025-02-01"]).names
    assert "tickets_after_failure_count_30d" not in names
