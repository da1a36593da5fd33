"""What is odd in usable histories is told with its rows; what is usual is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from features import inspection
from features.inspection import identical_rows, inspect
from features.sources import Source

CUSTOMERS = """
customer_id | signed_up_at
1           | 2025-01-01 12:00
2           | 2025-01-01 12:00
"""


@pytest.fixture
def odd(read, tmp_path):
    """What is odd, by table and kind: ``{("usage", "identical"): finding}``."""

    def of(tables, **options):
        found = inspect(read(tables, **options), Source(str(tmp_path)))
        assert len({(each.table, each.kind) for each in found}) == len(found)
        return {(each.table, each.kind): each for each in found}

    return of


CLEAN = """
customer_id | occurred_at | event
1           | 2025-02-01  | login
1           | 2025-02-01  | email
2           | 2025-02-01  | login
"""


def test_clean_tables_have_nothing_odd(odd):
    assert odd({"customers": CUSTOMERS, "usage": CLEAN}) == {}


def test_identical_rows_are_counted_and_kept(odd):
    usage = CLEAN + "1 | 2025-02-01 | login\n" * 2
    found = odd({"customers": CUSTOMERS, "usage": usage})
    assert found["usage", "identical"].rows == 2
    assert "they are kept" in found["usage", "identical"].evidence


def test_rows_that_differ_in_a_column_that_is_not_read_are_not_identical(odd):
    usage = "customer_id|occurred_at|event|page\n1|2025-02-01|a|x\n1|2025-02-01|a|y"
    assert list(odd({"customers": CUSTOMERS, "usage": usage})) == [("usage", "not_read")]


def test_tables_with_row_ids_have_no_identical_rows_but_repeated_ids(odd):
    tickets = "customer_id|ticket_id|opened_at\n1|a|2025-02-01\n1|a|2025-02-01"
    assert odd({"customers": CUSTOMERS, "tickets": tickets}) == {}


def test_identical_rows_of_large_tables_are_counted_in_a_sample(odd, read, monkeypatch):
    rows = [
        {"customer_id": n, "occurred_at": datetime(2025, 2, 1), "event": "a"} for n in range(1000)
    ]
    histories = read({"usage": rows * 2})
    assert identical_rows(histories, "usage") == 1000
    assert identical_rows(histories, "usage", one_in=4) == pytest.approx(1000, rel=0.2)
    monkeypatch.setattr(inspection, "EXACT_ROWS", 1000)
    monkeypatch.setattr(inspection, "SAMPLED_ROWS", 500)
    found = odd({"usage": rows * 2})["usage", "identical"]
    assert found.rows == pytest.approx(1000, rel=0.2)
    assert "counted for one in 4 customers" in found.evidence


@pytest.mark.parametrize(
    "strangers", [["7", "7", "8"], [7, 7, 8], [7.0, 7.0, 8.0], ["O'Brien", "O'Brien", "😀"]]
)
def test_customers_nobody_knows_are_counted_and_some_are_named(strangers, odd):
    at = datetime(2025, 2, 1)
    rows = [
        {"customer_id": who, "occurred_at": at, "event": str(n)} for n, who in enumerate(strangers)
    ]
    found = odd({"customers": CUSTOMERS, "usage": rows})["usage", "unknown_customer"]
    assert found.rows == 3
    assert "3 rows name 2 customers" in found.evidence
    assert str(strangers[0]).removesuffix(".0") in found.evidence


SUBSCRIPTIONS = """
customer_id | subscription_id | started_at
1           | 10              | 2025-01-01
2           | 20              | 2025-01-01
"""


def test_subscriptions_nobody_knows_are_counted_beside_rows_that_name_none(odd):
    usage = """
    subscription_id | occurred_at | event
    10              | 2025-02-01  | a
    99              | 2025-02-01  | a
                    | 2025-02-01  | a
    """
    tables = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS, "usage": usage}
    found = odd(tables)["usage", "unknown_customer"]
    assert found.rows == 1
    assert "such as 99" in found.evidence


@pytest.mark.parametrize(
    ("occurred_at", "rows"), [("2024-12-02 12:00", None), ("2024-12-02 11:59", 1)]
)
def test_rows_a_month_before_the_sign_up_are_odd(occurred_at, rows, odd):
    usage = f"customer_id | occurred_at | event\n1 | {occurred_at} | a\n1 | 2025-02-01 | a"
    found = odd({"customers": CUSTOMERS, "usage": usage}).get(("usage", "long_before_sign_up"))
    assert (found and found.rows) == rows


@pytest.mark.parametrize(("occurred_at", "rows"), [("2025-03-01 23:59", None), ("2025-03-02", 1)])
def test_rows_after_the_day_on_which_the_customer_left_are_odd(occurred_at, rows, odd):
    tables = {
        "customers": CUSTOMERS,
        "churned": "customer_id | churned_at\n1 | 2025-03-01 08:00",
        "usage": f"customer_id|occurred_at|event\n1|{occurred_at}|a\n2|{occurred_at}|a",
    }
    found = odd(tables).get(("usage", "after_end"))
    assert (found and found.rows) == rows


START = datetime(2025, 1, 1, 12)


def daily(days, *more):
    at = [START + timedelta(days=n) for n in range(days)] + list(more)
    return [{"customer_id": 1, "occurred_at": each, "event": "a", "amount": 1.0} for each in at]


def test_rows_of_wrong_clocks_are_counted_with_their_dates(odd):
    usage = daily(120, datetime(1970, 1, 1), datetime(2099, 1, 1), datetime(2099, 1, 2))
    found = odd({"usage": usage})
    assert found["usage", "long_before_all"].rows == 1
    assert "from 1970-01-01 on" in found["usage", "long_before_all"].evidence
    assert found["usage", "after_the_end"].rows == 2
    assert "up to 2099-01-02" in found["usage", "after_the_end"].evidence


@pytest.mark.parametrize(("payments", "stops"), [(135, True), (134, False)])
def test_a_table_that_stops_early_is_told(payments, stops, odd):
    """After 14 days of silence, where there was something every day before."""
    found = odd({"usage": daily(120), "payments": daily(payments)})
    assert (("usage", "stops_early") in found) == stops
    if stops:
        assert (
            "last usual day is 2025-04-30, 15 days before" in found["usage", "stops_early"].evidence
        )


def test_a_table_that_was_silent_before_does_not_stop_early(odd):
    monthly = [START + timedelta(days=30 * n) for n in range(5)]
    surveys = [{"customer_id": 1, "occurred_at": at, "kind": "nps", "score": 1} for at in monthly]
    found = odd({"usage": daily(220), "surveys": surveys})
    assert ("surveys", "stops_early") not in found


PAYMENTS = """
customer_id | occurred_at | amount | Currency
1           | 2025-02-01  | 1      | EUR
1           | 2025-02-02  | 1      | EUR
2           | 2025-02-02  | 1      | {other}
"""


@pytest.mark.parametrize(("other", "mixed"), [("EUR", False), ("USD", True), ("", True)])
def test_mixed_currencies_are_told(other, mixed, odd):
    found = odd({"customers": CUSTOMERS, "payments": PAYMENTS.format(other=other)})
    assert (("payments", "mixed_currencies") in found) == mixed
    if mixed:
        assert f"EUR 2, {other or 'none'} 1" in found["payments", "mixed_currencies"].evidence


def test_columns_and_files_that_nothing_reads_are_named(read, write):
    folder = write({"customers": CUSTOMERS, "usage": CLEAN, "Payment": PAYMENTS, "notes": "a | b"})
    (folder / "readme.txt").write_text("no table")
    (folder / ".hidden.csv").write_text("a,b")
    found = inspect(read({"customers": CUSTOMERS, "usage": CLEAN}), Source(str(folder)))
    told = {each.table: each.evidence for each in found if each.kind == "not_read"}
    assert sorted(told) == ["Payment.csv", "notes.csv"]
    assert '[data.tables] payments = "Payment.csv"' in told["Payment.csv"]
    assert "say so" not in told["notes.csv"]


def test_columns_that_are_not_read_are_named(odd):
    usage = [{"customer_id": 1, "occurred_at": START, "event": "a", "page": "x", "ms": 3}]
    found = odd({"usage": usage})["usage", "not_read"]
    assert found.evidence.endswith(": page, ms")


def test_texts_with_many_values_are_told(odd):
    rows = [
        f"{n} | 2025-01-01 | customer{n}@example.org | r{min(n // 10, 54)} | {n % 50}x"
        for n in range(600)
    ]
    customers = "\n".join(["customer_id | signed_up_at | email | region | kind", *rows])
    usage = "customer_id | occurred_at | event\n1 | 2025-01-02 | x"
    found = odd({"customers": customers, "usage": usage})
    assert found["customers", "many_values"].evidence == (
        "email has 600 values, and no 10 rows share one: no feature is made of it; "
        "region has 55 values: the 50 commonest (92% of the rows) are told apart, all others are "
        "'other'"
    )


def test_events_of_many_kinds_are_told(odd):
    rows = [f"{1 + n % 2} | 2025-01-20 | {'login' if n % 4 else f'page {n}'}" for n in range(240)]
    found = odd({"customers": CUSTOMERS, "usage": "\n".join([CLEAN.strip(), *rows])})
    assert found["usage", "many_values"].evidence == (
        "event has 61 values: the 12 commonest (80% of the rows) are counted, each by itself"
    )


def test_the_index_that_pandas_wrote_is_no_attribute(odd):
    given = pa.table(
        {"customer_id": [1], "signed_up_at": [START], "tier": [3], "__index_level_0__": [7]}
    )
    found = odd({"customers": given, "usage": CLEAN})
    assert found["customers", "not_read"].evidence.endswith(": __index_level_0__")
