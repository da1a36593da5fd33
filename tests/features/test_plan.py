"""A plan is made from history before a date and then makes the same columns for ever."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from features.errors import ContractBroken, UsageError
from features.plan import Plan, make_plan, require

USAGE = """
customer_id | occurred_at         | event  | available_at
1           | 2025-01-01          | login  |
1           | 2025-01-02          | login  |
1           | 2025-01-03          | export |
1           | 2025-01-04          | adjust |
1           | 2025-01-31 23:59:59 | last   | 2025-01-31
1           | 2025-01-05          | late   | 2025-02-01
1           | 2025-02-01          | future |
"""


def plan_of(read, tables, day="2025-02-01"):
    return make_plan(read(tables), windows=(90, 7), known_before=date.fromisoformat(day))


def test_levels_are_what_was_known_before_the_date_the_commonest_first(read):
    plan = plan_of(read, {"usage": USAGE})
    assert plan.levels == {"usage.event": ("login", "adjust", "export", "last")}
    assert plan.windows == (7, 90)


def test_rare_levels_get_no_column_and_neither_do_too_many(read):
    rows = [f"1 | 2025-01-01 | event {n:02}" for n in range(20) for _ in range(100)]
    rows += ["1 | 2025-01-01 | rare"]
    usage = "customer_id | occurred_at | event\n" + "\n".join(rows)
    levels = plan_of(read, {"usage": usage}).levels["usage.event"]
    assert levels == tuple(f"event {n:02}" for n in range(12))
    few = "\n".join(["1 | 2025-01-01 | common"] * 1001 + ["1 | 2025-01-01 | rare"])
    usage = "customer_id | occurred_at | event\n" + few
    assert plan_of(read, {"usage": usage}).levels["usage.event"] == ("common",)


def test_a_plan_survives_json(read):
    customers = "customer_id | signed_up_at | region\n1 | 2025-01-01 | north"
    plan = plan_of(read, {"usage": USAGE, "customers": customers})
    assert plan.attributes == {"region": "text"}
    again = Plan.from_dict(json.loads(json.dumps(plan.as_dict())))
    assert again == plan
    assert isinstance(again.levels["usage.event"], tuple)


def test_a_new_event_type_changes_no_column_and_counts_with_all_events(read, vectors):
    plan = plan_of(read, {"usage": USAGE})
    then = vectors({"usage": USAGE}, ["2025-02-01"], plan=plan)
    more = USAGE + "1 | 2025-01-20 | brand new |\n"
    now = vectors({"usage": more}, ["2025-02-01"], plan=plan)
    assert now.catalogue == then.catalogue
    assert now.frame["usage_count_90d"][0] == then.frame["usage_count_90d"][0] + 1
    assert now.frame["usage_breadth_90d"][0] == then.frame["usage_breadth_90d"][0]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tickets": None}, "the rows of tickets.*churn train"),
        (
            {"tickets": "customer_id | ticket_id | opened_at\n1 | a | 2025-01-01"},
            "a column[.].*tickets.category",
        ),
        ({"customers": "customer_id | signed_up_at\n1 | 2025-01-01"}, "customers.region"),
        (
            {"tickets": None, "customers": "customer_id | signed_up_at\n1 | 2025-01-01"},
            "the rows of tickets and a column[.].*tickets, customers.region",
        ),
    ],
)
def test_what_the_model_counts_on_must_still_be_there(changed, named, read):
    tables = {
        "customers": "customer_id | signed_up_at | region\n1 | 2025-01-01 | north",
        "usage": USAGE,
        "tickets": "customer_id | ticket_id | opened_at | category\n1 | a | 2025-01-01 | bug",
    }
    plan = plan_of(read, tables)
    require(read(tables), plan)
    left = {name: rows for name, rows in (tables | changed).items() if rows}
    with pytest.raises(ContractBroken) as error:
        require(read(left), plan)
    assert re.search(named, str(error.value), re.DOTALL)


def test_what_no_feature_is_made_from_may_be_gone(read):
    """What a contact cost is in no vector; plans of before name it all the same."""
    customers = "customer_id | signed_up_at\n1 | 2025-01-01"
    head, row = "customer_id | occurred_at | campaign | action | group", "1 | 2025-01-02 | a | b |"
    rows = f"{head} | cost\n{row} treated | 1.5"
    plan = plan_of(read, {"customers": customers, "contacts": rows})
    assert not plan.has("contacts", "cost")
    before = replace(plan, tables={**plan.tables, "contacts": ("occurred_at", "group", "cost")})
    require(read({"customers": customers, "contacts": f"{head}\n{row} treated"}), before)


def test_a_window_is_a_positive_number_of_days(read):
    histories = read({"usage": USAGE})
    for days in (0, -7, 7.5, "7", True, None, 10_000_000, float("nan")):
        with pytest.raises(UsageError, match="positive number of days"):
            make_plan(histories, windows=(30, days), known_before=date(2025, 2, 1))
    plan = make_plan(histories, windows=(30, 7, 30), known_before=date(2025, 2, 1))
    assert plan.windows == (7, 30)


def customers_of(regions, signed_up_at="2025-01-01"):
    rows = [f"{n} | {signed_up_at} | {region}" for n, region in enumerate(regions)]
    return "\n".join(["customer_id | signed_up_at | region", *rows])


def test_a_text_with_many_values_keeps_the_commonest_the_rest_are_other(read, vectors):
    regions = [f"r{n:02}" for n in range(60) for _ in range(12 if n < 20 else 5)] + [""]
    plan = plan_of(read, {"customers": customers_of(regions)})
    assert plan.levels["customers.region"] == tuple(f"r{n:02}" for n in range(20))
    found = vectors({"customers": customers_of(regions)}, ["2025-02-01"], plan=plan).frame
    counted = found["customers_profile_region"].value_counts().to_dict()
    assert counted == {"other": 200} | {f"r{n:02}": 12 for n in range(20)}
    assert found["customers_profile_region"].isna().sum() == 1


def test_a_text_with_few_values_keeps_them_all(read):
    plan = plan_of(read, {"customers": customers_of([f"r{n:02}" for n in range(50)])})
    assert len(plan.levels["customers.region"]) == 50


def test_a_text_that_came_later_is_other_for_the_model(read, vectors):
    """Scoring maps by the plan that belongs to the model, whatever is common by then."""
    tables = {
        "customers": customers_of(["north", "south"]),
        "subscriptions": "customer_id | subscription_id | started_at | plan\n"
        "0 | 0 | 2025-01-01 | basic\n1 | 1 | 2025-01-01 |",
    }
    plan = Plan.from_dict(json.loads(json.dumps(plan_of(read, tables).as_dict())))
    later = {
        "customers": tables["customers"] + "\n2 | 2025-02-02 | east",
        "subscriptions": tables["subscriptions"] + "\n2 | 2 | 2025-02-03 | gold",
    }
    found = vectors(later, ["2025-03-01"], plan=plan).frame.astype(object)
    assert found["customers_profile_region"].tolist() == ["north", "south", "other"]
    assert found["subscriptions_plan"].tolist()[::2] == ["basic", "other"]
    assert found["subscriptions_plan"].isna().tolist() == [False, True, False]


def test_texts_are_chosen_by_what_was_known_before(read):
    early = customers_of(["a"] * 3)
    late = "\n".join(f"{n} | 2025-02-01 | b" for n in range(3, 20))
    versions = """
    customer_id | subscription_id | started_at | valid_from | plan
    1           | 1               | 2025-01-01 |            | basic
    1           | 1               | 2025-01-01 | 2025-02-01 | gold
    """
    plan = plan_of(read, {"customers": f"{early}\n{late}", "subscriptions": versions})
    assert plan.levels == {"customers.region": ("a",), "subscriptions.plan": ("basic",)}


def test_a_text_that_names_a_hundred_thousand_customers_is_no_feature(read, vectors):
    """Neither levels that memorise customers nor a column of theirs; others are as they were."""
    n = 100_000
    numbers = np.arange(n)
    tables = {
        "customers": pa.table(
            {
                "customer_id": numbers,
                "signed_up_at": pa.array([datetime(2025, 1, 1)] * n),
                "email": [f"customer{number}@example.org" for number in numbers],
                "region": [f"r{number % 100}" for number in numbers],
            }
        ),
        "subscriptions": pa.table(
            {
                "customer_id": numbers,
                "subscription_id": numbers,
                "started_at": pa.array([datetime(2025, 1, 1)] * n),
                "plan": [f"contract {number}" for number in numbers],
            }
        ),
    }
    histories = read(tables)
    plan = make_plan(histories, windows=(30,), known_before=date(2025, 2, 1))
    assert plan.attributes == {"region": "text"}
    assert not plan.has("subscriptions", "plan")
    kept = set(sorted(f"r{number}" for number in range(100))[:50])
    assert set(plan.levels["customers.region"]) == kept
    found = vectors(histories, ["2025-02-01"], plan=plan)
    assert not {"customers_profile_email", "subscriptions_plan"} & set(found.names)
    expected = [f"r{i % 100}" if f"r{i % 100}" in kept else "other" for i in range(n)]
    in_turn = found.frame.sort_values("customer_id", key=lambda ids: ids.astype(int))
    assert in_turn["customers_profile_region"].astype(object).tolist() == expected
