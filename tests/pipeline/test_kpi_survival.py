"""How long customers stay, by group, on tables and on draws whose answer is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from features.errors import UsageError
from pipeline.files import to_json
from pipeline.kpi_survival import MOST_GROUPS, OTHERS, days_of, survival_of

FIRST = date(2024, 1, 1)
UNTIL = date(2025, 1, 1)


def tables(channels, customers=60, fast=2.0):
    """Customers of each channel, one a day; those of the first channel leave faster."""
    random = np.random.default_rng(1)
    people, rows = ["customer_id | signed_up_at | channel | vip"], []
    for place, channel in enumerate(channels):
        for n in range(customers):
            start = FIRST + timedelta(days=n)
            stay = int(random.geometric(0.01 * (fast if place == 0 else 0.5)))
            end = start + timedelta(days=stay)
            who = f"{channel}{n}"
            people.append(f"{who} | {start} | {channel} | {'true' if n % 2 else 'false'}")
            rows.append(f"{who} | {who} | {start} | {end if end < UNTIL else ''} | p{n % 2}")
    head = "customer_id | subscription_id | started_at | ended_at | plan"
    return {"customers": "\n".join(people), "subscriptions": "\n".join([head, *rows])}


def test_groups_that_differ_are_found_and_those_that_do_not_are_not(business):
    found = survival_of(business(tables(["ads", "web"]), observed_until=UNTIL))
    by = {one.name: one for one in found.groupings}
    assert list(by) == ["channel", "vip", "plan"]
    assert by["channel"].p_value < 1e-4
    assert by["vip"].p_value > 0.05
    ads, web = by["channel"].groups
    assert ads.mean[2] < web.mean[1]
    assert ads.left > by["channel"].test.expected[0]
    assert by["channel"].p_value == pytest.approx(3 * by["channel"].test.p_value)


def test_the_share_after_some_months_by_hand(business):
    """Of four one leaves after 20 days and one after 40; a month has 30 days, two have 61."""
    text = """
    customer_id | subscription_id | started_at | ended_at
    a           | 1               | 2024-01-01 | 2024-01-21
    b           | 2               | 2024-01-01 | 2024-02-10
    c           | 3               | 2024-01-01 |
    d           | 4               | 2024-01-01 |
    """
    found = survival_of(business({"subscriptions": text}, observed_until=date(2024, 4, 1)))
    everybody = found.everybody
    assert [everybody.after(n)[0] for n in (0, 1, 2)] == [1, 0.75, 0.5]
    assert everybody.curve.median()[0] == 40
    assert found.mean_within == days_of(3) == 91
    assert everybody.mean[0] == pytest.approx((20 + 40 + 91 + 91) / 4)
    assert found.groupings == ()


def test_an_export_of_who_is_still_there_does_not_make_the_young_look_loyal(business):
    """300 who came in 2024 and were there when the record began; of the new 1 % leave each day.

    Of these 0.99^30 = 74 % are there after a month, and nobody knows of those who had left in 2024.
    """
    random = np.random.default_rng(3)
    rows = [f"old{n} | old{n} | {date(2024, 1, 1) + timedelta(days=n)} |" for n in range(300)]
    for n in range(240):
        start = date(2025, 1, 1) + timedelta(days=n // 2)
        end = start + timedelta(days=int(random.geometric(0.01)))
        rows.append(f"new{n} | new{n} | {start} | {end if end < date(2025, 6, 1) else ''}")
    text = "customer_id | subscription_id | started_at | ended_at\n" + "\n".join(rows)
    found = survival_of(business({"subscriptions": text}, observed_until=date(2025, 6, 1)))
    share, low, high = found.everybody.after(1)
    assert low <= 0.99**30 <= high
    assert share < 0.85
    assert date(2025, 1, 1) <= found.since <= date(2025, 1, 15)
    assert any("Departures are on record from" in note for note in found.notes)


def test_only_what_is_asked_for_parts_customers(business):
    found = survival_of(business(tables(["ads", "web"]), by=("plan", "tenure")))
    assert [one.name for one in found.groupings] == ["plan"]


def test_a_column_that_nobody_knows_is_refused(business):
    with pytest.raises(UsageError, match="chanel"):
        survival_of(business(tables(["ads", "web"]), by=("chanel",)))


def test_beyond_the_largest_groups_all_others_are_one(business):
    many = [f"c{n:02}" for n in range(MOST_GROUPS + 3)]
    found = survival_of(business(tables(many, customers=25), observed_until=UNTIL, by=("channel",)))
    groups = found.groupings[0].groups
    assert len(groups) == MOST_GROUPS
    assert groups[-1].label == OTHERS
    assert sum(group.table.customers for group in groups) == 25 * len(many)


def test_a_business_that_began_yesterday_has_no_mean(business):
    text = "customer_id | subscription_id | started_at | ended_at\na | 1 | 2025-01-01 |"
    found = survival_of(business({"subscriptions": text}, observed_until=date(2025, 1, 2)))
    assert found.everybody.mean is None
    assert '"mean_days": null' in to_json(found.as_json())
