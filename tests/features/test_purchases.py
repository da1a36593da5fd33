"""What is known of purchases at a cutoff, by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.plan import make_plan
from features.purchases import purchases

CUSTOMERS = """
customer_id | signed_up_at
1           | 2025-01-01
2           | 2025-01-01
3           | 2025-01-01
4           | 2025-01-01
"""
PAYMENTS = """
customer_id | occurred_at         | amount | status
1           | 2025-01-10 08:00:00 | 10     | paid
1           | 2025-01-10 09:00:00 | 10     | paid
1           | 2025-01-20 23:59:59 | 30     | paid
1           | 2025-01-20 10:00:00 | 10     | paid
1           | 2025-02-09          | 20     | paid
1           | 2025-03-01          | 999    | paid
2           | 2025-02-28 12:00:00 | 50     | paid
3           | 2025-01-05          | 80     | failed
3           | 2025-01-06          | 0      | paid
3           | 2025-01-07          | 5      | refunded
"""


@pytest.fixture
def known(read):
    def of(payments=PAYMENTS, day=date(2025, 3, 1)):
        histories = read({"customers": CUSTOMERS, "payments": payments})
        plan = make_plan(histories, windows=(30,), known_before=day)
        return purchases(histories, plan, day)

    return of


def test_days_count_from_the_first_one_strictly_before_the_cutoff(known):
    found = known()
    nan = np.nan
    assert found.repeats == pytest.approx([2, 0, nan, nan], nan_ok=True)
    assert found.recency == pytest.approx([30, 0, nan, nan], nan_ok=True)
    assert found.age == pytest.approx([50, 1, nan, nan], nan_ok=True)
    assert found.basket == pytest.approx([30, nan, nan, nan], nan_ok=True)
    assert found.bought.tolist() == [True, True, False, False]


def test_refunds_are_taken_off_baskets(known):
    """20 of the 80 that were bought went back: a quarter of each basket."""
    refund = "1 | 2025-02-10 | -20 | refunded\n"
    assert known(PAYMENTS + refund).basket[0] == pytest.approx(30 * 0.75)
    all_of_it = "1 | 2025-02-10 | 100 | refunded\n"
    assert known(PAYMENTS + all_of_it).basket[0] == 0


def test_a_row_counts_from_when_it_was_known(known):
    late = """
customer_id | occurred_at | amount | status | available_at
1           | 2025-01-10  | 10     | paid   |
1           | 2025-01-20  | 30     | paid   | 2025-02-15
1           | 2025-01-30  | 50     | paid   | 2025-03-01
"""
    found = known(late)
    assert (found.repeats[0], found.recency[0], found.basket[0]) == (1, 10, 30)
    earlier = known(late, date(2025, 2, 10))
    assert (earlier.repeats[0], earlier.recency[0]) == (0, 0)
    assert np.isnan(earlier.basket[0])


def test_nothing_later_changes_what_was_known(known):
    more = PAYMENTS + "1 | 2025-03-02 | 70 | paid\n3 | 2025-03-05 | 70 | paid\n"
    before, after = known(), known(more)
    for name in ("repeats", "recency", "age", "basket"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_without_payments_nothing_is_bought(read):
    histories = read({"customers": CUSTOMERS})
    plan = make_plan(histories, windows=(30,), known_before=date(2025, 3, 1))
    assert purchases(histories, plan, date(2025, 3, 1)) is None
