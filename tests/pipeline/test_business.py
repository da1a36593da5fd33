"""Which periods the histories allow, and who is a customer at a border."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from features.errors import UsageError
from pipeline.business import Question, seen_until

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
a           | 1               | 2025-01-20 | 2025-03-20
b           | 2               | 2025-02-20 |
"""


def test_by_default_from_the_first_customers_to_the_end_of_the_histories(business):
    tables = {
        "subscriptions": SUBSCRIPTIONS,
        # What was counted before there were customers makes no period.
        "usage": "customer_id | occurred_at | event\na | 2024-06-01 | x\na | 2025-04-02 | x",
    }
    asked = business(tables)
    assert [str(one.start) for one in asked.periods] == [
        *("2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01")
    ]
    assert asked.seen_until == date(2025, 4, 2)
    # Of days to come nothing is known: they are as the last one.
    assert asked.at(date(2030, 1, 1)).tolist() == [False, True]


def test_a_day_is_seen_from_its_end_on():
    assert seen_until(datetime(2025, 3, 31)) == date(2025, 3, 31)
    assert seen_until(datetime(2025, 3, 31, 0, 0, 1)) == date(2025, 4, 1)


def test_by_inactivity_from_the_first_activity_on(business):
    usage = "customer_id | occurred_at | event\na | 2025-02-10 | x\na | 2025-03-02 | x"
    customers = "customer_id | signed_up_at\na | 2024-01-01"
    tables = {"usage": usage, "customers": customers}
    asked = business(tables, kind="inactivity", activity=("usage",), active_days=10)
    assert asked.begins == asked.histories.observed_from.date()
    assert [asked.at(date(2025, 2, day)).any() for day in (10, 11, 20, 21)] == [
        *(False, True, True, False)
    ]


def test_ancient_dates_make_no_more_periods_than_can_be_read(business):
    rows = SUBSCRIPTIONS + "c | 3 | 1800-01-01 |\n"
    asked = business({"subscriptions": rows}, observed_until=date(2025, 4, 1))
    assert len(asked.periods) < 1200
    assert asked.periods[-1].start == date(2025, 3, 1)


def test_a_few_stray_dates_make_no_periods(business):
    usual = "".join(f"d{n} | d{n} | 2025-01-{n % 28 + 1:02} |\n" for n in range(120))
    rows = SUBSCRIPTIONS.lstrip("\n") + usual + "c | 3 | 1990-01-01 |\n"
    asked = business({"subscriptions": rows}, observed_until=date(2025, 4, 1))
    assert (asked.begins, asked.periods[0].start) == (date(2025, 1, 1), date(2025, 1, 1))


def test_nonsense_is_refused_before_anything_is_read():
    with pytest.raises(UsageError, match="no periods"):
        Question(every="decade").refuse_odd()
    with pytest.raises(UsageError, match="does not lie before"):
        Question(first=date(2025, 2, 1), until=date(2025, 1, 1)).refuse_odd()
