"""Each fault gives its reason, and no row is lost: rows = used + quarantined."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ContractBroken
from features.histories import read_histories
from features.sources import Source
from features.tables import TABLES

CUSTOMERS = """
customer_id | signed_up_at
1           | 2025-01-01
2           | 2025-01-01
"""


@pytest.fixture(scope="session")
def reasons(read):
    """What is set aside of one table, beside good customers: reason -> rows."""

    def of(name, rows, **options):
        return read({"customers": CUSTOMERS, name: rows}, **options).accounts[name].quarantined

    return of


USAGE = """
customer_id | occurred_at         | event | value | reason
1           | 2025-02-01          | login | 1.5   |
1           | 2025-02-01 10:00:00 | login |       |
            | 2025-02-01          | login | 1     | null_customer_id
3           | 2025-02-01          | login | 1     | unknown_customer
1           |                     | login | 1     | null_occurred_at
1           | yesterday           | login | 1     | unparsable_occurred_at
1           | 2025-02-30          | login | 1     | unparsable_occurred_at
1           | 2025-02-01          |       | 1     | null_event
1           | 2025-02-01          | login | one   | unparsable_value
1           | 2025-02-01          | login | inf   | not_finite_value
1           | 2025-02-01          | login | nan   | not_finite_value
1           | 2025-02-01          | login | 1e16  | out_of_range_value
"""
PAYMENTS = """
customer_id | occurred_at | amount | status   | due_at     | reason
1           | 2025-02-01  | 10     | paid     | 2025-02-01 |
1           | 2025-02-01  | -3     | Refunded |            |
1           | 2025-02-01  |        | paid     |            | null_amount
1           | 2025-02-01  | ten    | paid     |            | unparsable_amount
1           | 2025-02-01  | 10     | bounced  |            | unknown_status
1           | 2025-02-01  | 10     | paid     | soon       | unparsable_due_at
"""
TICKETS = """
customer_id | ticket_id | opened_at        | closed_at        | reopened | reason
1           | a         | 2025-02-01       | 2025-02-01       | yes |
1           | b         | 2025-02-01       |                  |     |
1           | c         | 2025-02-01 10:00 | 2025-02-01 09:59 | no  | closed_at_before_opened_at
1           | a         | 2025-02-05       |                  |     | repeated_ticket_id
1           |           | 2025-02-05       |                  |     | null_ticket_id
1           | d         | 2025-02-05       |                  | who | unparsable_reopened
"""
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at | billing_period | valid_from | reason
1 | a | 2025-02-01 |            | Month  |            |
1 | a | 2025-02-01 |            | year   | 2025-03-01 |
1 | a | 2025-02-02 |            | year   | 2025-03-01 | repeated_subscription_id
1 | a | 2025-02-02 |            | year   |            | repeated_subscription_id
1 | b | 2025-02-01 | 2025-01-31 |        |            | ended_at_before_started_at
1 | b | 2025-02-01 | 2025-02-01 |        |            |
1 | c | 2025-02-01 |            | decade |            | unknown_billing_period
"""
CONTACTS = """
customer_id | occurred_at | campaign | action | group   | reason
1           | 2025-02-01  | spring   | call   | treated |
1           | 2025-02-01  | spring   | call   | HOLDOUT |
1           | 2025-02-01  | spring   | call   | others  | unknown_group
1           | 2025-02-01  | spring   | call   |         | null_group
"""
DIRTY = {
    "usage": USAGE,
    "payments": PAYMENTS,
    "tickets": TICKETS,
    "subscriptions": SUBSCRIPTIONS,
    "contacts": CONTACTS,
}


def _last_column(text):
    return [line.split("|")[-1].strip() for line in text.strip().splitlines()[1:]]


