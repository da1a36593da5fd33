"""What was collected: paid less refunds, by customer, month and currency."""

from __future__ import annotations

from datetime import date

import pytest

from features.collected import collected_of

PAYMENTS = """
customer_id | occurred_at         | amount | status
a           | 2025-01-01          | 9.99   | paid
a           | 2025-01-31 23:59:59 | 0.01   | paid
a           | 2025-02-01          | 5      | paid
a           | 2025-02-02          | 8      | refunded
b           | 2025-01-10          | 7      | failed
b           | 2025-01-11          | -3     | refunded
b           | 2025-02-11          | -2     | paid
"""


@pytest.fixture
def collected(read):
    return lambda text: collected_of(read({"payments": text}))


def test_paid_less_refunds_by_customer_and_month(collected):
    """A refund goes back with either sign; what is paid below zero went back as well."""
    found = collected(PAYMENTS)
    january = found.between(date(2025, 1, 1), date(2025, 2, 1), 0)
    february = found.between(date(2025, 2, 1), date(2025, 3, 1), 0)
    assert january.tolist() == [1000, -300]
    assert february.tolist() == [-300, -200]
    both = found.between(date(2025, 1, 1), date(2025, 3, 1), 0)
    assert both.tolist() == [700, -500]


def test_who_had_paid_before_a_month(collected):
    found = collected(PAYMENTS)
    assert found.paid_before(date(2025, 1, 1), 0).tolist() == [False, False]
    assert found.paid_before(date(2025, 2, 1), 0).tolist() == [True, False]


def test_currencies_are_kept_apart(collected):
    found = collected("""
    customer_id | occurred_at | amount | currency
    a           | 2025-01-01  | 1      | EUR
    a           | 2025-01-02  | 2      | usd
    a           | 2025-01-03  | 4      | Eur
    """)
    assert found.currencies == ("EUR", "USD")
    january = (date(2025, 1, 1), date(2025, 2, 1))
    assert [found.between(*january, n).tolist() for n in (0, 1)] == [[500], [200]]


def test_without_payments_there_is_nothing(read):
    usage = "customer_id | occurred_at | event\na | 2025-01-01 | x"
    assert collected_of(read({"usage": usage})) is None
