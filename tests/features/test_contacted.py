"""Contacts as an experiment: who counts, who does not, and what came of it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from features.churn import Definition
from features.contacted import contacted, contacted_within, paid_after
from features.plan import make_plan
from features.points import UNKNOWN
from features.vectors import build_vectors

CUSTOMERS = "customer_id | signed_up_at\n" + "\n".join(f"{n} | 2024-01-01" for n in range(1, 7))
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
1           | 1               | 2024-01-01 |
2           | 2               | 2024-01-01 | 2025-02-10
3           | 3               | 2024-01-01 | 2025-01-20
4           | 4               | 2024-01-01 | 2025-03-02
5           | 5               | 2024-01-01 | 2025-03-03
6           | 6               | 2024-01-01 |
"""
HEAD = "customer_id | occurred_at | campaign | action | group\n"
USAGE = "customer_id | occurred_at | event\n1 | 2025-04-30 23:00:00 | login"


@pytest.fixture
def cohort(read):
    def of(contacts, *, definition=None, observed_until=date(2025, 5, 1)):
        tables = {
            "customers": CUSTOMERS,
            "subscriptions": SUBSCRIPTIONS,
            "usage": USAGE,
            "contacts": HEAD + contacts,
        }
        histories = read(tables, observed_until=observed_until)
        return contacted(histories, definition or Definition(horizon_days=30))

    return of


def told(found):
    """By customer (from 1) and campaign: group and what came of it."""
    return {
        (int(row.customer) + 1, row.campaign): (
            "treated" if row.treated else "holdout",
            int(row.churned),
        )
        for row in found.rows.itertuples()
    }


def test_churned_is_who_leaves_within_the_horizon_of_the_day(cohort):
    """From 2025-02-01 the window of 30 days ends before 2025-03-03."""
    found = cohort(
        "1 | 2025-02-01 09:00:00 | a | call | treated\n"
        "2 | 2025-02-01 17:00:00 | a | call | holdout\n"
        "4 | 2025-02-01 00:00:00 | a | call | treated\n"
        "5 | 2025-02-01 23:59:59 | a | call | holdout\n"
    )
    assert told(found) == {
        (1, "a"): ("treated", 0),
        (2, "a"): ("holdout", 1),
        (4, "a"): ("treated", 1),
        (5, "a"): ("holdout", 0),
    }
    assert found.left_out == {}


def test_a_lead_is_over_when_the_contact_is_made(cohort):
    found = cohort(
        "2 | 2025-02-01 | a | call | treated",
        definition=Definition(horizon_days=30, lead_days=20),
    )
    assert told(found) == {(2, "a"): ("treated", 1)}


def test_who_was_no_customer_then_is_left_out_and_counted(cohort):
    found = cohort("3 | 2025-02-01 | a | call | treated\n1 | 2025-02-01 | a | call | holdout")
    assert told(found) == {(1, "a"): ("holdout", 0)}
    assert found.left_out == {"not_active": 1}


def test_what_has_not_matured_is_unknown(cohort):
    found = cohort("1 | 2025-04-15 | a | call | treated\n6 | 2025-04-01 | b | call | treated")
    assert told(found) == {(6, "b"): ("treated", 0), (1, "a"): ("treated", UNKNOWN)}
    assert found.matured.tolist() == [True, False]


def test_a_customer_counts_once_in_a_campaign_and_in_one_group(cohort):
    found = cohort(
        "1 | 2025-02-01 | a | call | treated\n"
        "1 | 2025-02-20 | a | gift | treated\n"
        "2 | 2025-02-01 | a | call | treated\n"
        "2 | 2025-02-02 | a | call | holdout\n"
    )
    assert told(found) == {(1, "a"): ("treated", 0)}
    assert found.rows["action"].tolist() == ["call"]
    assert found.left_out == {"in_both_groups": 2, "repeated": 1}