@pytest.mark.parametrize("name", DIRTY)
def test_each_fault_has_its_reason_and_the_other_rows_are_used(name, read):
    histories = read({"customers": CUSTOMERS, name: DIRTY[name]})
    expected = _last_column(DIRTY[name])
    account = histories.accounts[name]
    assert account.quarantined == {r: expected.count(r) for r in sorted(set(expected)) if r}
    assert account.rows == len(expected)
    assert account.used == expected.count("")
    assert histories.engine.execute(histories.tables[name].count()) == account.used


def test_bad_rows_are_kept_as_they_were_given_with_the_reason(read):
    histories = read({"customers": CUSTOMERS, "payments": PAYMENTS})
    rows = histories.engine.to_pyarrow(histories.quarantined["payments"]).to_pylist()
    ten = next(row for row in rows if row["amount"] == "ten")
    assert ten == {
        "customer_id": "1",
        "occurred_at": "2025-02-01",
        "amount": "ten",
        "status": "paid",
        "due_at": None,
        "quarantine_reason": "unparsable_amount",
    }


def test_bad_customers_are_set_aside_and_their_rows_are_rows_of_nobody(read):
    tables = {
        "customers": """
        customer_id | signed_up_at
        1           | 2025-01-01
        1           | 2025-01-02
        2           | never
                    | 2025-01-01
        """,
        "usage": """
        customer_id | occurred_at | event
        1           | 2025-02-01  | login
        2           | 2025-02-01  | login
        """,
    }
    accounts = read(tables).accounts
    assert accounts["customers"].quarantined == {
        "null_customer_id": 1,
        "repeated_customer_id": 1,
        "unparsable_signed_up_at": 1,
    }
    assert accounts["usage"].quarantined == {"unknown_customer": 1}


def test_identical_rows_of_a_table_without_row_ids_are_kept(read, seen):
    usage = "customer_id | occurred_at | event\n" + "1 | 2025-02-01 | login\n" * 3
    histories = read({"customers": CUSTOMERS, "usage": usage})
    assert histories.accounts["usage"].used == 3
    assert seen(histories, "2025-02-02", "usage_count_30d") == {1: 3, 2: 0}


CELLS = st.sampled_from(["", "1", "2", "9", "x", "2025-02-01", "2025-02-31", "paid", "1e99", "nan"])


@settings(max_examples=6)
@given(data=st.data())
def test_no_row_is_lost_however_dirty_the_tables_are(data, read):
    tables = {"customers": CUSTOMERS}
    for name in ("subscriptions", "usage", "payments", "tickets", "surveys", "contacts"):
        columns = [column.name for column in TABLES[name].columns]
        row = st.lists(CELLS, min_size=len(columns), max_size=len(columns))
        rows = data.draw(st.lists(row, max_size=12))
        lines = ["|".join(columns), *("|".join(row) for row in rows if any(row))]
        tables[name] = "\n".join(lines)
    histories = read(tables, observed_until=datetime(2025, 6, 1))
    for name, account in histories.accounts.items():
        given_rows = len(tables[name].strip().splitlines()) - 1
        bad = histories.quarantined.get(name)
        quarantined = 0 if bad is None else histories.engine.execute(bad.count())
        assert account.rows == given_rows == account.used + quarantined
        assert account.bad == quarantined == sum(account.quarantined.values())


def test_more_bad_rows_than_allowed_stop_with_table_reason_and_examples(read):
    usage = "customer_id | occurred_at | event\n" + "1 | 2025-02-01 | login\n" * 18
    usage += "1 | someday | login\n2 | maybe | login\n"
    tables = {"customers": CUSTOMERS, "usage": usage}
    assert read(tables, max_bad_share=0.1).accounts["usage"].bad == 2
    with pytest.raises(ContractBroken) as error:
        read(tables, max_bad_share=0.09)
    assert "table usage: 2 of 20 (unparsable_occurred_at 2)" in error.value.what
    assert "occurred_at = 'someday'" in error.value.value
    assert "usage.csv" in error.value.where
    assert "9%" in error.value.allowed
    assert error.value.exit_status == 3


