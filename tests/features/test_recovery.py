"""Failed payments in a row and recoveries, against loops over the rows in their order."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CUTOFFS = ["2025-03-01", "2025-03-03", "2025-04-01"]
WINDOWS = (7, 30)
DAY = timedelta(days=1)
SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "occurred_at": pa.timestamp("us"),
        "amount": pa.float64(),
        "status": pa.string(),
        "available_at": pa.timestamp("us"),
    }
)


def reference(known, cutoff):
    """What the features mean: one row after the other; failures before payments that came along."""
    rows = sorted((r["occurred_at"], r["status"]) for r in known if r["status"] != "refunded")
    run, longest, began, ends, recovered = 0, 0, None, 0, []
    for at, status in rows:
        if status == "failed":
            began = began if run else at
            run += 1
            longest = max(longest, run)
        elif run:
            run, ends = 0, ends + 1
            recovered += [at] if at - began <= 14 * DAY else []
    failures = ends + (run > 0)
    return {
        "payments_failed_run": run,
        "payments_failed_run_days": (cutoff - began) / DAY if run else None,
        "payments_failed_run_max": longest,
        "payments_recovered_share": len(recovered) / failures if failures else None,
        **{
            f"payments_recovered_count_{days}d": sum(at >= cutoff - days * DAY for at in recovered)
            for days in WINDOWS
        },
    }


@settings(max_examples=8)
@given(data=st.data())
def test_runs_agree_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, WINDOWS)
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([1, 2]),
            "occurred_at": moment,
            "amount": st.just(10.0),
            "status": st.sampled_from(["paid", "failed", "failed", "refunded"]),
            "available_at": st.none() | moment,
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=40))

    def expected(customer, cutoff):
        known = [
            row
            for row in rows
            if row["customer_id"] == customer
            and row["occurred_at"] < cutoff
            and (row["available_at"] is None or row["available_at"] < cutoff)
        ]
        return reference(known, cutoff)

    found = vectors({"payments": pa.Table.from_pylist(rows, SCHEMA)}, CUTOFFS, windows=WINDOWS)
    agree(found, "payments", expected, part="recovery")


PAYMENTS = {
    "payments": """
    customer_id | occurred_at                | amount | status
    1           | 2025-01-01                 | 10     | failed
    1           | 2025-01-04                 | 10     | failed
    1           | 2025-01-15                 | 10     | paid
    1           | 2025-01-30                 | 10     | failed
    1           | 2025-01-31                 | 10     | refunded
    1           | 2025-02-01                 | 10     | paid
    2           | 2025-01-01                 | 10     | failed
    2           | 2025-01-15 00:00:00.000001 | 10     | paid
    3           | 2025-01-20                 | 10     | paid
    3           | 2025-01-20                 | 10     | failed
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("payments_failed_run", {1: 1, 2: 0, 3: 0}),
        ("payments_failed_run_days", {1: 2, 2: None, 3: None}),
        ("payments_failed_run_max", {1: 2, 2: 1, 3: 1}),
        # Paid 14 days after the first failure, and a microsecond later than that.
        ("payments_recovered_count_30d", {1: 1, 2: 0, 3: 1}),
        ("payments_recovered_share", {1: 0.5, 2: 0, 3: 1}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(PAYMENTS, "2025-02-01", feature) == expected


def test_a_payment_that_became_known_late_ends_the_run_only_then(vectors):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | status | available_at
        1           | 2025-01-01  | 10     | failed |
        1           | 2025-01-02  | 10     | paid   | 2025-01-25
        1           | 2025-01-10  | 10     | failed |
        """
    }
    frame = vectors(tables, ["2025-01-25", "2025-01-26"]).frame
    assert frame["payments_failed_run"].tolist() == [2, 1]
    assert frame["payments_failed_run_days"].tolist() == [24, 16]
    assert frame["payments_recovered_share"].tolist() == [0, 0.5]
