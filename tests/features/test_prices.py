"""What running subscriptions bring in a month, as their versions told it then."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.prices import several_currencies, terms_of, whole_cents


@pytest.fixture
def worth(read):
    """Customer -> cents a month at each of some days."""

    def at(subscriptions, *days):
        histories = read({"subscriptions": subscriptions}, observed_until=date(2026, 1, 1))
        terms, ids = terms_of(histories), histories.customer_ids().to_pylist()
        found = [terms.at(date.fromisoformat(day), 0).tolist() for day in days]
        rows = [dict(zip(ids, row, strict=True)) for row in found]
        return rows if len(rows) > 1 else rows[0]

    return at


def test_a_year_is_twelve_months_and_subscriptions_of_a_customer_add_up(worth):
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at   | price | billing_period
    monthly     | 1               | 2025-01-01 |            | 9.99  | month
    yearly      | 2               | 2025-01-01 |            | 100   | year
    both        | 3               | 2025-01-01 |            | 9.99  | month
    both        | 4               | 2025-01-15 | 2025-02-01 | 120   | year
    unpriced    | 5               | 2025-01-01 |            |       | month
    less        | 6               | 2025-01-01 |            | -2.5  | month
    """
    first, second = worth(subscriptions, "2025-02-01", "2025-02-02")
    assert first == {
        "monthly": 999,
        "yearly": 833,  # 8.33 1/3
        "both": 999 + 1000,
        "unpriced": 0,
        "less": -250,
    }
    # It ended on the first, and is over on the second.
    assert second["both"] == 999


VERSIONS = """
customer_id | subscription_id | started_at | ended_at   | price | valid_from
a           | 1               | 2025-01-01 |            | 10    | 2025-01-05
a           | 1               | 2025-01-01 |            | 15    | 2025-03-01
a           | 1               | 2025-01-01 | 2025-05-10 | 12    | 2025-06-01
"""


PRICES = {
    "2025-01-01": 0,
    "2025-01-02": 1000,  # the first version tells of the time before it, too
    "2025-03-01": 1000,
    "2025-03-02": 1500,
    "2025-05-10": 1500,
    "2025-05-11": 0,  # the end was dated back by a version of June
    "2025-06-02": 0,
}


def test_versions_tell_the_price_that_held_then_and_the_newest_one_the_end(worth):
    found = worth(VERSIONS, *PRICES)
    assert dict(zip(PRICES, [row["a"] for row in found], strict=True)) == PRICES


def test_currencies_are_kept_apart(read):
    subscriptions = """
    customer_id | subscription_id | started_at | price | currency
    a           | 1               | 2025-01-01 | 10    | eur
    a           | 2               | 2025-01-01 | 20    | USD
    b           | 3               | 2025-01-01 | 40    |
    c           | 4               | 2025-01-01 | 80    | EUR
    """
    by_currency = {"EUR": (1000, 0, 8000), "USD": (2000, 0, 0), None: (0, 4000, 0)}
    terms = terms_of(read({"subscriptions": subscriptions}))
    for currency, cents in by_currency.items():
        place = terms.currencies.index(currency)
        assert tuple(terms.at(date(2025, 2, 1), place)) == cents


def test_the_plan_is_that_of_the_dearest_running_subscription(read):
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at   | price | plan
    a           | 1               | 2025-01-01 | 2025-02-10 | 20    | pro
    a           | 2               | 2025-01-05 |            | 10    | basic
    b           | 3               | 2025-01-01 |            | 10    |
    """
    terms = terms_of(read({"subscriptions": subscriptions}, observed_until=date(2026, 1, 1)))
    plans = (*terms.plans, None)

    def at(*day):
        return [plans[code] for code in terms.main_plan(date(*day))]

    assert at(2025, 2, 1) == ["pro", None]
    assert at(2025, 3, 1) == ["basic", None]


def test_what_runs_without_a_price_is_counted(read):
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at   | price
    a           | 1               | 2025-01-01 | 2025-02-10 |
    a           | 2               | 2025-01-05 |            | 10
    """
    terms = terms_of(read({"subscriptions": subscriptions}, observed_until=date(2026, 1, 1)))
    counts = [terms.without_price(date(2025, month, 1)) for month in (2, 3)]
    assert counts == [1, 0]


def test_without_subscriptions_or_prices(read):
    assert (
        terms_of(read({"usage": "customer_id | occurred_at | event\na | 2025-01-01 | x"})) is None
    )
    plain = "customer_id | subscription_id | started_at\na | 1 | 2025-01-01"
    terms = terms_of(read({"subscriptions": plain}))
    assert not terms.priced.any()
    assert terms.plans == ()


def test_half_a_cent_is_rounded_away_from_zero():
    amounts = np.array([9.995, -9.995, 0.005, 0.004, 1.115, 8.33333])
    assert whole_cents(amounts).tolist() == [1000, -1000, 1, 0, 112, 833]
    assert whole_cents(np.array([0.06]), 12.0).tolist() == [1]


@pytest.mark.parametrize(
    ("prices", "payments", "several"),
    [
        ("EUR, eur", "EUR,  ", True),
        ("EUR, eur ", "EUR", False),
        ("EUR", "USD", True),
        (" ", " ", False),
    ],
)
def test_currencies_of_prices_and_payments_together(prices, payments, several, read):
    """Upper and lower case are one; without one is another where some have one."""
    subscriptions = "customer_id | subscription_id | started_at | currency\n" + "\n".join(
        f"a | {n} | 2025-01-01 | {name}" for n, name in enumerate(prices.split(","))
    )
    paid = "customer_id | occurred_at | amount | status | currency\n" + "\n".join(
        f"a | 2025-01-02 | 1 | paid | {name}" for name in payments.split(",")
    )
    assert several_currencies(read({"subscriptions": subscriptions, "payments": paid})) is several
