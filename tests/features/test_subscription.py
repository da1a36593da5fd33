"""`subscriptions`: what runs at the cutoff, in the version known then, and when it is renewed."""

from __future__ import annotations

import pytest

RUNNING = """
customer_id | subscription_id | started_at          | ended_at   | plan  | price | billing_period
1           | a               | 2025-01-01          |            | basic | 10    | month
1           | b               | 2025-01-15          |            | pro   | 240   | year
2           | c               | 2025-01-01          | 2025-02-28 | basic | 10    | month
3           | d               | 2025-01-01          | 2025-03-01 | basic | 10    | month
4           | e               | 2025-02-28 12:00:00 |            | mini  |       |
5           | f               | 2025-03-01          |            | basic | 10    | month
"""


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("running_count", {1: 2, 2: 0, 3: 1, 4: 1, 5: 0}),
        # The dearest one is the main one.
        ("plan", {1: "pro", 2: None, 3: "basic", 4: "mini", 5: None}),
        ("monthly_price", {1: 30, 2: None, 3: 10, 4: None, 5: None}),
        ("is_yearly", {1: 1, 2: None, 3: 0, 4: None, 5: None}),
        ("days_since_start", {1: 45, 2: None, 3: 59, 4: 0.5, 5: None}),
        ("begun_count_ever", {1: 2, 2: 1, 3: 1, 4: 1, 5: 0}),
        ("days_since_first", {1: 59, 2: 59, 3: 59, 4: 0.5, 5: None}),
    ],
)
def test_what_runs_at_the_cutoff(seen, feature, expected):
    found = seen({"subscriptions": RUNNING}, "2025-03-01", f"subscriptions_{feature}")
    assert found == expected


VERSIONS = """
customer_id | subscription_id | started_at | plan  | price | valid_from
1           | a               | 2025-01-01 | basic | 10    |
1           | a               | 2025-01-01 | basic | 12    | 2025-02-10
1           | a               | 2025-01-01 | pro   | 30    | 2025-03-01
1           | a               | 2025-01-01 | basic | 15    | 2025-03-20
1           | a               | 2025-01-01 | basic | 12    | 2025-03-25
2           | b               | 2025-01-01 | basic | 10    |
"""


@pytest.mark.parametrize(
    ("cutoff", "feature", "expected"),
    [
        ("2025-02-10", "monthly_price", 10),
        ("2025-02-11", "monthly_price", 12),
        ("2025-03-01", "plan", "basic"),
        ("2025-03-02", "plan", "pro"),
        ("2025-03-01", "last_price_change", pytest.approx(0.2)),
        ("2025-03-01", "days_since_price_change", 19),
        # Another plan is another thing to pay for.
        ("2025-03-21", "last_price_change", pytest.approx(0.2)),
        ("2025-03-21", "days_since_price_change", 39),
        ("2025-03-26", "last_price_change", pytest.approx(-0.2)),
        ("2025-04-24", "price_change_30d", pytest.approx(-0.2)),
        ("2025-04-25", "price_change_30d", 0),
        ("2025-02-01", "last_price_change", None),
        ("2025-04-20", "running_count", 1),
        ("2025-04-20", "begun_count_ever", 1),
    ],
)
def test_the_version_that_holds_at_the_cutoff_counts(cutoff, feature, expected, seen):
    found = seen({"subscriptions": VERSIONS}, cutoff, f"subscriptions_{feature}")
    assert found[1] == expected


def test_to_be_billed_by_the_year_is_no_rise(seen):
    """From 10 a month to 100 a year is none; from 100 a year to 110 a year is one of 10 %."""
    rows = """
    customer_id | subscription_id | started_at | price | billing_period | valid_from
    1           | a               | 2025-01-01 | 10    | month          |
    1           | a               | 2025-01-01 | 100   | year           | 2025-02-01
    2           | b               | 2025-01-01 | 10    | month          |
    2           | b               | 2025-01-01 | 100   | year           | 2025-02-01
    2           | b               | 2025-01-01 | 110   | year           | 2025-02-10
    3           | c               | 2025-01-01 | 10    |                |
    3           | c               | 2025-01-01 | 12    | month          | 2025-02-01
    """
    found = seen({"subscriptions": rows}, "2025-03-01", "subscriptions_last_price_change")
    assert found == {1: None, 2: pytest.approx(0.1), 3: pytest.approx(0.2)}


