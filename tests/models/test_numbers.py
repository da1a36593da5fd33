"""Types that change on the way change no value; what is no number is refused by name."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from models.numbers import FARTHEST, NotNumbers, to_numbers

ARROW = pd.ArrowDtype


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([3, 0, None], dtype="float64"),
        pd.Series([3, 0, None], dtype="float32"),
        pd.Series([3, 0, None], dtype="Int64"),
        pd.Series([3, 0, None], dtype="Float64"),
        pd.Series([3, 0, None], dtype="object"),
        pd.Series([3, 0, np.nan], dtype="category"),
        pd.Series([np.int64(3), False, pd.NA], dtype="object"),
        pd.Series([Decimal("3.0"), Decimal(0), None]),
        pd.Series(["3", " 0.0", None]),
        pd.Series(["3e0", "-0", None], dtype="category"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_the_same_numbers_whatever_holds_them(column):
    np.testing.assert_array_equal(to_numbers(column), np.float32([3, 0, np.nan]))


@pytest.mark.parametrize("dtype", ["bool", "boolean", "object", "int8", "uint64"])
def test_yes_and_no_are_one_and_zero(dtype):
    np.testing.assert_array_equal(to_numbers(pd.Series([True, False]).astype(dtype)), [1, 0])


def test_a_column_of_nothing_is_all_gaps():
    for dtype in ("object", "float64", "datetime64[us]", "str"):
        assert np.isnan(to_numbers(pd.Series([None, None], dtype=dtype))).all()


@pytest.mark.parametrize(
    ("values", "example"),
    [
        ([1, "many"], "many"),
        (["1", "1_000"], "1_000"),
        (["1", "nan"], "nan"),
        (["1", ""], ""),
        (["1-2"], "1-2"),
        ([1.0, np.inf], np.inf),
        (["1", "1e400"], np.inf),
        ([1.0, 2j], None),
        ([pd.Timestamp("2026-01-01")], pd.Timestamp("2026-01-01")),
        ([pd.Timedelta(days=1)], pd.Timedelta(days=1)),
    ],
)
def test_what_is_no_number_is_refused_by_name(values, example):
    with pytest.raises(NotNumbers, match="the feature seats holds") as refused:
        to_numbers(pd.Series(values, name="seats"))
    assert example is None or refused.value.example == example


def test_beyond_the_range_is_the_farthest():
    np.testing.assert_array_equal(
        to_numbers(pd.Series([1e300, -1e300])), np.float32([FARTHEST, -FARTHEST])
    )
