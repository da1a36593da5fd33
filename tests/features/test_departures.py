"""Who left, and when: by what the business recorded, else by the subscriptions."""

from __future__ import annotations

from datetime import datetime

import pytest

from features.contract import ENDS
from features.departures import departures_of, ends_of, latest_versions

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
left        | 1               | 2025-01-01 | 2025-02-01
stays       | 2               | 2025-01-01 |
changed     | 3               | 2025-01-01 | 2025-02-01
changed     | 4               | 2025-02-01 | 2025-03-01
paused      | 5               | 2025-01-01 | 2025-02-01
paused      | 6               | 2025-02-11 |
overlaps    | 7               | 2025-01-01 | 2025-06-01
overlaps    | 8               | 2025-02-01 | 2025-03-01
"""


def day(month, number=1):
    return datetime(2025, month, number)


def by_customer(histories, table, column):
    """Customer -> the days, in order."""
    ids = histories.customer_ids().to_pylist()
    rows = histories.engine.to_pyarrow(table.order_by(column)).to_pylist()
    found: dict = {}
    for row in rows:
        found.setdefault(ids[row["customer_index"]], []).append(row[column])
    return found


@pytest.mark.parametrize(
    ("grace", "paused"), [(0, {"paused": [day(2)]}), (9, {"paused": [day(2)]}), (10, {})]
)
def test_who_comes_back_within_the_grace_has_not_left(grace, paused, read):
    histories = read({"subscriptions": SUBSCRIPTIONS})
    left = departures_of(histories.tables["subscriptions"], grace)
    others = {"left": [day(2)], "changed": [day(3)], "overlaps": [day(6)]}
    assert by_customer(histories, left, "left_at") == others | paused


def test_without_recorded_churn_the_end_of_the_last_subscription_counts(read):
    histories = read({"subscriptions": SUBSCRIPTIONS})
    left = ends_of(None, histories.tables["subscriptions"])
    assert by_customer(histories, left, ENDS) == {
        "left": [day(2)],
        "changed": [day(3)],
        "overlaps": [day(6)],
    }


CHURNED = """
customer_id | churned_at
left        | 2025-03-05
stays       | 2025-03-05
visitor     | 2025-03-05
paused      | 2025-02-10
paused      | 2025-02-01
"""


def test_recorded_churn_is_believed_unless_a_subscription_began_after_it(read):
    histories = read({"subscriptions": SUBSCRIPTIONS, "churned": CHURNED})
    churned, subscriptions = (histories.tables[n] for n in ("churned", "subscriptions"))
    expected = {who: [day(3, 5)] for who in ("left", "stays", "visitor")}
    assert by_customer(histories, ends_of(churned, subscriptions), ENDS) == expected
    alone = by_customer(histories, ends_of(churned, None), ENDS)
    assert alone == expected | {"paused": [day(2, 10)]}


def test_the_newest_version_of_a_subscription_tells_its_end(read):
    versions = """
    customer_id | subscription_id | started_at | ended_at   | valid_from
    back        | 1               | 2025-01-01 | 2025-06-01 | 2025-01-01
    back        | 1               | 2025-01-01 |            | 2025-02-01
    gone        | 2               | 2025-01-01 | 2025-04-01 | 2025-03-01
    gone        | 2               | 2025-01-01 |            |
    """
    histories = read({"subscriptions": versions})
    newest = latest_versions(histories.tables["subscriptions"])
    assert by_customer(histories, newest, "ended_at") == {"back": [None], "gone": [day(4)]}
    left = ends_of(None, histories.tables["subscriptions"])
    assert by_customer(histories, left, ENDS) == {"gone": [day(4)]}


def test_subscriptions_that_never_end_have_no_end_column(read):
    histories = read(
        {"subscriptions": "customer_id | subscription_id | started_at\n1 | 1 | 2025-01-01"}
    )
    assert by_customer(histories, ends_of(None, histories.tables["subscriptions"]), ENDS) == {}