NOTICE = """
customer_id | subscription_id | started_at | ended_at   | cancelled_at
1           | a               | 2025-01-01 | 2025-03-31 | 2025-02-28 23:59:59.999999
2           | b               | 2025-01-01 | 2025-03-31 | 2025-03-01
3           | c               | 2025-01-01 | 2025-03-31 |
4           | d               | 2025-01-01 |            |
"""


def test_an_end_is_known_before_it_comes_only_where_notice_was_given(seen):
    def at_cutoff(feature):
        return seen({"subscriptions": NOTICE}, "2025-03-01", f"subscriptions_{feature}")

    assert at_cutoff("notice_given") == {1: 1, 2: 0, 3: 0, 4: 0}
    assert at_cutoff("days_to_known_end") == {1: 30, 2: None, 3: None, 4: None}


@pytest.mark.parametrize(
    ("started_at", "period", "cutoff", "expected"),
    [
        ("2025-01-15", "month", "2025-03-01", 14),
        ("2025-01-15", "month", "2025-03-15", 0),
        ("2025-01-15", "month", "2025-03-16", 30),
        ("2025-01-15 18:00", "month", "2025-03-15", 0),
        # The first term is not over.
        ("2025-02-27", "month", "2025-03-01", 26),
        # A term that began on the 31st is renewed on the last day of a shorter month.
        ("2025-01-31", "month", "2025-02-27", 1),
        ("2025-01-31", "month", "2025-03-01", 30),
        ("2024-02-29", "year", "2025-02-20", 8),
        ("2024-05-01", "year", "2025-03-01", 61),
        ("2024-05-01", "", "2025-03-01", None),
    ],
)
def test_days_to_renewal_follow_the_billing_period(started_at, period, cutoff, expected, seen):
    tables = {
        "subscriptions": f"""
        customer_id | subscription_id | started_at   | billing_period
        1           | a               | {started_at} | {period}
        9           | z               | 2020-01-01   | month
        """
    }
    assert seen(tables, cutoff, "subscriptions_days_to_renewal")[1] == expected


RENEWALS = """
customer_id | subscription_id | started_at | renews_at  | auto_renew | billing_period | valid_from
1           | a               | 2025-02-01 | 2025-04-02 | true       | month          | 2025-02-01
2           | b               | 2025-02-01 | 2025-04-02 | false      | month          | 2025-02-01
3           | c               | 2025-02-01 | 2025-02-20 | false      | month          | 2025-02-01
4           | d               | 2025-02-01 |            |            | month          | 2025-02-01
"""


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("days_to_renewal", {1: 32, 2: 32, 3: 0, 4: 0}),
        ("renewal_overdue", {1: 0, 2: 0, 3: 1, 4: None}),
        ("auto_renew", {1: 1, 2: 0, 3: 0, 4: None}),
        ("days_to_end_unless_renewed", {1: None, 2: 32, 3: 0, 4: None}),
    ],
)
def test_a_renewal_that_the_table_tells_goes_before_the_billing_period(seen, feature, expected):
    found = seen({"subscriptions": RENEWALS}, "2025-03-01", f"subscriptions_{feature}")
    assert found == expected


def test_without_versions_the_renewal_of_the_export_is_not_believed(seen):
    """Whoever stayed has a later date by now: that would tell who stayed."""
    unversioned = """
    customer_id | subscription_id | started_at | ended_at   | renews_at  | billing_period
    leaves      | a               | 2024-06-15 | 2025-06-15 | 2025-06-15 | year
    stays       | b               | 2024-06-15 |            | 2026-06-15 | year
    """
    found = seen({"subscriptions": unversioned}, "2025-06-01", "subscriptions_days_to_renewal")
    assert found == {"leaves": 14, "stays": 14}


def test_a_term_runs_from_its_first_day_to_the_next(seen):
    for cutoff, phase in [("2025-02-02", 1 / 28), ("2025-02-15", 0.5), ("2025-03-01", 1)]:
        tables = {"subscriptions": RENEWALS.replace("2025-04-02", "          ")}
        found = seen(tables, cutoff, "subscriptions_term_phase")
        assert found[4] == pytest.approx(phase)
