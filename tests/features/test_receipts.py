"""Money that came, by day and by the months it pays for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.receipts import Receipts, by_month, receipts
from features.timeline import day_number

CUTOFF = date(2025, 3, 1)
PAYMENTS = """
customer_id | occurred_at         | amount | status
1           | 2025-02-28 23:59:59 | 7      | paid
1           | 2025-03-01          | 10     | paid
1           | 2025-03-01 15:00:00 | 5      | paid
1           | 2025-03-20          | 4      | refunded
2           | 2025-03-10          | 100    | failed
2           | 2025-03-31 23:59:59 | 30     | paid
2           | 2025-04-01          | 999    | paid
"""


def test_what_came_on_the_days_from_one_up_to_another(read):
    found = receipts(read({"payments": PAYMENTS}), CUTOFF, date(2025, 4, 1))
    days = (found.day - day_number(CUTOFF)).tolist()
    rows = zip(found.customer.tolist(), days, found.net.tolist(), strict=True)
    assert list(rows) == [(0, 0, 15), (0, 19, -4), (1, 9, 0), (1, 30, 30)]


def test_no_payments_no_receipts(read):
    usage = "customer_id | occurred_at | event\n1 | 2025-01-01 | login\n"
    assert receipts(read({"usage": usage}), CUTOFF, date(2025, 4, 1)) is None


def came(*rows):
    customer, day, net = (np.array(column) for column in zip(*rows, strict=True))
    return Receipts(customer, day + day_number(CUTOFF), net.astype(float))


def months(found, customers, covers, count=3):
    return by_month(
        found, np.array(customers), CUTOFF, count, covers_days=np.array(covers), month_days=30.0
    ).tolist()


def test_money_counts_on_its_day_where_it_pays_for_none():
    found = came((0, -1, 7), (0, 0, 10), (0, 29, 5), (0, 30, 3), (1, 89, 2), (1, 90, 9), (2, 5, 1))
    assert months(found, [0, 1], [0, 0]) == [[15, 3, 0], [0, 0, 2]]


def test_who_pays_for_a_year_brings_a_twelfth_a_month():
    """Paid half a year ago: the second half of it is still to come, for three months here."""
    assert months(came((4, -180, 120)), [4], [360])[0] == pytest.approx([10, 10, 10])
    assert months(came((4, -345, 120)), [4], [360])[0] == pytest.approx([5, 0, 0])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 80), st.floats(-100, 100)), min_size=1))
def test_nothing_is_lost_or_counted_twice(rows):
    found = came(*rows)
    for covers in (0.0, 30.0, 9.5):
        total = np.sum(months(found, [3, 0, 1, 2], [covers] * 4, count=4))
        assert total == pytest.approx(sum(net for _, _, net in rows), abs=1e-6)
