"""`payments`: amounts, failures, lateness and rhythm, against loops over the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log

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
        "due_at": pa.timestamp("us"),
        "available_at": pa.timestamp("us"),
    }
)


def reference(rows):
    """What the features mean, as loops."""

    def of(customer, cutoff):
        seen = [
            row
            for row in rows
            if row["customer_id"] == customer
            and row["occurred_at"] < cutoff
            and (row["available_at"] is None or row["available_at"] < cutoff)
        ]
        values = _ever(seen, cutoff)
        for days in WINDOWS:
            now = _within(seen, cutoff - days * DAY, cutoff)
            before = _within(seen, cutoff - 2 * days * DAY, cutoff - days * DAY)
            values |= {f"payments_{k}_{days}d": v for k, v in _window(now, before).items()}
        return values

    return of


def _within(rows, start, stop):
    return [row for row in rows if start <= row["occurred_at"] < stop]


def _amounts(rows, status):
    return [row["amount"] for row in rows if row["status"] == status]


def _since(rows, status, cutoff):
    times = [row["occurred_at"] for row in rows if row["status"] == status]
    return (cutoff - max(times)) / DAY if times else None


def _window(now, before):
    paid, failed = _amounts(now, "paid"), _amounts(now, "failed")
    late = [
        max((row["occurred_at"].date() - row["due_at"].date()).days, 0)
        for row in now
        if row["status"] == "paid" and row["due_at"] is not None
    ]
    was = max(sum(_amounts(before, "paid")), 0)
    return {
        "paid_count": len(paid),
        "paid_sum": sum(paid),
        "paid_mean": sum(paid) / len(paid) if paid else None,
        "paid_max": max(paid) if paid else None,
        "paid_trend": log((max(sum(paid), 0) + 1) / (was + 1)),
        "refunded_sum": sum(abs(amount) for amount in _amounts(now, "refunded")),
        "failed_count": len(failed),
        "failed_share": len(failed) / (len(failed) + len(paid)) if failed or paid else None,
        "late_share": sum(days >= 1 for days in late) / len(late) if late else None,
        "days_late_mean": sum(late) / len(late) if late else None,
        "days_late_max": max(late) if late else None,
    }


def _ever(seen, cutoff):
    paid = [row for row in seen if row["status"] == "paid"]
    total = sum(_amounts(seen, "paid"))
    refunded = sum(abs(amount) for amount in _amounts(seen, "refunded"))
    since = _since(seen, "paid", cutoff)
    first = (cutoff - min(row["occurred_at"] for row in paid)) / DAY if paid else None
    gap = (first - since) / (len(paid) - 1) if len(paid) > 1 else None
    mean = abs(total / len(paid)) if paid else 0
    last = max(((row["occurred_at"], row["amount"]) for row in paid), default=(None, None))[1]
    failed = _since(seen, "failed", cutoff)
    return {
        "payments_paid_count_ever": len(paid),
        "payments_paid_sum_ever": total,
        "payments_last_amount_vs_own": last / mean if mean else None,
        "payments_refunded_share_ever": (
            refunded / max(total, refunded) if max(total, refunded) > 0 else None
        ),
        "payments_days_since_failed": failed,
        "payments_last_failed": float(failed is not None and (since is None or failed < since)),
        "payments_days_since_last": since,
        "payments_days_since_first": first,
        "payments_gap_mean": gap,
        "payments_days_since_last_vs_gap": None if gap is None else since / max(gap, 1),
    }


@settings(max_examples=8)
@given(data=st.data())
def test_every_feature_agrees_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, WINDOWS)
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([1, 2, 3]),
            "occurred_at": moment,
            "amount": st.integers(1, 100_000).map(lambda cents: cents / 100),
            "status": st.sampled_from(["paid", "paid", "failed", "refunded"]),
            "due_at": st.none() | moment,
            "available_at": st.none() | moment,
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=40))
    tables = {"payments": pa.Table.from_pylist(rows, SCHEMA)}
    agree(vectors(tables, CUTOFFS, windows=WINDOWS), "payments", reference(rows))


SHARES = {
    "payments": """
    customer_id | occurred_at         | amount | status   | due_at
    1           | 2025-01-05          | 20     | paid     | 2025-01-05 18:00:00
    1           | 2025-01-12          | 20     | paid     | 2025-01-08
    1           | 2025-01-19          | 20     | failed   | 2025-01-19
    2           | 2025-01-05          | 30     | failed   |
    2           | 2025-01-06          | 30     | paid     |
    2           | 2025-01-09          | 30     | refunded |
    3           | 2024-01-05          | 50     | paid     |
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("payments_paid_sum_30d", {1: 40, 2: 30, 3: 0}),
        ("payments_failed_share_30d", {1: 1 / 3, 2: 0.5, 3: None}),
        ("payments_late_share_30d", {1: 0.5, 2: None, 3: None}),
        ("payments_days_late_max_30d", {1: 4, 2: None, 3: None}),
        ("payments_last_failed", {1: 1, 2: 0, 3: 0}),
        ("payments_refunded_share_ever", {1: 0, 2: 1, 3: 0}),
        ("payments_days_since_last", {1: 20, 2: 26, 3: 393}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(SHARES, "2025-02-01", feature) == expected


def test_without_a_status_every_row_is_paid(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount
        1           | 2025-01-05  | 20
        1           | 2025-01-06  | 22.5
        """
    }
    assert seen(tables, "2025-02-01", "payments_paid_sum_30d") == {1: 42.5}
    assert seen(tables, "2025-02-01", "payments_failed_count_30d") == {1: 0}


def test_the_last_amount_is_the_last_one_paid_whichever_became_known_last(vectors):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | available_at
        1           | 2025-01-05  | 10     | 2025-01-25
        1           | 2025-01-20  | 30     |
        """
    }
    frame = vectors(tables, ["2025-01-22", "2025-02-01"]).frame
    assert frame["payments_last_amount_vs_own"].tolist() == [30 / 30, 30 / 20]


def test_methods_are_shares_of_all_payments(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | method
        1           | 2025-01-05  | 10     | Card
        1           | 2025-01-06  | 10     | Card
        1           | 2025-01-07  | 10     | direct debit
        1           | 2025-01-08  | 10     |
        """
    }
    assert seen(tables, "2025-02-01", "payments_method_card_share") == {1: 0.5}
    assert seen(tables, "2025-02-01", "payments_method_direct_debit_share") == {1: 0.25}


def test_sums_of_cents_do_not_depend_on_which_other_cutoffs_are_asked_for(vectors):
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 1, day), "amount": 0.1}
        for day in range(1, 31)
    ]
    every_day = [f"2025-01-{day:02}" for day in range(2, 32)]
    alone = vectors({"payments": rows}, ["2025-01-31"]).frame
    together = vectors({"payments": rows}, every_day).frame
    column = "payments_paid_sum_30d"
    assert together[column].iloc[-1] == alone[column].iloc[0] == 3.0
