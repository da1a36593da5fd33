"""A plan is made from history before a date and then makes the same columns for ever."""

from __future__ import annotations

import json
from datetime import date

import pytest

from features.errors import ContractBroken
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
        ({"tickets": None}, "the table tickets, which now lacks any rows"),
        ({"tickets": "customer_id | ticket_id | opened_at\n1 | a | 2025-01-01"}, "category"),
        ({"customers": "customer_id | signed_up_at\n1 | 2025-01-01"}, "columns: region"),
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
    with pytest.raises(ContractBroken, match=named):
        require(read(left), plan)
