"""How customers left: by notice, or because payments failed."""

from __future__ import annotations

from datetime import date

import pytest

from features.churn import Definition
from features.departure_kinds import departure_kinds, told_departures
from features.points import make_points
from features.timeline import day_number

CUTOFF = date(2025, 2, 1)
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | cancelled_at
gave_notice | 1               | 2024-01-01 | 2025-02-10 | 2025-01-20
notice_fail | 2               | 2024-01-01 | 2025-02-10 | 2025-02-09
failed      | 3               | 2024-01-01 | 2025-02-10 |
paid_again  | 4               | 2024-01-01 | 2025-02-10 |
long_ago    | 5               | 2024-01-01 | 2025-02-10 |
afterwards  | 6               | 2024-01-01 | 2025-02-10 |
stays       | 7               | 2024-01-01 |            |
changed     | 8               | 2024-01-01 | 2025-02-10 | 2025-02-09
changed     | 9               | 2025-02-10 |            |
earlier     | 10              | 2024-01-01 | 2025-01-10 | 2025-01-09
refunded    | 11              | 2024-01-01 | 2025-02-10 |
"""
PAYMENTS = """
customer_id | occurred_at         | amount | status
notice_fail | 2025-02-01          | 9      | failed
failed      | 2025-01-01          | 9      | paid
failed      | 2025-02-10          | 9      | failed
paid_again  | 2025-02-01          | 9      | failed
paid_again  | 2025-02-01          | 9      | paid
long_ago    | 2024-12-11 23:59:59 | 9      | failed
afterwards  | 2025-02-10 00:00:01 | 9      | failed
stays       | 2025-02-01          | 9      | failed
refunded    | 2025-02-01          | 9      | failed
refunded    | 2025-02-05          | 9      | refunded
"""


@pytest.fixture
def world(read):
    """Histories that tell what happened up to the summer."""
    return lambda tables: read(tables, observed_until=date(2025, 7, 1))


def kinds(histories, definition=Definition(), cutoff=CUTOFF):  # noqa: B008
    """Customer -> kind, of the points at a cutoff; None where kinds are not told apart."""
    points = make_points(histories, definition, [cutoff])
    found = departure_kinds(histories, definition, points)
    ids = histories.customer_ids().to_pylist()
    named = [ids[n] for n in points.points.customer]
    return None if found is None else dict(zip(named, found.tolist(), strict=True))


def test_by_subscription(world):
    found = kinds(world({"subscriptions": SUBSCRIPTIONS, "payments": PAYMENTS}))
    assert found == {
        "gave_notice": "voluntary",
        # Whoever gave notice wanted to go, whether or not the last bill was paid.
        "notice_fail": "voluntary",
        "failed": "payment_failure",
        "paid_again": "unknown",
        "long_ago": "unknown",
        "afterwards": "unknown",
        "refunded": "payment_failure",
        "stays": None,
        "changed": None,
    }


@pytest.mark.parametrize(
    ("moment", "kind"), [("2024-12-12", "payment_failure"), ("2024-12-11", "unknown")]
)
def test_the_last_attempt_brought_it_about_if_it_is_not_too_old(moment, kind, world):
    """60 days before the end count, a day more does not."""
    payments = f"customer_id | occurred_at | amount | status\nfailed | {moment} | 9 | failed"
    found = kinds(world({"subscriptions": SUBSCRIPTIONS, "payments": payments}))
    assert found["failed"] == kind


def test_without_payments_only_notice_is_told(world):
    found = kinds(world({"subscriptions": SUBSCRIPTIONS}))
    assert (found["gave_notice"], found["failed"]) == ("voluntary", "unknown")


def test_the_newest_version_tells_whether_notice_was_given(world):
    versions = """
    customer_id | subscription_id | started_at | ended_at   | cancelled_at | valid_from
    took_back   | 1               | 2024-01-01 | 2025-02-10 | 2025-01-20   | 2025-01-20
    took_back   | 1               | 2024-01-01 | 2025-02-10 |              | 2025-01-25
    gave        | 2               | 2024-01-01 |            |              | 2024-01-01
    gave        | 2               | 2024-01-01 | 2025-02-10 | 2025-02-05   | 2025-02-05
    much_later  | 3               | 2024-01-01 | 2025-06-01 |              | 2024-01-01
    """
    found = kinds(world({"subscriptions": versions}))
    assert found == {"took_back": "unknown", "gave": "voluntary", "much_later": None}


def test_kinds_are_not_told_apart_without_notice_or_reason(world):
    plain = "customer_id | subscription_id | started_at | ended_at\n1 | 1 | 2024-01-01 | 2025-02-10"
    later = "\n2 | 2 | 2024-01-01 | 2025-06-01"
    assert kinds(world({"subscriptions": plain + later})) is None
    churned = "customer_id | churned_at\n1 | 2025-02-10\n2 | 2025-06-01"
    customers = "customer_id | signed_up_at\n1 | 2024-01-01\n2 | 2024-01-01"
    histories = world({"customers": customers, "churned": churned})
    assert kinds(histories, Definition(kind="event")) is None


def test_the_recorded_reason(world):
    """The first churn counts, as it does for the label; reasons that are rare go together."""
    customers = "customer_id | signed_up_at\n" + "\n".join(f"{n} | 2024-01-01" for n in range(12))
    rows = ["0 | 2025-02-10 | price", "0 | 2025-03-10 | moved", "1 | 2025-02-10 |"]
    rows += [f"{n} | 2025-02-11 | reason {n}" for n in range(2, 9)]  # seven
    rows += ["9 | 2025-02-12 | price", "10 | 2025-06-01 | price"]
    churned = "customer_id | churned_at | reason\n" + "\n".join(rows)
    histories = world({"customers": customers, "churned": churned})
    found = kinds(histories, Definition(kind="event"))
    assert (found[0], found[1], found[9]) == ("price", "unknown", "price")
    assert (found[10], found[11]) == (None, None)
    assert (found[2], found[8]) == ("reason 2", "other")


def test_inactivity_has_no_kinds(world):
    usage = "customer_id | occurred_at | event\n1 | 2025-01-20 | login\n2 | 2025-06-01 | login"
    histories = world({"usage": usage})
    assert kinds(histories, Definition(kind="inactivity", activity=("usage",))) is None


def test_each_cutoff_has_its_own_window(world):
    histories = world({"subscriptions": SUBSCRIPTIONS, "payments": PAYMENTS})
    definition = Definition()
    points = make_points(histories, definition, [date(2025, 1, 1), CUTOFF])
    found = departure_kinds(histories, definition, points)
    ids = histories.customer_ids().to_pylist()
    told = {
        (ids[customer], int(cutoff)): kind
        for customer, cutoff, kind in zip(
            points.points.customer, points.points.cutoff, found, strict=True
        )
        if kind == "voluntary"
    }
    assert set(told) == {("earlier", 0), ("gave_notice", 1), ("notice_fail", 1)}


def test_departures_of_a_time_and_the_last_of_each_customer(world):
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at   | cancelled_at
    twice       | 1               | 2024-01-01 | 2025-02-03 | 2025-02-01
    twice       | 2               | 2025-02-10 | 2025-02-20 |
    before      | 3               | 2024-01-01 | 2025-01-31 | 2025-01-20
    after       | 4               | 2024-01-01 | 2025-03-01 | 2025-02-20
    """
    histories = world({"subscriptions": subscriptions})
    left = told_departures(histories, Definition(), CUTOFF, date(2025, 3, 1))
    assert sorted(left.kind) == ["unknown", "voluntary"]
    ids = histories.customer_ids().to_pylist()
    day = day_number(CUTOFF)
    assert left.last_within(day, day + 28) == {ids.index("twice"): "unknown"}
    assert left.last_within(day, day + 10) == {ids.index("twice"): "voluntary"}
