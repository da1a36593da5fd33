"""Tickets after failed payments, against loops over pairs of rows."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CUTOFFS = ["2025-03-01", "2025-03-03", "2025-04-01"]
WINDOWS = (7, 30)
DAY = timedelta(days=1)
TIME = pa.timestamp("us")
PAYMENT = {"occurred_at": TIME, "amount": pa.float64(), "status": pa.string(), "available_at": TIME}
TICKET = {"ticket_id": pa.int64(), "opened_at": TIME, "available_at": TIME}


def reference(failures, tickets, cutoff):
    """Tickets by window before which a payment had failed, at most 14 days earlier."""
    after = [at for at in tickets if any(timedelta(0) <= at - f <= 14 * DAY for f in failures)]
    return {
        f"tickets_after_failure_count_{days}d": sum(at >= cutoff - days * DAY for at in after)
        for days in WINDOWS
    }


@settings(max_examples=6)
@given(data=st.data())
def test_pairs_agree_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, WINDOWS)
    known = {"customer_id": st.sampled_from([1, 2]), "available_at": st.none() | moment}
    status = st.sampled_from(["paid", "failed"])
    payment = st.fixed_dictionaries(
        {**known, "occurred_at": moment, "amount": st.just(10.0), "status": status}
    )
    payments = data.draw(st.lists(payment, min_size=1, max_size=15))
    tickets = data.draw(
        st.lists(st.fixed_dictionaries({**known, "opened_at": moment}), min_size=1, max_size=15)
    )
    tickets = [row | {"ticket_id": number} for number, row in enumerate(tickets)]

    def expected(customer, cutoff):
        def of(rows, time):
            return [
                row[time]
                for row in rows
                if row["customer_id"] == customer
                and row[time] < cutoff
                and (row["available_at"] is None or row["available_at"] < cutoff)
            ]

        failed = [row for row in payments if row["status"] == "failed"]
        return reference(of(failed, "occurred_at"), of(tickets, "opened_at"), cutoff)

    schemas = [pa.schema({"customer_id": pa.int64(), **rest}) for rest in (PAYMENT, TICKET)]
    tables = {
        "payments": pa.Table.from_pylist(payments, schemas[0]),
        "tickets": pa.Table.from_pylist(tickets, schemas[1]),
    }
    found = vectors(tables, CUTOFFS, windows=WINDOWS)
    agree(found, "tickets", expected, part="comovement")


TABLES = {
    "payments": """
    customer_id | occurred_at         | amount | status
    1           | 2025-01-10          | 10     | failed
    2           | 2025-01-10          | 10     | paid
    3           | 2025-01-10 12:00:00 | 10     | failed
    """,
    "tickets": """
    customer_id | ticket_id | opened_at
    1           | a         | 2025-01-09
    1           | b         | 2025-01-10
    1           | c         | 2025-01-24
    1           | d         | 2025-01-24 00:00:00.000001
    2           | e         | 2025-01-11
    3           | f         | 2025-02-01
    """,
}


def test_what_small_tables_say(seen):
    found = seen(TABLES, "2025-02-01", "tickets_after_failure_count_30d")
    assert found == {1: 2, 2: 0, 3: 0}


@pytest.mark.parametrize("alone", ["payments", "tickets"])
def test_one_table_alone_makes_no_pairs(vectors, alone):
    names = vectors({alone: TABLES[alone]}, ["2025-02-01"]).names
    assert "tickets_after_failure_count_30d" not in names