def test_who_is_in_the_window_of_another_contact_is_left_out_of_the_later_campaign(cohort):
    """Customer 1 was contacted 28 days before; 5 was held out then; 6 a whole horizon before."""
    found = cohort(
        "1 | 2025-02-01 | a | call | treated\n"
        "5 | 2025-02-01 | a | call | holdout\n"
        "6 | 2025-01-30 | a | call | treated\n"
        "1 | 2025-03-01 | b | call | treated\n"
        "5 | 2025-03-01 | b | call | treated\n"
        "6 | 2025-03-01 | b | call | holdout\n"
    )
    assert set(told(found)) == {(1, "a"), (5, "a"), (6, "a"), (5, "b"), (6, "b")}
    assert found.left_out == {"overlapping_campaign": 1}
    # What comes after the assignment takes nobody out, but it is told.
    assert found.contacted_again == {"treated": 1, "holdout": 1}


def test_two_campaigns_on_one_day_cannot_be_told_apart(cohort):
    found = cohort("1 | 2025-02-01 | a | call | treated\n1 | 2025-02-01 | b | call | holdout")
    assert len(found) == 0
    assert found.left_out == {"overlapping_campaign": 2}
    assert len(found.points) == 0


def test_contacts_that_count_for_no_campaign_were_made_all_the_same(cohort):
    """Called twice by one campaign, or in both groups of it: the next one comes on top."""
    found = cohort(
        "1 | 2025-01-10 | a | call | treated\n"
        "1 | 2025-02-10 | a | call | treated\n"
        "2 | 2025-02-05 | c | call | treated\n"
        "2 | 2025-02-06 | c | call | holdout\n"
        "6 | 2025-02-20 | b | call | holdout\n"
        "6 | 2025-02-21 | a | call | treated\n"
        "6 | 2025-02-23 | a | call | holdout\n"
        "1 | 2025-03-01 | b | call | treated\n"
        "2 | 2025-02-07 | b | call | treated\n"
    )
    assert set(told(found)) == {(1, "a"), (6, "b")}
    assert found.left_out == {"in_both_groups": 4, "repeated": 1, "overlapping_campaign": 2}
    assert found.contacted_again == {"treated": 0, "holdout": 1}
    assert found.every_contact["customer"].tolist() == [0, 1, 1, 0, 5, 0]


def test_rows_that_do_not_count_are_told_by_campaign(cohort):
    found = cohort(
        "3 | 2025-02-01 | a | call | treated\n"
        "1 | 2025-02-01 | a | call | treated\n"
        "1 | 2025-02-02 | a | call | treated\n"
        "3 | 2025-02-01 | b | call | treated\n"
    )
    assert found.left_out_of == {
        "a": {"repeated": 1, "overlapping_campaign": 1},
        "b": {"overlapping_campaign": 1},
    }
    assert found.left_out == {"repeated": 1, "overlapping_campaign": 2}
    alone = found.of_campaign("b")
    assert (len(alone), alone.left_out) == (0, {"overlapping_campaign": 1})


def test_only_contacts_made_and_known_before_a_day_count(read):
    """Customer 2 was entered late, 4 was called on the day itself, 5's time of entry is unknown."""
    contacts = """customer_id | occurred_at | campaign | action | group | available_at
    1 | 2025-02-01 | a | call | treated | 2025-02-28 23:59:59
    2 | 2025-02-01 | a | call | treated | 2025-03-01 00:00:00
    4 | 2025-03-01 | a | call | treated |
    5 | 2025-02-01 | a | call | holdout |
    6 | 2025-02-28 | a | call | holdout | 2025-02-28 12:00:00"""
    tables = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS}
    rows = "\n".join(line.strip() for line in contacts.splitlines())
    histories = read({**tables, "contacts": rows}, observed_until=date(2025, 5, 1))
    definition = Definition(horizon_days=30)
    found = contacted(histories, definition, known_before=date(2025, 3, 1))
    assert {customer for customer, _ in told(found)} == {1, 5, 6}
    assert {customer for customer, _ in told(contacted(histories, definition))} == {1, 2, 4, 5, 6}