@pytest.mark.parametrize(
    ("header", "lacks", "fix"),
    [
        ("user_id | occurred_at | event", "customer_id", 'customer_id = "user_id"'),
        ("customer_id | occured | event", "occurred_at", 'occurred_at = "occured"'),
        ("customer_id | occurred_at | zzz", "event", 'event = "THEIR_NAME"'),
    ],
)
def test_a_missing_column_is_named_with_the_near_one(header, lacks, fix, read):
    with pytest.raises(ContractBroken, match=f"usage lacks the required column {lacks}") as error:
        read({"customers": CUSTOMERS, "usage": header + "\n1 | 2025-02-01 | login"})
    assert error.value.fix.endswith(f"[data.columns.usage] {fix}")


def _parquet(**columns):
    return pa.table(columns)


@pytest.mark.parametrize(
    ("customers", "usage", "expected"),
    [
        # Numbers here and text there are the same customers.
        ([1, 2], ["2", "1"], [1, 2]),
        ([1.0, 2.0], [2, 1], [1, 2]),
        (["1", "2"], [1.0, 2.0], [1, 2]),
        # "007" is no number: it would become another customer.
        (["007", "7"], ["7", "007"], ["007", "7"]),
        (["1", "b"], ["b", "1"], ["1", "b"]),
        ([1, 2], ["1", "x2"], [1, 2]),
    ],
)
def test_ids_are_numbers_in_all_tables_or_text_in_all_tables(customers, usage, expected, read):
    at = [datetime(2025, 1, 1)] * 2
    histories = read(
        {
            "customers": _parquet(customer_id=customers, signed_up_at=at),
            "usage": _parquet(customer_id=usage, occurred_at=at, event=["a", "a"]),
        }
    )
    assert histories.customer_ids().to_pylist() == expected
    strangers = sum("x" in str(customer) for customer in usage)
    assert histories.accounts["usage"].bad == strangers


def test_numbers_where_times_are_needed_are_refused_with_a_hint(read):
    usage = _parquet(customer_id=[1], occurred_at=[1_735_689_600], event=["login"])
    with pytest.raises(ContractBroken, match=r"usage.occurred_at holds numbers") as error:
        read({"customers": CUSTOMERS, "usage": usage})
    assert "to_timestamp" in error.value.fix


@pytest.mark.parametrize("event", [["a", "b"], {"name": "a"}])
def test_what_has_parts_is_no_text(event, read):
    usage = _parquet(customer_id=[1], occurred_at=[datetime(2025, 1, 1)], event=[event])
    with pytest.raises(ContractBroken, match=r"usage\.event holds values of the type") as error:
        read({"customers": CUSTOMERS, "usage": usage})
    assert error.value.allowed == "text"


def test_bytes_that_are_no_text_are_refused_before_anything_is_made_of_them(read):
    usage = pa.table(
        {"customer_id": [1], "occurred_at": [datetime(2025, 1, 1)], "event": pa.array([b"\xff"])}
    )
    with pytest.raises(ContractBroken, match="usage cannot be read") as error:
        read({"customers": CUSTOMERS, "usage": usage})
    assert "UTF-8" in error.value.allowed


def test_seconds_since_1970_in_a_csv_file_are_no_times(reasons):
    usage = "customer_id | occurred_at | event\n1 | 1735689600 | login"
    assert reasons("usage", usage) == {"unparsable_occurred_at": 1}


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "12025-02-01", "0044-03-15 (BC)"])
def test_a_time_beyond_all_calendars_is_a_fault(moment, reasons):
    usage = f"customer_id | occurred_at | event\n1 | {moment} | login\n1 | 2025-02-01 | login"
    assert sum(reasons("usage", usage).values()) == 1


