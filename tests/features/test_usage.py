"""`usage`: counts, days, kinds, recency and trend, against loops over the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CUTOFFS = ["2025-03-01", "2025-03-03", "2025-04-01"]
WINDOWS = (7, 30)
KINDS = ("login", "export")
SIGNED_UP = {1: datetime(2025, 1, 10, 12), 2: datetime(2024, 12, 1), 3: datetime(2025, 2, 20)}
DAY = timedelta(days=1)
SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "occurred_at": pa.timestamp("us"),
        "event": pa.string(),
        "value": pa.float64(),
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
        values = _rhythm(seen, cutoff)
        for days in WINDOWS:
            now = _within(seen, cutoff - days * DAY, cutoff)
            before = _within(seen, cutoff - 2 * days * DAY, cutoff - days * DAY)
            values |= _window(now, before, days)
            lifetime = values["lifetime"]
            usual = len(seen) / lifetime * min(lifetime, days) if seen else 0
            values[f"usage_count_vs_own_{days}d"] = len(now) / usual if usual else None
        early = [r for r in seen if r["occurred_at"] < SIGNED_UP[customer] + 30 * DAY]
        values["usage_count_first_30d"] = len(early)
        for kind in KINDS:
            values[f"usage_{kind}_count_first_30d"] = sum(r["event"] == kind for r in early)
        del values["lifetime"]
        return values

    return of


def _within(rows, start, stop):
    return [row for row in rows if start <= row["occurred_at"] < stop]


def _active_days(rows):
    return len({row["occurred_at"].date() for row in rows})


def _value_sum(rows):
    return sum(row["value"] or 0 for row in rows)


def _window(now, before, days):
    values = [row["value"] for row in now if row["value"] is not None]
    kinds = {kind: sum(row["event"] == kind for row in now) for kind in KINDS}
    return {
        f"usage_count_{days}d": len(now),
        f"usage_active_days_{days}d": _active_days(now),
        f"usage_per_active_day_{days}d": len(now) / _active_days(now) if now else None,
        f"usage_count_trend_{days}d": log((len(now) + 1) / (len(before) + 1)),
        f"usage_active_days_trend_{days}d": log(
            (_active_days(now) + 1) / (_active_days(before) + 1)
        ),
        f"usage_value_sum_{days}d": _value_sum(now),
        f"usage_value_mean_{days}d": _value_sum(now) / len(now) if now else None,
        f"usage_value_max_{days}d": max(values) if values else None,
        f"usage_value_trend_{days}d": log((_value_sum(now) + 1) / (_value_sum(before) + 1)),
        **{f"usage_{kind}_count_{days}d": n for kind, n in kinds.items()},
        f"usage_breadth_{days}d": sum(n > 0 for n in kinds.values()),
    }


def _rhythm(seen, cutoff):
    times = [row["occurred_at"] for row in seen]
    since = (cutoff - max(times)) / DAY if times else None
    lifetime = max((cutoff - min(times)) / DAY, 1) if times else None
    gap = (lifetime - since) / (_active_days(seen) - 1) if _active_days(seen) > 1 else None
    return {
        "lifetime": lifetime,
        "usage_days_since_last": since,
        "usage_count_ever": len(seen),
        "usage_gap_mean": gap,
        "usage_days_since_last_vs_gap": since / max(gap, 1) if gap is not None else None,
    }


@settings(max_examples=8)
@given(data=st.data())
def test_every_feature_agrees_with_loops_over_the_rows(data, vectors, agree, moments):
    moment = moments(CUTOFFS, WINDOWS)
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([1, 2, 3]),
            "occurred_at": moment,
            "event": st.sampled_from(KINDS),
            "value": st.none() | st.integers(0, 10_000).map(lambda cents: cents / 100),
            "available_at": st.none() | moment,
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=40))
    # Both kinds are seen before all cutoffs, so the plan has them.
    for kind in KINDS:
        at = datetime(2024, 12, 24)
        rows.append(dict(customer_id=1, occurred_at=at, event=kind, value=1.0, available_at=None))
    tables = {
        "customers": [{"customer_id": c, "signed_up_at": at} for c, at in SIGNED_UP.items()],
        "usage": pa.Table.from_pylist(rows, SCHEMA),
    }
    agree(vectors(tables, CUTOFFS, windows=WINDOWS), "usage", reference(rows))


EDGES = {
    "usage": """
    customer_id | occurred_at                | event
    1           | 2025-01-01 23:59:59.999999 | login
    2           | 2025-01-02                 | login
    3           | 2025-01-02 00:00:00.000001 | login
    4           | 2025-01-31 23:59:59.999999 | login
    5           | 2025-02-01                 | login
    6           | 2025-02-01 00:00:00.000001 | login
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("usage_count_30d", {1: 0, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_active_days_30d", {1: 0, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_count_ever", {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
        ("usage_count_first_30d", {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}),
    ],
)
def test_a_window_holds_its_first_microsecond_and_not_the_cutoff(seen, feature, expected):
    assert seen(EDGES, "2025-02-01", feature) == expected


def test_recency_is_counted_to_the_microsecond_and_unknown_without_events(seen):
    tables = {
        "usage": """
        customer_id | occurred_at         | event
        1           | 2025-01-30 12:00:00 | login
        1           | 2025-02-01 00:00:00 | login
        2           | 2025-02-01 00:00:00 | login
        """
    }
    assert seen(tables, "2025-02-01", "usage_days_since_last") == {1: 1.5, 2: None}


def test_an_event_that_became_known_late_counts_when_it_happened_but_only_from_then_on(seen):
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2025-01-20  | login | 2025-02-28 23:59:59.999999
        2           | 2025-01-20  | login | 2025-03-01 00:00:00
        3           | 2025-01-20  | login |
        """
    }
    assert seen(tables, "2025-02-01", "usage_count_30d") == {1: 0, 2: 0, 3: 1}
    assert seen(tables, "2025-03-01", "usage_count_30d") == {1: 0, 2: 0, 3: 0}
    assert seen(tables, "2025-03-01", "usage_count_90d", windows=(90,)) == {1: 1, 2: 0, 3: 1}


def test_the_first_days_end_to_the_microsecond(seen):
    """Signed up on 2025-01-02 at noon, and so until 2025-02-01 at noon."""
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-02 12:00:00",
        "usage": """
        customer_id | occurred_at                | event
        1           | 2025-02-01 11:59:59.999999 | login
        1           | 2025-02-01 12:00:00        | login
        """,
    }
    assert seen(tables, "2025-03-01", "usage_count_first_30d") == {1: 1}


def test_a_day_whose_events_became_known_in_turn_is_one_active_day(vectors):
    tables = {
        "usage": """
        customer_id | occurred_at      | event | available_at
        1           | 2025-01-10 08:00 | login |
        1           | 2025-01-10 09:00 | login | 2025-01-25
        """
    }
    frame = vectors(tables, ["2025-01-20", "2025-02-01"]).frame
    assert frame["usage_active_days_30d"].tolist() == [1, 1]
    assert frame["usage_count_30d"].tolist() == [1, 2]


def test_an_event_may_be_called_like_one_of_our_own_measures(seen):
    tables = {
        "usage": """
        customer_id | occurred_at | event
        1           | 2025-01-01  | days
        1           | 2025-01-02  | count
        1           | 2025-01-03  | login
        """
    }
    assert seen(tables, "2025-02-01", "usage_count_first_30d") == {1: 3}
    assert seen(tables, "2025-02-01", "usage_days_count_first_30d") == {1: 1}
    assert seen(tables, "2025-02-01", "usage_count_count_first_30d") == {1: 1}


def test_whole_numbers_as_values_stay_exact_however_large(seen):
    tables = {
        "usage": [
            {"customer_id": 1, "occurred_at": datetime(2025, 1, 9), "event": "a", "value": 10**14},
            {"customer_id": 1, "occurred_at": datetime(2025, 1, 9), "event": "a", "value": 1},
        ]
    }
    assert seen(tables, "2025-02-01", "usage_value_sum_30d") == {1: 10**14 + 1}
