"""Tickets that went badly at a cutoff: each limit on its day and the day after."""

from __future__ import annotations

from datetime import date

import pytest

from features.problems import problems_at

CUTOFF = date(2025, 3, 1)


def at_cutoff(read, opened, closed, csat=""):
    """The categories of the problems that one ticket makes."""
    tickets = f"""
    customer_id | ticket_id | opened_at | closed_at | category | csat
    x           | 1         | {opened}  | {closed}  | billing  | {csat}
    y           | 2         | 2025-01-01 | 2025-01-02 | bug | 5
    """
    found = problems_at(read({"tickets": tickets}, observed_until=date(2025, 6, 1)), [CUTOFF])
    return found.category.tolist()


@pytest.mark.parametrize(
    ("opened", "closed", "csat", "bad"),
    [
        ("2025-02-20", "", "", True),  # nine days
        ("2025-02-22", "", "", False),  # seven
        ("2025-02-20", "2025-03-20", "", True),  # open at the cutoff, whatever came later
        ("2025-02-20", "2025-02-27", "", False),  # closed after seven days
        ("2025-02-01", "2025-02-20", "", True),  # took 19 days
        ("2024-12-01", "2025-01-29", "", False),  # long ago: 31 days
        ("2024-12-01", "2025-01-30", "", True),  # 30 days
        ("2025-02-10", "2025-02-11", "2", True),  # fast, and badly
        ("2025-02-10", "2025-02-11", "3", False),
        ("2025-03-02", "", "", False),  # not opened yet
    ],
)
def test_limits(opened, closed, csat, bad, read):
    assert at_cutoff(read, opened, closed, csat) == ["billing"] * bad


def test_each_cutoff_has_its_own(read):
    tickets = "customer_id | ticket_id | opened_at | closed_at\nx | 1 | 2025-01-10 | 2025-02-10"
    histories = read({"tickets": tickets})
    found = problems_at(histories, [date(2025, 1, 1), date(2025, 2, 1), CUTOFF, date(2025, 4, 1)])
    assert found.cutoff.tolist() == [1, 2]
    assert found.category.tolist() == ["(none)"] * 2


def test_a_ticket_that_became_known_later_is_none_before(read):
    """Open since January, one on record from the evening before the cutoff, one from it on."""
    tickets = (
        "customer_id | ticket_id | opened_at | closed_at | available_at\n"
        "x | 1 | 2025-01-10 |  | 2025-02-28 20:00:00\n"
        "y | 2 | 2025-01-10 |  | 2025-03-01 00:00:00\n"
        "z | 3 | 2025-01-10 |  |"
    )
    histories = read({"tickets": tickets}, observed_until=date(2025, 6, 1))
    found = problems_at(histories, [date(2025, 2, 1), CUTOFF])
    assert list(zip(found.cutoff.tolist(), found.customer.tolist(), strict=True)) == [
        *((0, 2), (1, 0), (1, 2))
    ]


def test_without_tickets_that_close_nothing_is_told(read):
    opened = "customer_id | ticket_id | opened_at\nx | 1 | 2025-01-10"
    assert problems_at(read({"tickets": opened}), [CUTOFF]) is None
