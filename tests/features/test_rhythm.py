"""Gaps between active days, and silence against them, against loops over the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CUTOFFS = ["2025-03-01", "2025-03-03", "2025-04-01"]
DAY = timedelta(days=1)
SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "occurred_at": pa.timestamp("us"),
        "event": pa.string(),
        "available_at": pa.timestamp("us"),
    }
)


def reference(table, moments, cutoff):
    """What the features mean, as loops over the moments that were known."""
    days = sorted({moment.date() for moment in moments})
    gaps = [(later - day).days for day, later in pairwise(days)]
    since = (cutoff - max(moments)) / DAY if moments else None
    mean = sum(gaps) / len(gaps) if gaps else None
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) if gaps else None
    return {
        f"{table}_gap_spread": spread,
        f"{table}_gap_max": max(gaps) if gaps else None,
        f"{table}_silence_vs_spread": (since - mean) / max(spread, 1) if gaps else None,
        f"{table}_silence_vs_longest": since / max(gaps) if gaps else None,
    }


@settings(max_examples=6)
@given(data=st.data())
def test_gaps_agree_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, (7, 30))
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([1, 2, 3]),
            "occurred_at": moment,
            "event": st.just("login"),
            "available_at": st.none() | moment,
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=40))

    def expected(customer, cutoff):
        known = [
            row["occurred_at"]
            for row in rows
            if row["customer_id"] == customer
            and row["occurred_at"] < cutoff
            and (row["available_at"] is None or row["available_at"] < cutoff)
        ]
        return reference("usage", known, cutoff)

    found = vectors({"usage": pa.Table.from_pylist(rows, SCHEMA)}, CUTOFFS)
    agree(found, "usage", expected, part="rhythm")


USAGE = {
    "usage": """
    customer_id | occurred_at                | event
    1           | 2025-01-01                 | login
    1           | 2025-01-01 23:00           | login
    1           | 2025-01-03                 | login
    1           | 2025-01-09                 | login
    1           | 2025-02-01                 | login
    2           | 2025-01-31 23:59:59.999999 | login
    3           | 2025-01-22                 | login
    3           | 2025-01-31                 | login
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        # Gaps of 2 and 6 days: a mean of 4, which they miss by 2. The cutoff's day is not seen.
        ("usage_gap_spread", {1: 2, 2: None, 3: 0}),
        ("usage_gap_max", {1: 6, 2: None, 3: 9}),
        ("usage_silence_vs_spread", {1: (23 - 4) / 2, 2: None, 3: 1 - 9}),
        ("usage_silence_vs_longest", {1: 23 / 6, 2: None, 3: 1 / 9}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    found = seen(USAGE, "2025-02-01", feature)
    assert found == {c: None if e is None else pytest.approx(e) for c, e in expected.items()}


def test_only_what_was_paid_makes_the_rhythm_of_payments(seen):
    tables = {
        "payments": """
        customer_id | occurred_at | amount | status
        1           | 2025-01-01  | 10     | paid
        1           | 2025-01-05  | 10     | failed
        1           | 2025-01-11  | 10     | paid
        1           | 2025-01-30  | 10     | failed
        """
    }
    assert seen(tables, "2025-02-01", "payments_gap_max") == {1: 10}
    assert seen(tables, "2025-02-01", "payments_silence_vs_longest") == {1: pytest.approx(2.1)}


def test_a_day_that_became_known_late_parts_a_gap_from_then_on(vectors):
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2025-01-01  | login |
        1           | 2025-01-05  | login | 2025-01-25
        1           | 2025-01-15  | login |
        """
    }
    frame = vectors(tables, ["2025-01-25", "2025-01-26"]).frame
    assert frame["usage_gap_max"].tolist() == [14, 10]
    assert frame["usage_gap_spread"].tolist() == [0, 3]


def test_sums_of_gaps_are_the_same_alone_and_among_other_cutoffs(vectors):
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 1, 1) + n * n * DAY, "event": "login"}
        for n in range(12)
    ]
    among = vectors({"usage": rows}, ["2025-02-01", "2025-03-01", "2025-06-01"]).frame
    for cutoff in ("2025-02-01", "2025-03-01", "2025-06-01"):
        alone = vectors({"usage": rows}, [cutoff]).frame
        assert among[among["cutoff"] == cutoff].to_csv(index=False) == alone.to_csv(index=False)
