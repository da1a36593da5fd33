"""What is on record of a customer: as it was known at the date, and nothing of later."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.chronicle import TELLERS, chronicle, last_active
from features.tables import TABLES

AT = date(2025, 3, 1)
BEFORE, ON = "2025-02-28 23:59:59", "2025-03-01"
CUSTOMERS = """
customer_id | signed_up_at
a           | 2025-01-06 10:00:00
b           | 2025-01-07
"""


def told(histories, *, before=AT, customer=0, **options):
    """Day, what and values of each happening, oldest first; sign-ups aside."""
    found = chronicle(histories, customer, before, **options).happenings
    return [(str(h.day), h.what, dict(h.values)) for h in found if h.what != "signed_up"]


@pytest.fixture
def on_record(read):
    """What one table tells of customer a before 2025-03-01."""

    def of(table, rows, **options):
        return told(read({"customers": CUSTOMERS, table: rows}), **options)

    return of


def test_every_table_but_usage_has_a_teller():
    assert set(TELLERS) == set(TABLES) - {"usage"}


EVENTS = {
    "payments": ("customer_id | occurred_at | amount", "5"),
    "tickets": ("customer_id | opened_at | ticket_id", "{name}"),
    "surveys": ("customer_id | occurred_at | kind | score", "nps | 3"),
    "contacts": ("customer_id | occurred_at | campaign | action | group", "c | call | treated"),
    "subscriptions": ("customer_id | started_at | subscription_id", "{name}"),
    "churned": ("customer_id | churned_at", ""),
}
"""By table, its columns, and what stands in those after the first two."""
AT_SIGN_UP = {"subscriptions", "churned"}
"""Tables that cannot tell that a row was available later."""


def tables_of(moments, available=None):
    """One row of each table for each customer, at the moment of its own."""
    tables = {}
    for table, (columns, rest) in EVENTS.items():
        late = available is not None and table not in AT_SIGN_UP
        lines = [columns + " | available_at" * late]
        for name, moment in moments.items():
            cells = [name, moment, rest.format(name=name), *([available[name]] if late else [])]
            lines.append(" | ".join(cell for cell in cells if cell or late))
        tables[table] = "\n".join(lines)
    signed_up = [f"{name} | {moment}" for name, moment in moments.items()]
    tables["customers"] = "\n".join(["customer_id | signed_up_at", *signed_up])
    return tables


def told_tables(histories, customer):
    """The tables that tell something of a customer."""
    whats = {one.what.split("_")[0] for one in chronicle(histories, customer, AT).happenings}
    names = {"payment": "payments", "ticket": "tickets", "survey": "surveys", "left": "churned"}
    names |= {"contacted": "contacts", "subscribed": "subscriptions", "signed": "customers"}
    return {names[what] for what in whats}


def test_a_row_is_told_from_the_day_after_it_happened(read):
    histories = read(tables_of({"before": BEFORE, "on": ON, "z_after": "2025-03-02"}))
    assert told_tables(histories, 0) == {*EVENTS, "customers"}
    assert told_tables(histories, 1) == told_tables(histories, 2) == set()


def test_a_row_is_told_once_it_was_available(read):
    moments = dict.fromkeys(("before", "not_said", "on"), "2025-02-10")
    histories = read(tables_of(moments, {"before": BEFORE, "not_said": "", "on": ON}))
    assert told_tables(histories, 0) == told_tables(histories, 1) == {*EVENTS, "customers"}
    assert told_tables(histories, 2) == {*AT_SIGN_UP, "customers"}


def test_payments_are_told_by_status_and_method(on_record):
    rows = """
    customer_id | occurred_at | amount | status   | method
    a           | 2025-02-01  | 5      | paid     | card
    a           | 2025-02-02  | 6      | failed   |
    a           | 2025-02-03  | 7      | refunded | card
    b           | 2025-02-04  | 8      | paid     | card
    """
    assert on_record("payments", rows) == [
        ("2025-02-01", "payment_paid", {"amount": 5, "method": "card"}),
        ("2025-02-02", "payment_failed", {"amount": 6, "method": None}),
        ("2025-02-03", "payment_refunded", {"amount": 7, "method": "card"}),
    ]


def test_without_a_status_negative_payments_go_back(on_record):
    rows = "customer_id | occurred_at | amount\na | 2025-02-01 | 5\na | 2025-02-02 | -5"
    assert [(what, v["amount"]) for _, what, v in on_record("payments", rows)] == [
        ("payment_paid", 5),
        ("payment_refunded", 5),
    ]


@pytest.mark.parametrize(("closed", "known"), [(BEFORE, True), (ON, False), ("", False)])
def test_a_ticket_is_open_until_its_end_is_known(on_record, closed, known):
    rows = "customer_id | ticket_id | opened_at | closed_at | csat | priority\n"
    found = on_record("tickets", f"{rows}a | 1 | 2025-02-27 | {closed} | 4 | high")
    if not known:
        values = {"category": None, "priority": "high", "days": 2.0}
        assert found == [("2025-02-27", "ticket_open", values)]
        return
    assert [what for _, what, _ in found] == ["ticket_opened", "ticket_closed"]
    assert (found[1][0], found[1][2]["csat"]) == ("2025-02-28", 4)
    assert found[1][2]["hours"] == pytest.approx(48, abs=0.001)


def test_satisfaction_without_a_closing_time_is_never_known(on_record):
    rows = "customer_id | ticket_id | opened_at | csat\na | 1 | 2025-02-27 | 4"
    assert [what for _, what, _ in on_record("tickets", rows)] == ["ticket_open"]


ENDS = [
    (BEFORE, "", [("2025-02-28", "ended", {"plan": "pro"})]),
    (ON, "", []),
    ("2025-04-01", ON, []),
    ("2025-04-01", BEFORE, [("2025-02-28", "notice", {"until": date(2025, 4, 1)})]),
    ("", BEFORE, [("2025-02-28", "notice", {"until": None})]),
    (
        "2025-02-20",
        "2025-02-10",
        [
            ("2025-02-10", "notice", {"until": date(2025, 2, 20)}),
            ("2025-02-20", "ended", {"plan": "pro"}),
        ],
    ),
]


def test_an_end_is_known_once_it_came_or_notice_was_given(read):
    columns = "customer_id | subscription_id | started_at | ended_at | cancelled_at | plan"
    lines = [f"{n} | {n} | 2025-01-10 | {e} | {c} | pro" for n, (e, c, _) in enumerate(ENDS)]
    customers = [f"{n} | 2025-01-10" for n in range(len(ENDS))]
    tables = {"customers": "\n".join(["customer_id | signed_up_at", *customers])}
    histories = read({**tables, "subscriptions": "\n".join([columns, *lines])})
    began = ("2025-01-10", "subscribed", {"plan": "pro", "price": None})
    for customer, (_, _, expected) in enumerate(ENDS):
        assert told(histories, customer=customer) == [began, *expected]


VERSIONS = """
customer_id | subscription_id | started_at | price | plan  | auto_renew | valid_from
a           | 1               | 2025-01-10 | 10    | basic | true       | {first}
a           | 1               | 2025-01-10 | 12    | pro   | false      | {second}
"""


@pytest.mark.parametrize("first", ["", "2025-01-10"])
def test_versions_tell_what_changed(on_record, first):
    rows = VERSIONS.format(first=first, second=BEFORE)
    assert on_record("subscriptions", rows) == [
        ("2025-01-10", "subscribed", {"plan": "basic", "price": 10}),
        ("2025-02-28", "price_changed", {"old": 10, "new": 12, "change": pytest.approx(0.2)}),
        ("2025-02-28", "plan_changed", {"old": "basic", "new": "pro"}),
        ("2025-02-28", "renewal_off", {}),
    ]


def test_a_version_of_later_is_not_known(on_record):
    rows = VERSIONS.format(first="2025-01-10", second=ON)
    assert [what for _, what, _ in on_record("subscriptions", rows)] == ["subscribed"]


def test_what_a_version_does_not_tell_has_not_changed(on_record):
    rows = """
    customer_id | subscription_id | started_at | price | plan | auto_renew | valid_from
    a           | 1               | 2025-01-10 |       |      |            | 2025-01-10
    a           | 1               | 2025-01-10 | 12    | pro  | true       | 2025-02-10
    """
    assert [what for _, what, _ in on_record("subscriptions", rows)] == ["subscribed"]


def test_an_end_dated_back_is_known_from_its_version(read):
    rows = """
    customer_id | subscription_id | started_at | ended_at   | valid_from
    a           | 1               | 2025-01-10 |            | 2025-01-10
    a           | 1               | 2025-01-10 | 2025-02-01 | 2025-02-20
    """
    histories = read({"customers": CUSTOMERS, "subscriptions": rows})
    ended = [
        "ended" in [what for _, what, _ in told(histories, before=day)]
        for day in (date(2025, 2, 10), date(2025, 2, 20), date(2025, 2, 21))
    ]
    assert ended == [False, False, True]


def test_who_is_held_out_was_not_contacted(on_record):
    rows = """
    customer_id | occurred_at | campaign | action | group
    a           | 2025-02-01  | spring   | call   | holdout
    a           | 2025-02-02  | spring   | call   | treated
    """
    values = {"campaign": "spring", "action": "call"}
    assert on_record("contacts", rows) == [("2025-02-02", "contacted", values)]


def test_only_so_many_days_are_shown(read):
    rows = "customer_id | occurred_at | amount\na | 2025-02-19 | 1\na | 2025-02-18 | 2"
    histories = read({"customers": CUSTOMERS, "payments": rows})
    assert [values["amount"] for _, _, values in told(histories, days=10)] == [1]
    assert len(told(histories, days=10**9)) == 2


def test_days_are_those_of_the_histories_clock(read):
    import pandas as pd
    import pyarrow as pa

    moment = pd.Timestamp("2025-02-28 23:30", tz="UTC")
    payments = pa.table({"customer_id": ["a"], "occurred_at": [moment], "amount": [5.0]})
    tables = {"customers": CUSTOMERS, "payments": payments}
    assert [day for day, _, _ in told(read(tables))] == ["2025-02-28"]
    in_amsterdam = read(tables, timezone="Europe/Amsterdam")
    assert told(in_amsterdam) == []
    assert [day for day, _, _ in told(in_amsterdam, before=date(2025, 3, 2))] == ["2025-03-01"]


def test_ids_may_be_whole_numbers_and_text(read):
    import pyarrow as pa

    customers = pa.table({"customer_id": [10, 9], "signed_up_at": [datetime(2025, 1, 1)] * 2})
    payments = "customer_id | occurred_at | amount\n9 | 2025-02-01 | 1\n10 | 2025-02-02 | 2"
    histories = read({"customers": customers, "payments": payments})
    assert histories.customer_ids().to_pylist() == [9, 10]
    assert [day for day, _, _ in told(histories, customer=0)] == ["2025-02-01"]
    assert [day for day, _, _ in told(histories, customer=1)] == ["2025-02-02"]


USAGE = """
customer_id | occurred_at | event | available_at
a           | 2025-02-28  | x     |
a           | 2025-02-22  | x     |
a           | 2025-02-21  | x     |
a           | 2025-02-20  | x     | 2025-03-01
a           | 2025-03-01  | x     |
b           | 2025-01-01  | x     |
"""


def weeks(histories, **options):
    return [(str(day), n) for day, n in chronicle(histories, 0, AT, **options).used]


def test_use_is_counted_by_week_back_from_the_date(read):
    """It begins with the customer: 6 January lies in the eighth week before 1 March."""
    histories = read({"customers": CUSTOMERS, "usage": USAGE})
    assert weeks(histories, days=21) == [("2025-02-08", 0), ("2025-02-15", 1), ("2025-02-22", 2)]
    found = weeks(histories)
    assert (len(found), found[0]) == (8, ("2025-01-04", 0))


def test_use_before_the_sign_up_counts(read):
    usage = "customer_id | occurred_at | event\na | 2025-01-01 | x\na | 2024-12-30 | x"
    assert weeks(read({"customers": CUSTOMERS, "usage": usage}))[0] == ("2024-12-28", 2)


def test_use_is_not_told_of_before_the_table_begins(read):
    usage = "customer_id | occurred_at | event\nb | 2025-02-22 | x"
    assert weeks(read({"customers": CUSTOMERS, "usage": usage})) == [("2025-02-22", 0)]


def test_without_usage_there_are_no_weeks(read):
    assert chronicle(read({"customers": CUSTOMERS}), 0, AT).used == ()


def test_the_last_activity_is_that_of_the_tables_that_count(read):
    payments = """
    customer_id | occurred_at | amount | status
    a           | 2025-02-10  | 5      | paid
    a           | 2025-02-27  | 5      | failed
    """
    tickets = "customer_id | ticket_id | opened_at\nb | 1 | 2025-01-10"
    rows = {"customers": CUSTOMERS, "usage": USAGE, "payments": payments, "tickets": tickets}
    histories = read(rows)
    expected = {"usage": date(2025, 2, 28), "payments": date(2025, 2, 10), "tickets": None}
    assert {name: last_active(histories, [name], 0, AT) for name in expected} == expected
    assert last_active(histories, ["tickets", "payments"], 0, AT) == date(2025, 2, 10)


def test_late_activity_was_not_known(read):
    usage = "customer_id | occurred_at | event | available_at\na | 2025-02-10 | x | {}"
    for available, expected in ((BEFORE, date(2025, 2, 10)), (ON, None)):
        histories = read({"customers": CUSTOMERS, "usage": usage.format(available)})
        assert last_active(histories, ["usage"], 0, AT) == expected


MINUTES = st.integers(-60 * 24 * 40, 60 * 24 * 40)
ROWS = st.lists(st.tuples(MINUTES, st.none() | MINUTES), min_size=8, max_size=30)
MIDNIGHT = datetime(AT.year, AT.month, AT.day)


def world(rows):
    """Tickets and payments so many minutes before or after the date; each filled in later."""
    pairs = [[None if m is None else MIDNIGHT + timedelta(minutes=m) for m in row] for row in rows]
    tickets = [
        {"customer_id": "a", "ticket_id": n, "opened_at": t, "closed_at": end and max(t, end)}
        for n, (t, end) in enumerate(pairs)
    ]
    payments = [
        {"customer_id": "a", "occurred_at": t, "amount": n, "available_at": known}
        for n, (t, known) in enumerate(pairs)
    ]
    return {"customers": CUSTOMERS, "tickets": tickets, "payments": payments}


def known_then(tables):
    """The same without rows of the date and after, and without what was filled in later."""
    tickets = [
        {
            **row,
            "closed_at": row["closed_at"] if (row["closed_at"] or MIDNIGHT) < MIDNIGHT else None,
        }
        for row in tables["tickets"]
        if row["opened_at"] < MIDNIGHT
    ]
    payments = [
        row
        for row in tables["payments"]
        if max(row["occurred_at"], row["available_at"] or row["occurred_at"]) < MIDNIGHT
    ]
    return {**tables, "tickets": tickets, "payments": payments}


@settings(max_examples=5)
@given(rows=ROWS)
def test_only_what_was_known_then_is_told(read, rows):
    """Nothing of the date or after, and what comes later changes nothing."""
    known = ((-60 * 24 * 3, -60 * 24 * 2),)
    tables = world([*known, *rows])
    found = told(read(tables))
    days = [date.fromisoformat(day) for day, _, _ in found]
    assert days == sorted(days)
    assert days[-1] < AT
    assert found == told(read(known_then(tables)))
