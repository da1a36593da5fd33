"""Cohorts on tables whose cells can be counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from pipeline.kpi_cohorts import cohorts_of

SUBSCRIPTIONS = """
customer_id   | subscription_id | started_at | ended_at   | price | billing_period
from january  | 1               | 2025-01-01 |            | 10    | month
leaves        | 2               | 2025-01-10 | 2025-03-10 | 10    | month
leaves soon   | 3               | 2025-01-10 | 2025-01-20 | 10    | month
from february | 4               | 2025-02-10 |            | 120   | year
comes back    | 5               | 2025-02-10 | 2025-02-20 | 10    | month
comes back    | 6               | 2025-03-10 |            | 30    | month
not over      | 7               | 2025-04-05 |            | 10    | month
"""
UNTIL = date(2025, 4, 15)


def rows_of(found, table=0):
    return dict(zip(map(str, found.months), found.rows[table], strict=True))


def test_who_is_left_at_the_first_of_each_month_after(business):
    """January: of three, two at 02-01 and 03-01, one at 04-01. February: one returns in March."""
    found = cohorts_of(business({"subscriptions": SUBSCRIPTIONS}, observed_until=UNTIL))
    rows = rows_of(found)
    assert rows["2025-01-01"].kept == (1, 2 / 3, 2 / 3, 1 / 3)
    assert rows["2025-02-01"].kept == (1, 1 / 2, 1)
    assert (rows["2025-03-01"].customers, rows["2025-03-01"].kept) == (0, (None, None))
    assert list(rows) == ["2025-01-01", "2025-02-01", "2025-03-01"]
    assert found.mean == (1, 3 / 5, 4 / 5, 1 / 3)


def test_recurring_money_by_that_at_the_first_border(business):
    """January 20 a month, then 20, then 10; February 10 a month by the year, then 40."""
    found = cohorts_of(business({"subscriptions": SUBSCRIPTIONS}, observed_until=UNTIL))
    rows = rows_of(found)
    assert found.basis == "mrr"
    assert rows["2025-01-01"].money == (None, 1, 1, 0.5)
    assert rows["2025-02-01"].money == (None, 1, 4)


def test_a_subscription_that_runs_on_for_somebody_who_left_brings_nothing(business):
    """Two of 10 a month come in January; one is recorded as churned in February, and runs on."""
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at | price
    a           | 1               | 2025-01-01 |          | 10
    b           | 2               | 2025-01-01 |          | 10
    """
    tables = {
        "subscriptions": subscriptions,
        "churned": "customer_id | churned_at\nb | 2025-02-10",
    }
    found = cohorts_of(business(tables, observed_until=UNTIL, kind="event"))
    january = rows_of(found)["2025-01-01"]
    assert january.kept == (1, 1, 0.5, 0.5)
    assert january.money == (None, 1, 0.5, 0.5)


def test_collected_money_of_a_cohort(business):
    """Came in February by their first payments: 40 in March, nothing in April."""
    payments = """
    customer_id | occurred_at | amount | status
    early       | 2025-01-01  | 5      | paid
    a           | 2025-02-05  | 10     | paid
    a           | 2025-03-05  | 40     | paid
    b           | 2025-02-05  | 10     | paid
    a           | 2025-04-05  | 10     | paid
    a           | 2025-05-20  | 10     | paid
    """
    options = {"kind": "inactivity", "activity": ("payments",), "active_days": 60}
    found = cohorts_of(business({"payments": payments}, **options))
    rows = rows_of(found)
    assert rows["2025-02-01"].customers == 2
    assert rows["2025-02-01"].money == (None, 1, 0.25, None)


def test_without_money_there_are_only_customers(business):
    plain = "\n".join(" | ".join(line.split("|")[:4]) for line in SUBSCRIPTIONS.strip().split("\n"))
    found = cohorts_of(business({"subscriptions": plain}, observed_until=UNTIL))
    assert found.basis is None
    assert found.as_json()["cohorts"][0]["revenue"] == []
    assert rows_of(found)["2025-01-01"].kept == (1, 2 / 3, 2 / 3, 1 / 3)


def test_customers_from_before_the_record_are_in_no_cohort(business):
    """The record begins with the second of January, so its first whole month is February."""
    later = SUBSCRIPTIONS.replace("2025-01-01", "2025-01-02")
    found = cohorts_of(business({"subscriptions": later}, observed_until=UNTIL))
    assert str(found.months[0]) == "2025-02-01"
    assert any(note.startswith("3 customers came before 2025-02-01") for note in found.notes)


def test_a_business_younger_than_a_month_has_no_cohort(business):
    young = "customer_id | subscription_id | started_at | ended_at\na | 1 | 2025-04-03 |"
    found = cohorts_of(business({"subscriptions": young}, observed_until=UNTIL))
    assert found.months == ()
    assert "whole month" in found.notes[0]
    assert found.as_json()["cohorts"] == []


def test_cells_are_the_customers_of_each_border(business):
    """Of 80 draws with pauses: each cell times the cohort's size is a count of `Business.at`."""
    random, rows = np.random.default_rng(5), []
    for n in range(80):
        day = date(2025, 1, 1) + timedelta(days=int(random.integers(0, 150)))
        for part in range(int(random.integers(1, 4))):
            end = day + timedelta(days=int(random.geometric(0.02)))
            rows.append(f"{n} | {n}-{part} | {day} | {end if end < date(2025, 8, 1) else ''}")
            day = end + timedelta(days=int(random.integers(0, 60)))
    text = "customer_id | subscription_id | started_at | ended_at\n" + "\n".join(rows)
    one = business({"subscriptions": text}, observed_until=date(2025, 8, 1))
    found = cohorts_of(one)
    firsts = [*found.months[1:], date(2025, 8, 1)]
    first = one.spells.first.astype("datetime64[D]").astype("datetime64[M]")
    for n, (month, row) in enumerate(zip(found.months, found.rows[0], strict=True)):
        members = first == np.datetime64(month, "M")
        counts = [int((one.at(day) & members).sum()) for day in firsts[n:]]
        assert row.customers == members.sum()
        if row.customers:
            assert [round(share * row.customers) for share in row.kept[1:]] == counts


def test_an_ancient_date_is_no_reason_to_tell_no_cohorts(business):
    """Since 1800 there are more months than periods may be; the newest 120 are told."""
    rows = SUBSCRIPTIONS + "ancient | 8 | 1800-01-01 | | 10 | month\n"
    found = cohorts_of(business({"subscriptions": rows}, observed_until=UNTIL))
    assert (len(found.months), found.months[-1]) == (120, date(2025, 3, 1))
    assert rows_of(found)["2025-01-01"].kept == (1, 2 / 3, 2 / 3, 1 / 3)