def test_whole_numbers_can_be_too_large_as_well(reasons):
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 2, 1), "event": "a", "value": 9 * 10**18}
    ]
    assert reasons("usage", rows * 2) == {"out_of_range_value": 2}


NAN = float("nan")


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("parts", [[[NAN, 1.0], [2.0]], [[1.0], [2.0, NAN]], [[1.0, NAN, 2.0]]])
def test_a_value_that_is_no_number_is_bad_whatever_the_file_says_of_its_values(
    parts, kind, tmp_path
):
    """Files tell the range of their values, in which NaN does not count."""
    (tmp_path / "usage").mkdir()
    for number, values in enumerate(parts):
        at = [datetime(2025, 2, 1)] * len(values)
        columns = {
            "customer_id": [1] * len(values),
            "occurred_at": at,
            "event": ["a"] * len(values),
        }
        table = pa.table(columns | {"value": pa.array(values, kind)})
        pq.write_table(table, tmp_path / "usage" / f"{number}.parquet")
    histories = read_histories(Source(str(tmp_path)), max_bad_share=1)
    assert histories.accounts["usage"].quarantined == {"not_finite_value": 1}
    histories.close()


@pytest.mark.parametrize(
    ("ids", "good", "reason"),
    [
        ([1.0, 1.5, 2.0], [1, 2], "unparsable_customer_id"),
        ([1.0, 1e300, 2.0], [1, 2], "unparsable_customer_id"),
        ([1.0, NAN, 2.0], [1, 2], "unparsable_customer_id"),
        (["1", "", "2"], [1, 2], "null_customer_id"),
        ([b"a", None, "ключ".encode()], ["a", "ключ"], "null_customer_id"),
    ],
)
def test_what_is_no_id_is_set_aside(ids, good, reason, read):
    at = [datetime(2025, 1, 1)] * 3
    histories = read({"customers": _parquet(customer_id=ids, signed_up_at=at)})
    assert histories.customer_ids().to_pylist() == good
    assert histories.accounts["customers"].quarantined == {reason: 1}


@pytest.mark.parametrize("row_id", ["", None])
def test_rows_without_a_row_id_are_set_aside_not_taken_for_repetitions(row_id, read):
    at = [datetime(2025, 2, 1)] * 3
    tickets = _parquet(customer_id=[1] * 3, ticket_id=["a", row_id, row_id], opened_at=at)
    histories = read({"customers": CUSTOMERS, "tickets": tickets})
    assert histories.accounts["tickets"].quarantined == {"null_ticket_id": 2}


def test_whole_numbers_held_as_decimals_are_the_same_ids(read):
    at = [datetime(2025, 2, 1)] * 2
    ids = pa.array([Decimal("1.00"), Decimal("2.00")], pa.decimal128(10, 2))
    usage = _parquet(customer_id=ids, occurred_at=at, event=["a", "a"])
    assert read({"customers": CUSTOMERS, "usage": usage}).accounts["usage"].bad == 0


@pytest.mark.parametrize("moment", ["1/2/25", "13-02-25", "44-01-01", "epoch", "3-4-5"])
def test_text_with_a_year_of_two_digits_is_no_time(moment, reasons):
    """The engine takes 1/2/25 for the 25th of February of the year 1."""
    usage = f"customer_id | occurred_at | event\n1 | {moment} | a\n1 | 2025-02-01 | a"
    assert reasons("usage", usage) == {"unparsable_occurred_at": 1}


def test_parts_whose_types_cannot_meet_are_told(tmp_path):
    (tmp_path / "usage").mkdir()
    for name, event in (("a", "login"), ("b", {"kind": "login"})):
        table = _parquet(customer_id=[1], occurred_at=[datetime(2025, 2, 1)], event=[event])
        pq.write_table(table, tmp_path / "usage" / f"{name}.parquet")
    with pytest.raises(ContractBroken, match="usage cannot be read"):
        read_histories(Source(str(tmp_path)), max_bad_share=1)
