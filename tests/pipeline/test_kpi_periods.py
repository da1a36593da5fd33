"""Churn rates of periods, on tables whose answers can be counted by hand."""

from __future__ import annotations

from datetime import date, datetime

from pipeline.business import seen_until
from pipeline.kpi_periods import periods_of


def shop(there=0, left=0, new=0):
    """Subscriptions: some there since January, some of whom left in March, and new ones in it."""
    rows = [f"a{n} | a{n} | 2025-01-10 | {'2025-03-10' if n < left else ''}" for n in range(there)]
    rows += [f"b{n} | b{n} | 2025-03-20 |" for n in range(new)]
    return "customer_id | subscription_id | started_at | ended_at\n" + "\n".join(rows)


def figures(business, *args, **options):
    return {str(one.period.start): one for one in periods_of(business(*args, **options)).figures}


def test_of_a_thousand_nine_hundred_are_left_and_new_ones_do_not_count(business):
    """1,000 at the start, 900 of them at the end, 150 new: 10 % left, and not -5 %."""
    tables = {"subscriptions": shop(there=1000, left=100, new=150)}
    found = figures(business, tables, observed_until=date(2025, 4, 1))
    march = found["2025-03-01"]
    values = march.as_json()
    assert (values["customers_start"], values["churned"], values["churn_rate"]) == (1000, 100, 0.1)
    assert (values["new"], values["customers_end"]) == (150, 1050)
    assert round(values["growth_rate"], 9) == 0.05
    assert values["annualised"] == 1 - 0.9**12
    assert found["2025-02-01"].rate.value == 0


SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
stays       | 1               | 2025-01-10 |
leaves      | 2               | 2025-01-10 | 2025-02-10
returns     | 3               | 2025-01-10 | 2025-02-10
returns     | 4               | 2025-02-20 |
later       | 5               | 2025-01-10 | 2025-02-20
later       | 6               | 2025-03-05 |
visits      | 7               | 2025-02-03 | 2025-02-20
"""


def test_who_leaves_and_comes_back(business):
    """February: 4 at its start; leaves and later are gone at its end, returns is not."""
    found = figures(business, {"subscriptions": SUBSCRIPTIONS}, observed_until=date(2025, 4, 1))
    february, march = found["2025-02-01"], found["2025-03-01"]
    assert (february.rate.there, february.rate.gone, february.customers_end) == (4, 2, 2)
    assert (february.joined_and_left, february.left_and_returned) == (1, 1)
    assert (march.rate.there, march.rate.gone) == (2, 0)
    assert (march.new, march.reactivated, march.customers_end) == (0, 1, 3)


def test_a_return_within_the_grace_is_no_churn(business):
    """Later is back after 13 days: with a grace of 13 it never left."""
    tables = {"subscriptions": SUBSCRIPTIONS}
    found = figures(business, tables, observed_until=date(2025, 4, 1), grace_days=13)
    assert found["2025-02-01"].rate.gone == 1
    assert (found["2025-03-01"].rate.there, found["2025-03-01"].reactivated) == (3, 0)
    # Who left in March could still be back by April 13th.
    march = found["2025-03-01"]
    assert (march.complete, march.settled) == (True, False)
    assert found["2025-02-01"].settled


def test_quarters_and_years_look_at_their_own_borders(business):
    """By quarter nobody of January was there at its start; leaves and visits are in no rate."""
    tables = {"subscriptions": SUBSCRIPTIONS}
    (quarter,) = figures(
        business, tables, observed_until=date(2025, 4, 1), every="quarter"
    ).values()
    assert (quarter.rate.there, quarter.rate.value, quarter.new) == (0, None, 3)
    assert quarter.joined_and_left == 2
    assert quarter.why == "the histories begin later"


def test_when_all_have_left_nobody_is_there_at_the_start(business):
    tables = {"subscriptions": shop(there=3, left=3)}
    april = figures(business, tables, observed_until=date(2025, 5, 1))["2025-04-01"]
    assert (april.rate.value, april.why) == (None, "nobody was a customer at its start")


def test_a_running_period_is_marked_and_makes_no_year(business):
    """Seen up to March 10th at noon: who left that morning is gone, the month is not over."""
    tables = {"subscriptions": shop(there=10, left=1)}
    found = figures(business, tables, observed_until=datetime(2025, 3, 10, 12))
    march = found["2025-03-01"]
    assert not march.complete
    assert march.rate.value == 0.1
    assert march.as_json()["annualised"] is None
    assert found["2025-02-01"].complete
    # What is booked for after the end has not happened.
    booked = figures(business, tables, observed_until=date(2025, 3, 10))["2025-03-01"]
    assert booked.rate.gone == 0


def test_a_month_seen_up_to_the_evening_of_its_last_day_is_over(business):
    tables = {"subscriptions": shop(there=10, left=1)}
    found = figures(business, tables, observed_until=datetime(2025, 3, 31, 18))
    assert found["2025-03-01"].complete
    assert seen_until(datetime(2025, 3, 31)) == date(2025, 3, 31)


def test_periods_without_customers_have_no_rate_and_say_why(business):
    found = figures(
        business,
        {"subscriptions": shop(there=10)},
        observed_until=date(2025, 4, 1),
        first=date(2024, 12, 1),
        until=date(2025, 6, 1),
    )
    assert {start: one.why for start, one in found.items()} == {
        "2024-12-01": "the histories begin later",
        "2025-01-01": "the histories begin later",
        "2025-02-01": None,
        "2025-03-01": None,
        "2025-04-01": "the histories end before it",
        "2025-05-01": "the histories end before it",
    }
    values = found["2024-12-01"].as_json()
    assert (values["customers_start"], values["churned"], values["churn_rate"]) == (0, 0, None)
    assert values["churn_rate_low"] is values["growth_rate"] is None


def test_a_business_younger_than_the_period_is_told_so(business):
    tables = {"subscriptions": shop(there=10)}
    answer = periods_of(business(tables, observed_until=date(2025, 4, 1), every="year"))
    assert answer.notes[0] == (
        "No year here began with customers and is over: the histories tell of 2025-01-10 to "
        "2025-04-01."
    )


def test_histories_that_hold_only_who_was_still_there_are_told(business):
    """Of 100 a month 20 leave in March, nobody of as many in February: a rate of 20 % says 20."""
    tables = {"subscriptions": shop(there=100, left=20)}
    notes = periods_of(business(tables, observed_until=date(2025, 4, 1))).notes
    assert any(
        note.startswith("Nobody is on record as having left before 2025-03") for note in notes
    )
    few = {"subscriptions": shop(there=10, left=2)}
    notes = periods_of(business(few, observed_until=date(2025, 4, 1))).notes
    assert not any(note.startswith("Nobody") for note in notes)


KINDS = """
customer_id | subscription_id | started_at | ended_at   | cancelled_at | price
notice      | 1               | 2025-01-10 | 2025-02-10 | 2025-02-01   | 10
failed      | 2               | 2025-01-10 | 2025-02-10 |              | 20
unknown     | 3               | 2025-01-10 | 2025-02-10 |              | 40
first       | 4               | 2025-01-10 | 2025-02-05 | 2025-02-01   | 80
first       | 5               | 2025-02-10 | 2025-02-20 |              | 80
returns     | 6               | 2025-01-10 | 2025-02-05 | 2025-02-01   | 160
returns     | 7               | 2025-02-10 |            |              | 160
"""
PAYMENTS = "customer_id | occurred_at | amount | status\nfailed | 2025-02-10 | 20 | failed"


def test_notice_and_failed_payments_apart(business):
    """Of two departures the last counts; who is back at the end left in no way at all."""
    tables = {"subscriptions": KINDS, "payments": PAYMENTS}
    february = figures(business, tables, observed_until=date(2025, 4, 1))["2025-02-01"]
    assert february.kinds == {"payment_failure": 1, "unknown": 2, "voluntary": 1}
    (money,) = february.revenue
    assert money.by_kind == {"payment_failure": 2000, "unknown": 12000, "voluntary": 1000}
    assert sum(money.by_kind.values()) == money.movements.churned


def test_what_does_not_tell_kinds_apart_says_so(business):
    answer = periods_of(business({"subscriptions": shop(there=3)}, observed_until=date(2025, 4, 1)))
    assert all(one.kinds is None for one in answer.figures)
    assert any("cancelled_at" in note for note in answer.notes)
