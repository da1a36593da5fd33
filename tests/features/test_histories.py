"""Histories: who the customers are, which clock counts, what is missing, and when they end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from features.errors import ContractBroken
from features.plan import make_plan
from features.tables import CUSTOMER

USAGE = """
customer_id | occurred_at         | event
b           | 2025-02-03          | login
a           | 2025-02-02 12:00:00 | login
a           | 2025-02-01 08:00:00 | login
"""


def rows_of(histories, name, *columns):
    table = histories.tables[name].order_by(list(columns)).select(*columns)
    return [tuple(row.values()) for row in histories.engine.to_pyarrow(table).to_pylist()]


def test_without_customers_they_are_who_is_named_elsewhere_since_their_first_row(read):
    payments = """
    customer_id | occurred_at | amount
    a           | 2025-01-15  | 10
    c           | 2025-03-01  | 10
    d           | never       | 10
    """
    histories = read({"usage": USAGE, "payments": payments})
    assert rows_of(histories, "customers", "customer_id", "signed_up_at") == [
        ("a", datetime(2025, 1, 15)),
        ("b", datetime(2025, 2, 3)),
        ("c", datetime(2025, 3, 1)),
    ]
    assert histories.accounts["payments"].bad == 1


def test_the_index_of_customers_follows_their_ids(read):
    histories = read({"usage": USAGE})
    assert rows_of(histories, "usage", CUSTOMER, "customer_id") == [(0, "a"), (0, "a"), (1, "b")]
    assert histories.customer_ids().to_pylist() == ["a", "b"]
    assert histories.customers == 2


SUBSCRIPTIONS = """
customer_id | subscription_id | started_at
1           | 10              | 2025-01-01
2           | 20              | 2025-01-01
"""


@pytest.mark.parametrize("ids", [[20, 20, 30], ["20", "20", "30"]])
def test_a_table_may_name_subscriptions_instead_of_customers(ids, read):
    at = [datetime(2025, 2, 1)] * 3
    usage = pa.table({"subscription_id": ids, "occurred_at": at, "event": ["a"] * 3})
    subscriptions = pa.table(
        {"customer_id": [1, 2], "subscription_id": [10, 20], "started_at": at[:2]}
    )
    histories = read({"subscriptions": subscriptions, "usage": usage})
    assert rows_of(histories, "usage", "customer_id") == [(2,), (2,)]
    assert histories.accounts["usage"].quarantined == {"unknown_customer": 1}


def test_subscriptions_must_name_their_customers(read):
    with pytest.raises(ContractBroken, match="subscriptions lacks the required column customer_id"):
        read({"usage": USAGE, "subscriptions": "subscription_id | started_at\n1 | 2025-01-01"})


def test_an_empty_optional_table_is_left_out(read):
    histories = read({"usage": USAGE, "payments": "customer_id | occurred_at | amount"})
    assert histories.empty == ("payments",)
    assert "payments" not in histories.tables
    assert (
        "payments" not in make_plan(histories, windows=(30,), known_before=date(2025, 3, 1)).tables
    )


@pytest.mark.parametrize(
    "options", [{"needed": ("churned",)}, {"needed_any": ("churned", "payments")}]
)
def test_a_table_that_is_needed_must_be_there(options, read):
    with pytest.raises(ContractBroken, match="needs the table churned"):
        read({"usage": USAGE}, **options)


@pytest.mark.parametrize("rows", ["", "\na | never"])
def test_a_table_that_is_needed_must_have_a_good_row(rows, read):
    tables = {"usage": USAGE, "churned": f"customer_id | churned_at{rows}"}
    with pytest.raises(ContractBroken, match="churned has no rows that can be used"):
        read(tables, needed=("churned",))


def test_attributes_are_numbers_booleans_or_text(read):
    customers = """
    customer_id | signed_up_at | seats | vip   | region | empty | since
    1           | 2025-01-01   | 3     | true  | north  |       | 2020-01-01
    2           | 2025-01-01   | 4.5   | False |        |       | 2021-01-01
    3           | 2025-01-01   |       |       | 12     |       | 2022-01-01
    """
    histories = read({"customers": customers})
    assert histories.attributes == {
        "seats": "number",
        "vip": "bool",
        "region": "text",
        "empty": "text",
        "since": "text",
    }
    assert rows_of(histories, "customers", "customer_id", "seats", "vip", "region") == [
        (1, 3.0, 1.0, "north"),
        (2, 4.5, 0.0, None),
        (3, None, None, "12"),
    ]


def aware(*parts, hours=0):
    return datetime(*parts, tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    "stamps",
    [
        # In Amsterdam it is an hour later than UTC in winter.
        pa.array(
            [aware(2025, 1, 31, 22, 59, 59), aware(2025, 1, 31, 23)], pa.timestamp("us", "UTC")
        ),
        pa.array([datetime(2025, 1, 31, 23, 59, 59), datetime(2025, 2, 1)]),
        pa.array([datetime(2025, 1, 31, 23, 59, 59), datetime(2025, 2, 1)], pa.timestamp("ns")),
        pa.array(["2025-01-31 23:59:59", "2025-02-01"]),
        pa.array(["2025-01-31T22:59:59Z", "2025-02-01 05:00:00+06"]),
        pa.array([date(2025, 1, 31), date(2025, 2, 1)]),
    ],
)
def test_naive_stamps_are_read_in_the_time_zone_and_aware_ones_converted(stamps, seen):
    usage = pa.table({"customer_id": [1, 2], "occurred_at": stamps, "event": ["a", "a"]})
    found = seen({"usage": usage}, "2025-02-01", "usage_count_30d", timezone="Europe/Amsterdam")
    assert found == {1: 1, 2: 0}


def test_a_day_of_23_hours_is_one_day(seen):
    """In Amsterdam 2025-03-30 has no hour from two to three, and ends at 22:00 UTC."""
    edges = [aware(2025, 3, 29, 22, 59, 59), aware(2025, 3, 29, 23)]
    edges += [aware(2025, 3, 30, 21, 59, 59), aware(2025, 3, 30, 22)]
    stamps = pa.array(edges, pa.timestamp("us", "UTC"))
    ids = [1, 2, 3, 4]
    usage = pa.table({"customer_id": ids, "occurred_at": stamps, "event": ["a"] * 4})
    found = seen(
        {"usage": usage}, "2025-03-31", "usage_count_1d", windows=(1,), timezone="Europe/Amsterdam"
    )
    assert found == {1: 0, 2: 1, 3: 1, 4: 0}


def test_a_day_of_25_hours_is_one_day(seen):
    """In Amsterdam 2025-10-26 begins at 22:00 UTC of the day before, and ends at 23:00 UTC."""
    edges = [aware(2025, 10, 25, 21, 59, 59), aware(2025, 10, 25, 22)]
    edges += [aware(2025, 10, 26, 22, 59, 59), aware(2025, 10, 26, 23)]
    stamps = pa.array(edges, pa.timestamp("us", "UTC"))
    usage = pa.table({"customer_id": [1, 2, 3, 4], "occurred_at": stamps, "event": ["a"] * 4})
    found = seen(
        {"usage": usage}, "2025-10-27", "usage_count_1d", windows=(1,), timezone="Europe/Amsterdam"
    )
    assert found == {1: 0, 2: 1, 3: 1, 4: 0}


# In Amsterdam the clock went back from three to two on 2025-10-26, at one o'clock UTC.
OPENED, CLOSED = aware(2025, 10, 26, 0, 50), aware(2025, 10, 26, 1, 10)
MOMENTS = {kind: pa.timestamp(kind, "UTC") for kind in ("ms", "us", "ns")}
TEXTS = ("2025-10-26T02:50:00+02:00", "2025-10-26T02:10:00+01:00")
NAIVE = (datetime(2025, 10, 26, 2, 50), datetime(2025, 10, 26, 2, 10))
IN_ORDER = {
    "moments": (pa.array([OPENED], MOMENTS["us"]), pa.array([CLOSED], MOMENTS["us"])),
    "other units": (pa.array([OPENED], MOMENTS["ns"]), pa.array([CLOSED], MOMENTS["ms"])),
    "offsets": (pa.array(TEXTS[:1]), pa.array(TEXTS[1:])),
    "an offset and a moment": (pa.array(TEXTS[:1]), pa.array([CLOSED], MOMENTS["us"])),
    "naive moments": (pa.array(NAIVE[:1]), pa.array(NAIVE[1:])),
    "naive text": (pa.array([str(NAIVE[0])]), pa.array([str(NAIVE[1])])),
}


@pytest.mark.parametrize("given", IN_ORDER)
def test_a_ticket_closed_after_the_clock_went_back_is_good(given, read, seen):
    """The wall clock says that it was closed before it was opened; no time to close is below 0."""
    opened, closed = IN_ORDER[given]
    tickets = pa.table(
        {"customer_id": [1], "ticket_id": [1], "opened_at": opened, "closed_at": closed}
    )
    histories = read({"tickets": tickets}, timezone="Europe/Amsterdam")
    assert histories.accounts["tickets"].quarantined == {}
    assert seen(histories, "2025-11-01", "tickets_hours_to_close_mean_30d")[1] >= 0


@pytest.mark.parametrize("given", [pa.array, lambda stamps: pa.array([str(s) for s in stamps])])
def test_a_ticket_closed_an_hour_before_it_was_opened_is_bad_on_that_day_too(given, read):
    """At half past three and half past two: the hour in between comes once."""
    opened, closed = datetime(2025, 10, 26, 4, 30), datetime(2025, 10, 26, 3, 30)
    tickets = pa.table(
        {
            "customer_id": [1, 1],
            "ticket_id": [1, 2],
            "opened_at": given([opened, closed]),
            "closed_at": given([closed, opened]),
        }
    )
    histories = read({"tickets": tickets}, timezone="Europe/Amsterdam")
    assert histories.accounts["tickets"].quarantined == {"closed_at_before_opened_at": 1}


def test_naive_stamps_in_an_hour_that_never_came_are_in_order(read):
    """In Amsterdam there was no half past two on 2025-03-30; some clocks did not know."""
    tickets = pa.table(
        {
            "customer_id": [1],
            "ticket_id": [1],
            "opened_at": [datetime(2025, 3, 30, 2, 30)],
            "closed_at": [datetime(2025, 3, 30, 3, 10)],
        }
    )
    assert read({"tickets": tickets}, timezone="Europe/Amsterdam").accounts["tickets"].bad == 0


@pytest.mark.parametrize("rows", ["", "\n | | ", "\na | never | login"])
def test_tables_without_any_good_row_are_refused(rows, read):
    with pytest.raises(ContractBroken) as error:
        read({"usage": f"customer_id | occurred_at | event{rows}"})
    assert error.value.exit_status == 3


def test_bad_rows_make_nobody_a_customer(read):
    """Without a table of customers; the later row of an id is bad, whoever it names."""
    subscriptions = """
    customer_id | subscription_id | started_at
    a           | 1               | 2025-02-01
    b           | 1               | 2025-03-01
    a           | 1               | 2026-01-01
    """
    histories = read({"usage": USAGE.replace("b ", "c "), "subscriptions": subscriptions})
    assert rows_of(histories, "customers", "customer_id", "signed_up_at") == [
        ("a", datetime(2025, 2, 1)),
        ("c", datetime(2025, 2, 3)),
    ]


OUR_NAMES = (
    *("customer_index", "Customer_Index", "quarantine_reason", "row_in_source", "day_of_sign_up"),
    *("month_before_sign_up", "day_after_end", "customer_left_at", "raw value: customer_id"),
    *("id of the join", "occurred_at", "subscription_id", 'a"b', "x'; --", " ", "select", "😀"),
)


@pytest.mark.parametrize("name", OUR_NAMES)
def test_no_name_of_an_attribute_is_in_our_way(name, read):
    customers = pa.table(
        {"customer_id": [1, 2], "signed_up_at": [datetime(2025, 1, 1)] * 2, name: ["p", "q"]}
    )
    churned = "customer_id | churned_at\n1 | 2025-02-02"
    usage = "customer_id | occurred_at | event\n1 | 2025-02-01 | a\n7 | 2025-02-01 | a"
    histories = read({"customers": customers, "churned": churned, "usage": usage})
    assert histories.customer_ids().to_pylist() == [1, 2]
    assert histories.accounts["usage"].quarantined == {"unknown_customer": 1}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"usage": USAGE}, datetime(2025, 2, 3)),
        (
            {
                "usage": USAGE,
                "tickets": """
                customer_id | ticket_id | opened_at  | closed_at
                a           | 1         | 2025-01-01 | 2025-02-09 10:30:00.5
                """,
            },
            datetime(2025, 2, 9, 10, 30, 0, 500_000),
        ),
        # Ends of subscriptions may lie in the future.
        (
            {
                "usage": USAGE,
                "subscriptions": """
                customer_id | subscription_id | started_at | ended_at   | cancelled_at
                a           | 1               | 2025-01-01 | 2026-01-01 | 2025-02-20
                """,
            },
            datetime(2025, 2, 20),
        ),
        (
            {
                "subscriptions": """
                customer_id | subscription_id | started_at | ended_at
                a           | 1               | 2025-01-01 | 2025-02-11
                """
            },
            datetime(2025, 2, 11),
        ),
    ],
)
def test_histories_end_with_the_last_moment_seen_in_them(tables, expected, read):
    assert read(tables).observed_until == expected
    assert read(tables, observed_until=date(2025, 3, 1)).observed_until == datetime(2025, 3, 1)


def test_the_end_given_with_an_offset_is_read_on_the_histories_clock(read):
    end = datetime(2025, 2, 28, 23, 0, tzinfo=UTC)
    histories = read({"usage": USAGE}, observed_until=end, timezone="Europe/Amsterdam")
    assert histories.observed_until == datetime(2025, 3, 1)


def test_an_attribute_may_have_the_name_of_a_column_of_ours(read):
    customers = """
    customer_id | signed_up_at | customer | raw_score
    7           | 2025-01-01   | Ann      | 3
    8           | 2025-01-01   | Bob      | 4
    """
    histories = read({"customers": customers})
    assert histories.attributes == {"customer": "text", "raw_score": "number"}
