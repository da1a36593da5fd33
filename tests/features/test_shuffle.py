"""Rows on their way to their chunk, in memory and on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.shuffle import Budget, Shuffle
from features.tables import CUSTOMER

SCHEMA = pa.schema([(CUSTOMER, pa.int32()), ("number", pa.float64()), ("text", pa.string())])
ROW = st.tuples(st.integers(0, 19), st.none() | st.floats(-9, 9), st.none() | st.text(max_size=3))


@settings(max_examples=60)
@given(
    batches=st.lists(st.lists(ROW, max_size=12), max_size=5),
    size=st.sampled_from([1, 2, 4, 8, 16, 32]),
    limit=st.sampled_from([0, 300, 10**9]),
)
def test_each_chunk_gets_its_rows_whatever_fits_in_memory(batches, size, limit):
    chunks = -(-20 // size)
    budget = Budget(limit)
    shuffle = Shuffle(SCHEMA, size=size, chunks=chunks, budget=budget)
    shuffle.fill(
        pa.RecordBatch.from_pylist(
            [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA
        )
        for rows in batches
    )
    assert budget.used <= limit
    given_rows = [row for rows in batches for row in rows]
    for number in range(chunks):
        shuffle.done_before(number)
        found = pa.Table.from_batches(list(shuffle.chunk(number))).to_pylist()
        mine = [row for row in given_rows if row[0] // size == number]
        assert sorted(map(repr, (tuple(row.values()) for row in found))) == sorted(map(repr, mine))
    shuffle.close()
    assert budget.used == 0


@pytest.fixture(scope="module")
def tables():
    days = pd.date_range("2025-01-01", periods=90, freq="17h").strftime("%Y-%m-%d %H:%M:%S")
    owners = np.arange(90) * 7 % 30
    return {
        "customers": {"customer_id": range(30), "signed_up_at": ["2025-01-01"] * 30},
        "usage": {
            "customer_id": owners,
            "occurred_at": days,
            "event": ["a", "b", "c"] * 30,
            "available_at": [None, None, "2025-02-20"] * 30,
        },
        "payments": {"customer_id": owners, "occurred_at": days, "amount": np.arange(90) / 7},
        "subscriptions": {
            "customer_id": range(30),
            "subscription_id": range(30),
            "started_at": ["2025-01-01"] * 30,
            "plan": ["x", "y", None] * 10,
        },
    }


@pytest.mark.parametrize(("customers", "waiting"), [(1, 10**9), (8, 1), (2048, 1)])
def test_neither_chunks_nor_memory_change_a_vector(
    vectors, tables, monkeypatch, customers, waiting
):
    tables = {name: pa.table(columns) for name, columns in tables.items()}
    expected = vectors(tables, ["2025-02-01", "2025-03-01"]).frame
    monkeypatch.setattr(compute, "MOST_CUSTOMERS", customers)
    monkeypatch.setattr(compute, "WAITING", waiting)
    found = vectors(tables, ["2025-02-01", "2025-03-01"]).frame
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
