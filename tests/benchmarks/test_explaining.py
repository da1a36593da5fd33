"""The benchmark of explanations compares what both explain, and tells who is faster."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from benchmarks import explaining
from benchmarks.explaining import LIGHTGBM, OURS, Task, cost_of, farthest, faster, prepare
from benchmarks.jobs import Cost


@pytest.mark.parametrize("boosters", [explaining.deep, explaining.shallow])
def test_both_explain_the_same_rows_alike(tmp_path, boosters, monkeypatch):
    monkeypatch.setattr("models.treeshap.FEW_SECONDS", 0.0)
    prepare(tmp_path, partial(boosters, trees=4), rows=60, learned_from=300)
    costs = [cost_of(Task(OURS, str(tmp_path), 60)), cost_of(Task(LIGHTGBM, str(tmp_path), 20))]
    assert [(cost.rows, cost.columns) for cost in costs] == [(60, 200), (20, 200)]
    ours, theirs = (np.load(tmp_path / f"{who}.npy") for who in (OURS, LIGHTGBM))
    assert 0 < farthest(ours, theirs) < 1e-9
    ours[19, 3] += 1e-3
    assert farthest(ours, theirs) > 1e-6


def test_faster_is_by_row():
    costs = {
        OURS: [Cost(2.0, 1.0, 1, 1000, 5), Cost(1.0, 1.0, 1, 1000, 5), Cost(4.0, 1.0, 1, 1000, 5)],
        LIGHTGBM: [Cost(1.0, 1.0, 1, 10, 5)] * 3,
    }
    assert faster(costs) == 50
