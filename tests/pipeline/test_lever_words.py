"""Rates with their intervals, and results as JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from models.exposure import Range
from pipeline.lever_words import Rate, fields_of, rate_of


def test_a_rate_has_wilsons_interval():
    """10 of 100: 0.0552 to 0.1744 (Newcombe 1998, by hand); 0 of 10 has no lower edge but 0."""
    found = Rate(10, 100).range
    assert found.estimate == 0.1
    assert (found.low, found.high) == (
        pytest.approx(0.0552, abs=1e-4),
        pytest.approx(0.1744, abs=1e-4),
    )
    assert Rate(0, 10).range.low == 0
    assert Rate(10, 10).range.high == 1
    assert Rate(0, 0).range is None


def test_rates_of_points():
    churned, here = np.array([1, 0, 1, 1]), np.array([True, True, False, True])
    assert rate_of(churned, here) == Rate(2, 3)


def test_results_within_results_become_json():
    @dataclass(frozen=True)
    class Result:
        by: dict[int, Any]
        some: tuple[Rate, ...]
        none: Range | None = None

    assert fields_of(Result({7: Range(1, 0, 2)}, (Rate(0, 0),))) == {
        "by": {"7": {"estimate": 1, "low": 0, "high": 2}},
        "some": [{"part": 0, "whole": 0, "share": None}],
        "none": None,
    }
