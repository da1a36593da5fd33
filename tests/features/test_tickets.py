"""`tickets`: opened, closed, how fast, and what is open, against loops over the rows."""

from __future__ import annotations

from datetime import timedelta
from math import log

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CUTOFFS = ["2025-03-01", "2025-03-03", "2025-04-01"]
WINDOWS = (7, 30)
CATEGORIES = ("bill", "bug")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "ticket_id": pa.int64(),
        "opened_at": pa.timestamp("us"),
        "closed_at": pa.timestamp("us"),
        "category": pa.string(),
        "priority": pa.string(),
        "csat": pa.float64(),
        "reopened": pa.bool_(),
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
            and row["opened_at"] < cutoff
            and (row["available_at"] is None or row["available_at"] < cutoff)
        ]
        closed = [row for row in seen if row["closed_at"] and row["closed_at"] < cutoff]
        values = _state(seen, closed, cutoff)
        for days in WINDOWS:
            since = cutoff - days * DAY
            now = [row for row in seen if since <= row["opened_at"]]
            before = [row for row in seen if since - days * DAY <= row["opened_at"] < since]
            done = [row for row in closed if since <= row["closed_at"]]
            found = _opened(now, before) | _closed(done)
            values |= {f"tickets_{name}_{days}d": value for name, value in found.items()}
        return values

    return of


def _opened(now, before):
    return {
        "opened_count": len(now),
        "opened_trend": log((len(now) + 1) / (len(before) + 1)),
        "urgent_count": sum(row["priority"] == "High" for row in now),
        **{f"{c}_count": sum(row["category"] == c for row in now) for c in CATEGORIES},
    }


def _closed(done):
    # The engine counts the seconds of the clock that were begun.
    hours = [_whole(row["closed_at"] - row["opened_at"], row) / HOUR for row in done]
    csat = [row["csat"] for row in done if row["csat"] is not None]
    return {
        "closed_count": len(done),
        "hours_to_close_mean": sum(hours) / len(hours) if hours else None,
        "hours_to_close_max": max(hours) if hours else None,
        "reopened_count": sum(row["reopened"] for row in done),
        "csat_mean": sum(csat) / len(csat) if csat else None,
        "csat_min": min(csat) if csat else None,
    }


def _whole(_, row):
    return row["closed_at"].replace(microsecond=0) - row["opened_at"].replace(microsecond=0)


def _state(seen, closed, cutoff):
    running = [row for row in seen if row not in closed]
    answered = [(row["closed_at"], row["csat"]) for row in closed if row["csat"] is not None]
    opened = [row["opened_at"] for row in seen]
    return {
        "tickets_opened_count_ever": len(seen),
        "tickets_days_since_last": (cutoff - max(opened)) / DAY if opened else None,
        "tickets_csat_last": max(answered)[1] if answered else None,
        "tickets_open_count": len(running),
        "tickets_open_oldest_days": (
            (cutoff - min(row["opened_at"] for row in running)) / DAY if running else None
        ),
        "tickets_open_urgent_count": sum(row["priority"] == "High" for row in running),
    }


@settings(max_examples=6)
@given(data=st.data())
def test_every_feature_agrees_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, WINDOWS)
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([1, 2, 3]),
            "opened_at": moment,
            "closed_at": st.none() | moment,
            "category": st.sampled_from(CATEGORIES),
            "priority": st.sampled_from(["High", "low"]),
            "csat": st.none() | st.integers(1, 5).map(float),
            "reopened": st.booleans(),
            "available_at": st.none() | moment,
        }
    ).filter(lambda row: row["closed_at"] is None or row["opened_at"] <= row["closed_at"])
    rows = data.draw(st.lists(row, min_size=1, max_size=30))
    old = {"opened_at": min(row["opened_at"] for row in rows) - 90 * DAY, "available_at": None}
    rows += [rows[0] | old | {"category": category} for category in CATEGORIES]
    rows = [row | {"ticket_id": number} for number, row in enumerate(rows)]
    tables = {"tickets": pa.Table.from_pylist(rows, SCHEMA)}
    agree(vectors(tables, CUTOFFS, windows=WINDOWS), "tickets", reference(rows))


OPEN = {
    "tickets": """
    customer_id | ticket_id | opened_at                  | closed_at                  | csat
    1           | a         | 2025-01-22                 |                            |
    1           | b         | 2025-01-30                 | 2025-01-31 23:59:59.999999 | 2
    2           | c         | 2025-01-30 12:00:00        | 2025-02-01                 | 1
    3           | d         | 2025-01-31 23:59:59.999999 | 2025-03-01                 | 1
    4           | e         | 2025-02-01                 |                            |
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("tickets_open_count", {1: 1, 2: 1, 3: 1, 4: 0}),
        ("tickets_open_oldest_days", {1: 10, 2: 1.5, 3: pytest.approx(0, abs=1e-9), 4: None}),
        ("tickets_closed_count_30d", {1: 1, 2: 0, 3: 0, 4: 0}),
        ("tickets_csat_last", {1: 2, 2: None, 3: None, 4: None}),
    ],
)
def test_a_ticket_is_open_until_its_close_is_known(seen, feature, expected):
    assert seen(OPEN, "2025-02-01", feature) == expected


def test_a_category_may_be_called_like_one_of_our_own_measures(vectors):
    tables = {
        "tickets": """
        customer_id | ticket_id | opened_at  | closed_at  | category | priority
        1           | a         | 2025-01-20 | 2025-01-21 | Urgent   | low
        1           | b         | 2025-01-20 | 2025-01-21 | opened   | low
        1           | c         | 2025-01-20 | 2025-01-21 | closed   | high
        """
    }
    found = vectors(tables, ["2025-02-01"])
    assert len(set(found.names)) == len(found.names)
    assert list(found.frame.columns[2:]) == found.names
    row = found.frame.iloc[0]
    assert (row["tickets_opened_count_30d"], row["tickets_closed_count_30d"]) == (3, 3)
    assert row["tickets_urgent_count_30d"] == 1
