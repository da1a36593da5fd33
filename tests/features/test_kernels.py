"""The compiled loops, where they can be kept and where they cannot."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import kernels

ROOT = Path(kernels.__file__).parents[1]
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(-40, 40)), max_size=30)


def of(numbers, kind=np.int32):
    return np.array(numbers, dtype=kind)


@given(PAIRS)
def test_distinct_days_are_those_of_a_set_in_order(pairs):
    owner, day = of([o for o, _ in pairs]), of([d for _, d in pairs])
    found = kernels.distinct_days(owner, day, 4)
    assert list(zip(*(each.tolist() for each in found), strict=True)) == sorted(set(pairs))


@given(PAIRS)
def test_a_gap_is_counted_from_the_owners_day_before(pairs):
    pairs = sorted(set(pairs))
    squared, gaps = kernels.gaps_of(of([o for o, _ in pairs]), of([d for _, d in pairs]))
    before = [max((d for p, d in pairs if p == o and d < day), default=day) for o, day in pairs]
    expected = [day - earlier for (_, day), earlier in zip(pairs, before, strict=True)]
    assert np.nan_to_num(gaps).tolist() == expected
    assert squared.tolist() == [gap * gap for gap in expected]


@pytest.mark.parametrize(
    ("moment", "day"),
    [(-1, -1), (0, 0), (86_399_999_999, 0), (86_400_000_000, 1), (-(2**55), None)],
)
def test_days_begin_at_midnight_also_before_1970(moment, day):
    expected = moment // 86_400_000_000 if day is None else day
    assert kernels.days_of(of([moment], np.int64)).tolist() == [expected]


def test_missing_values_are_neither_added_nor_the_largest():
    cell, value = of([0, 0, 1]), of([np.nan, 2.5, np.nan], float)
    units, rest, best = np.zeros(2), np.zeros(2), np.full(2, -np.inf)
    kernels.add_exactly(units, rest, cell, value)
    kernels.keep_largest(best, cell, value, 1.0)
    assert (units + rest / kernels.BILLION).tolist() == [2.5, 0]
    assert best.tolist() == [2.5, -np.inf]


def test_they_run_where_they_cannot_be_kept(tmp_path):
    """As in a task that got the package in an archive, without a home to write to."""
    archive = tmp_path / "features.zip"
    with zipfile.ZipFile(archive, "w") as found:
        for file in (ROOT / "features").glob("*.py"):
            found.write(file, f"features/{file.name}")
    nowhere = "/dev/null"
    run = subprocess.run(
        [
            sys.executable,
            *("-P", "-c"),
            "import numpy as np; from features import kernels; total = np.zeros(2);"
            "kernels.add_ones(total, np.array([1], dtype=np.int32));"
            "print(total, kernels.__file__)",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(archive), "HOME": nowhere, "XDG_CACHE_HOME": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("[0. 1.]")
    assert str(archive) in run.stdout