def test_a_campaign_that_calls_again_is_not_another_one(cohort):
    found = cohort("1 | 2025-02-01 | a | call | treated\n1 | 2025-02-20 | a | call | treated")
    assert found.contacted_again == {"treated": 0, "holdout": 0}


def test_without_contacts_there_is_nothing(read):
    histories = read({"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS})
    assert contacted(histories, Definition()) is None


def test_the_points_are_the_customers_at_the_beginning_of_their_days(cohort):
    found = cohort("6 | 2025-02-01 | a | call | treated\n1 | 2025-03-01 | b | call | treated")
    points = found.points
    assert points.cutoffs == (date(2025, 2, 1), date(2025, 3, 1))
    assert points.points.customer.tolist() == [5, 0]
    assert points.points.cutoff.tolist() == [0, 1]


def test_paid_after_counts_from_the_day_on_to_before_its_end(read):
    payments = """
    customer_id | occurred_at         | amount | status
    1           | 2025-01-31 23:59:59 | 1      | paid
    1           | 2025-02-01          | 10     | paid
    1           | 2025-03-02 23:59:59 | 100    | paid
    1           | 2025-03-03          | 1000   | paid
    1           | 2025-02-05          | 5      | failed
    1           | 2025-02-06          | 3      | refunded
    """
    tables = {
        "customers": CUSTOMERS,
        "subscriptions": SUBSCRIPTIONS,
        "payments": "\n".join(line.strip() for line in payments.strip().splitlines()),
        "contacts": HEAD + "1 | 2025-02-01 12:00:00 | a | call | treated",
    }
    histories = read(tables, observed_until=date(2025, 5, 1))
    found = contacted(histories, Definition(horizon_days=30))
    np.testing.assert_allclose(paid_after(histories, found.points, within=30), [107])


def test_contacted_within_counts_from_the_cutoff_on_and_nobody_who_was_held_out(read, everyone):
    contacts = (
        "1 | 2025-01-31 23:59:59 | a | call | treated\n"
        "2 | 2025-02-01 00:00:00 | a | call | treated\n"
        "3 | 2025-02-10 09:00:00 | a | call | holdout\n"
        "4 | 2025-03-02 23:59:59 | a | call | treated\n"
        "5 | 2025-03-03 00:00:00 | a | call | treated\n"
    )
    histories = read(
        {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS, "contacts": HEAD + contacts},
        observed_until=date(2025, 5, 1),
    )
    points = everyone(histories, [date(2025, 2, 1)])
    found = contacted_within(histories, points, within=30)
    assert found.tolist() == [False, True, False, True, False, False]


def test_of_many_days_vectors_are_looked_at_on_a_few_before(read):
    """40 days become at most 24; no vector is looked at after its contact."""
    rows = "\n".join(
        f"{1 + n % 2 * 5} | {date(2025, 1, 2) + timedelta(n)} | c{n} | call | holdout"
        for n in range(40)
    )
    tables = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS, "contacts": HEAD + rows}
    histories = read(tables, observed_until=date(2025, 5, 1))
    found = contacted(histories, Definition(horizon_days=30))
    seen, own = found.points_to_see, found.points
    assert len(own.cutoffs) == 40
    assert len(seen.cutoffs) <= 24
    assert seen.points.customer.tolist() == own.points.customer.tolist()
    gaps = [
        (own.cutoffs[b] - seen.cutoffs[a]).days
        for a, b in zip(seen.points.cutoff, own.points.cutoff, strict=True)
    ]
    assert 0 <= min(gaps) <= max(gaps) < 3
    plan = make_plan(histories, windows=(7,), known_before=date(2025, 2, 1))
    frame = build_vectors(histories, plan, seen, labels=False).frame
    assert frame["customer_id"].tolist() == [1 + c for c in seen.points.customer]
