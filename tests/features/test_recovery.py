"""Failed invoices and how they ended, from small visible tables."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.churn import NEVER, Definition
from features.recovery import failed_invoices, next_of

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
pays        | 1               | 2025-01-01 |
left        | 2               | 2025-01-01 | 2025-02-09
open        | 3               | 2025-01-01 |
never       | 4               | 2025-01-01 |
part        | 7               | 2025-01-01 |
back        | 5               | 2025-01-01 | 2025-02-09
back        | 6               | 2025-02-20 |
"""
PAYMENTS = """
customer_id | occurred_at         | amount | status   | invoice_id | method
pays        | 2025-02-01 10:00:00 | 9      | failed   | A          | card
pays        | 2025-02-04 09:00:00 | 9      | failed   | A          | card
pays        | 2025-02-08 09:00:00 | 9      | paid     | A          | card
pays        | 2025-02-09 09:00:00 | 9      | refunded | A          | card
pays        | 2025-03-01 10:00:00 | 9      | paid     | B          | card
left        | 2025-02-01 10:00:00 | 5      | failed   | C          | debit
left        | 2025-02-04 10:00:00 | 5      | failed   | C          | debit
open        | 2025-03-01 10:00:00 | 7      | failed   | D          | card
open        | 2025-03-05 10:00:00 | 7      | paid     | E          | card
never       | 2025-02-01 10:00:00 | 7      | paid     | F          | card
part        | 2025-02-01 10:00:00 | 4      | paid     | H          | card
part        | 2025-02-05 10:00:00 | 4      | failed   | H          | card
part        | 2025-02-07 10:00:00 | 4      | paid     | H          | card
back        | 2025-02-01 10:00:00 | 3      | failed   | G          |
back        | 2025-02-25 10:00:00 | 3      | paid     | G          |
"""
END = date(2025, 3, 11)


def ended(histories, definition=Definition()):  # noqa: B008
    """Customer -> (days, recovered, left, attempt, tried, method) of each failed invoice."""
    found = failed_invoices(histories, definition)
    ids = histories.customer_ids().to_pylist()
    columns = (found.days, found.recovered, found.left, found.attempt, found.tried, found.method)
    rows = zip(*(one.tolist() for one in columns), strict=True)
    return [(ids[n], *row) for n, row in zip(found.customer, rows, strict=True)]


def test_invoices_by_name(read):
    histories = read({"subscriptions": SUBSCRIPTIONS, "payments": PAYMENTS}, observed_until=END)
    assert sorted(ended(histories)) == [
        # Left on the 9th, eight days after it failed; what was paid after coming back is too late.
        ("back", 8, False, True, 0, 2, "(none)"),
        ("left", 8, False, True, 0, 2, "debit"),
        # Another invoice that is paid does not settle this one: ten days up to the end.
        ("open", 10, False, False, 0, 1, "card"),
        # Its first part was paid before anything failed.
        ("part", 2, True, False, 2, 2, "card"),
        # The third attempt, a week later; the refund is none.
        ("pays", 7, True, False, 3, 3, "card"),
    ]


def test_without_names_a_run_of_failures_up_to_the_next_payment_is_one(read):
    payments = """
    customer_id | occurred_at | amount | status
    pays        | 2025-02-01  | 9      | failed
    pays        | 2025-02-04  | 9      | failed
    pays        | 2025-02-08  | 9      | paid
    pays        | 2025-03-01  | 9      | failed
    pays        | 2025-03-02  | 9      | paid
    """
    histories = read({"subscriptions": SUBSCRIPTIONS, "payments": payments}, observed_until=END)
    assert ended(histories) == [
        ("pays", 7, True, False, 3, 3, "(none)"),
        ("pays", 1, True, False, 2, 2, "(none)"),
    ]


@pytest.mark.parametrize("kind", ["event", "inactivity"])
def test_departures_of_other_definitions(kind, read):
    """The business wrote down that the customer left; silence has no day on which anybody left."""
    payments = "customer_id | occurred_at | amount | status\nx | 2025-02-01 | 9 | failed"
    tables = {"payments": payments, "churned": "customer_id | churned_at\nx | 2025-02-11"}
    histories = read(tables, observed_until=END)
    found = ended(histories, Definition(kind=kind))
    assert found == [("x", 10, False, True, 0, 1, "(none)") if kind == "event" else
                     ("x", 38, False, False, 0, 1, "(none)")]  # fmt: skip


def test_without_failures_there_is_nothing(read):
    paid = "customer_id | occurred_at | amount | status\npays | 2025-02-01 | 9 | paid"
    assert failed_invoices(read({"payments": paid}), Definition()) is None
    assert failed_invoices(read({"subscriptions": SUBSCRIPTIONS}), Definition()) is None


def test_money_that_goes_back_settles_nothing(read):
    """The credit note of the 3rd is no payment: it takes until the 8th."""
    payments = """
    customer_id | occurred_at | amount | status
    pays        | 2025-02-01  | 9      | failed
    pays        | 2025-02-03  | -4     | paid
    pays        | 2025-02-08  | 9      | paid
    """
    histories = read({"subscriptions": SUBSCRIPTIONS, "payments": payments}, observed_until=END)
    assert ended(histories) == [("pays", 7, True, False, 2, 2, "(none)")]


def test_the_next_departure_of_the_last_of_ten_million_customers():
    """Of two of a customer the one at or after the day; no number is too large for that."""
    owner, left = np.array([9_999_999, 9_999_999, 3]), np.array([100, 300, 200])
    asked = np.array([9_999_999, 9_999_999, 9_999_999, 3, 4])
    found = next_of(owner, left, asked, np.array([100, 101, NEVER, 200, 0]))
    assert found.tolist() == [100, 300, NEVER, 200, NEVER]
