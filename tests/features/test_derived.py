"""What follows from columns, and where nothing follows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.derived import DERIVED

COUNTS = st.integers(0, 10**9)


def derived(name, **numbers):
    return DERIVED[name](numbers.get)


@given(now=COUNTS, then=COUNTS)
def test_what_was_before_is_exact_for_counts(now, then):
    trend = math.log((now + 1) / (then + 1))
    assert derived("before", now=float(now), trend=trend) == then


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("change", dict(now=3, trend=math.log(4 / 22), days=30), -18 / 21),
        ("change", dict(now=3, trend=math.log(4 / 1), days=30), None),  # from nothing
        ("change", dict(now=3, trend=math.log(4 / 22), days=30, tenure=60), -18 / 21),
        ("change", dict(now=3, trend=math.log(4 / 22), days=30, tenure=59), None),
        ("before", dict(now=3, trend=math.log(4 / 22), days=30, tenure=31), 21),
        ("before", dict(now=3, trend=math.log(4 / 1), days=30, tenure=30), None),
        ("before", dict(now=-3, trend=0.0), None),  # trends are of sums from 0 on
        ("before", dict(now=3, trend=900.0), None),
        ("earlier", dict(now=3, wider=24), 21),
        ("earlier", dict(now=3, wider=2), None),
        ("earlier", dict(now=3, wider=24, days=30, tenure=20), None),
        ("earlier_days", dict(days=30, wider_days=90), 60),
        ("earlier_change", dict(now=3, wider=24, days=30, wider_days=60), -18 / 21),
        ("earlier_change", dict(now=3, wider=45, days=30, wider_days=90), None),
        ("daily_change", dict(now=3, wider=45, days=30, wider_days=90), -18 / 21),
        ("daily_change", dict(now=3, wider=24, days=30, wider_days=60), None),
        ("daily_change", dict(now=3, wider=45, days=30, wider_days=90, tenure=80), None),
        ("usual", dict(now=3, vs_own=0.25, days=30, tenure=400), 12),
        ("usual", dict(now=0, vs_own=0.0, days=30, tenure=400), None),
        ("usual", dict(now=3, vs_own=1.0, days=30, tenure=20), None),
        ("longest_gap", dict(gap=3, longest=9), 9),
        ("longest_gap", dict(gap=30.6, longest=30), None),
        ("first_so_far", dict(first=30, tenure=12), 12),
        ("first_so_far", dict(first=30, tenure=30), None),
        ("tried", dict(failed=2, paid=1), 3),
        ("worse_run", dict(run=2, longest_run=4), 4),
        ("worse_run", dict(run=4, longest_run=4), None),
        ("worse_run", dict(run=0, longest_run=1), None),
        ("previous", dict(last=6.2, step=-2), 8.2),
        ("rise", dict(step=0.1), 0.1),
        ("rise", dict(step=-0.1), None),
        ("fall", dict(step=-0.1), 0.1),
    ],
)
def test_what_follows(name, numbers, expected):
    assert derived(name, **numbers) == (pytest.approx(expected) if expected else expected)


@pytest.mark.parametrize("name", DERIVED)
def test_nothing_follows_from_nothing(name):
    assert derived(name) is None
