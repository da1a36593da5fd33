"""The benchmark of intervals judges campaigns of the kind that it names."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import effects_coverage
from benchmarks.effects_coverage import World


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_as_many_leave_as_told(rate):
    outcome, treated, _ = World(100_000, 0.2, rate, 0.5).campaign(1)
    assert outcome[~treated].mean() == pytest.approx(rate, abs=0.01)
    assert outcome[treated].mean() == pytest.approx(rate / 2, abs=0.01)
    assert (~treated).mean() == pytest.approx(0.2, abs=0.01)


def test_a_row_counts_how_often_the_truth_is_held():
    line, least = effects_coverage.row(World(300, 0.2, 0.2, 0.3), 40)
    assert 0.85 <= least <= 1
    assert line.count("|") == 11
    assert line.startswith("| 300 | 20% | 20% | ")


def test_an_interval_that_is_off_is_seen(monkeypatch):
    """Twice the effect is not what the interval holds."""
    real = World.campaign
    stronger = World(2000, 0.2, 0.4, 0.6)
    monkeypatch.setattr(World, "campaign", lambda world, seed: real(stronger, seed))
    assert effects_coverage.row(World(2000, 0.2, 0.4, 0.1), 20)[1] < 0.5


def test_looks_are_told(monkeypatch):
    monkeypatch.setattr(effects_coverage, "LOOKS", 4)
    line = effects_coverage.looks(10, 400)
    assert line.startswith("- 4 looks at each of 10 campaigns of 400 customers")
    assert "met." in line


def test_the_mean_of_the_log_odds_gives_the_rate():
    score = effects_coverage.centre_of(0.3) + np.random.default_rng(1).normal(
        0, effects_coverage.SPREAD, 400_000
    )
    assert (1 / (1 + np.exp(-score))).mean() == pytest.approx(0.3, abs=0.003)
