"""The benchmark of reasons judges what it says it does, on a business of its own."""

from __future__ import annotations

import pytest

from benchmarks import reasons
from pipeline.world import CAUSES


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return reasons.judge(5, 1500, tmp_path_factory.mktemp("reasons"), refits=2)


def share(judged, name):
    return float(judged["figures"][name].rstrip("%")) / 100


def test_sums_are_exact(judged):
    for scale in ("log-odds", "probability"):
        assert float(judged["figures"][f"largest error of a sum, {scale}"]) < 1e-9


def test_reasons_are_mostly_true_and_faithful(judged):
    assert share(judged, "top driver is the true main cause") > 0.75
    assert share(judged, "risk falls when the top driver is as usual") > 0.95
    rule, none = "– where a poor start is the cause", "– the same, without the rule"
    assert share(judged, rule) > share(judged, none)


def test_causes_stand_beside_drivers(judged):
    rows = reasons._rows_of_causes(5, judged["causes"])
    assert [row.split("|")[1].strip() for row in rows] == ["seed 5, ours", "seed 5, true"]
    assert all(row.count("|") == len(CAUSES) + 2 for row in rows)
