"""Who does the same work must come to the same numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks import ours
from benchmarks.agreement import Disagreement, compare, write_points
from benchmarks.histories import write_histories
from benchmarks.rivals import duckdb_range_join, pandas_loop
from benchmarks.work import CUTOFFS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("world")
    write_histories(place, 10_000)
    write_points(place)
    return place


@pytest.fixture(scope="module")
def vectors(folder) -> pd.DataFrame:
    return ours.vectors_from_files(folder, CUTOFFS, None)


def test_pandas_agrees(folder, vectors):
    compare(pandas_loop.vectors(folder), vectors, "pandas")


def test_duckdb_agrees(folder, vectors):
    compare(duckdb_range_join.vectors(folder).to_pandas(), vectors, "duckdb")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("share_count_90d", "usage_share_count_90d"),
        ("count_before_30d", "usage_count_trend_30d"),
        ("value_sum_before_7d", "usage_value_trend_7d"),
        ("days_since_first", "usage_count_vs_own_7d"),
    ],
)
def test_a_difference_in_one_number_is_told(folder, vectors, column, told):
    theirs = pandas_loop.vectors(folder)
    used = theirs["count_7d"] > 0
    theirs.loc[theirs.index[used][0], column] += 3
    with pytest.raises(Disagreement, match=told):
        compare(theirs, vectors, "pandas")


def test_a_vector_too_few_is_told(folder, vectors):
    with pytest.raises(Disagreement, match="vectors"):
        compare(pandas_loop.vectors(folder).iloc[1:], vectors, "pandas")
