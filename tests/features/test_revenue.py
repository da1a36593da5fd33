"""Revenue a month: the price where it is known, otherwise what was paid."""

from __future__ import annotations

from datetime import date

import pytest

from features.plan import make_plan
from features.revenue import DAYS_A_MONTH, monthly_revenue

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | price | billing_period
1           | a               | 2024-01-01 |            | 120   | year
1           | b               | 2024-01-01 |            | 5     | month
2           | c               | 2024-01-01 | 2025-01-01 | 9     | month
"""
PAYMENTS = """
customer_id | occurred_at | amount | status
1           | 2025-02-10  | 1000   | paid
2           | 2025-02-10  | 80     | paid
2           | 2025-02-12  | -30    | refunded
2           | 2025-02-15  | 500    | failed
2           | 2025-03-01  | 500    | paid
2           | 2024-02-29  | 500    | paid
3           | 2025-02-20  | 60     | paid
"""
CUSTOMERS = """
customer_id | signed_up_at
1           | 2024-01-01
2           | 2024-01-01
3           | 2025-02-20
"""


@pytest.fixture
def revenue(read, everyone):
    def of(tables):
        histories = read({"customers": CUSTOMERS, **tables})
        plan = make_plan(histories, windows=(30,), known_before=date(2025, 3, 1))
        return monthly_revenue(histories, plan, everyone(histories, [date(2025, 3, 1)]))

    return of


def test_paid_less_refunded_in_the_year_before_or_since_sign_up(revenue):
    """A customer of nine days is taken for one of thirty: one purchase is no habit."""
    found = revenue({"payments": PAYMENTS})
    assert found == pytest.approx(
        [1000 / 365 * DAYS_A_MONTH, 50 / 365 * DAYS_A_MONTH, 60 / 30 * DAYS_A_MONTH]
    )


def test_a_known_price_goes_before_payments(revenue):
    found = revenue({"payments": PAYMENTS, "subscriptions": SUBSCRIPTIONS})
    assert found == pytest.approx([15, 50 / 365 * DAYS_A_MONTH, 60 / 30 * DAYS_A_MONTH])


def test_without_payments_only_running_subscriptions_have_a_value(revenue):
    found = revenue({"subscriptions": SUBSCRIPTIONS})
    assert found == pytest.approx([15, float("nan"), float("nan")], nan_ok=True)


def test_without_prices_and_payments_nothing_is_known(revenue):
    assert revenue({}) is None
