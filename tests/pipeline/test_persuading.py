"""Who is persuadable, as the next list takes it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.uplift import Uplift
from pipeline.persuading import MOST_TIMES, _times


@pytest.fixture(scope="module")
def moved():
    """Contacts keep half of those with the trait, and nobody else: an uplift model of that."""
    random = np.random.default_rng(5)
    trait = (random.random(4000) < 0.5).astype(float)
    treated = random.random(4000) < 0.5
    left = random.random(4000) < np.where(treated & (trait == 1), 0.2, 0.4)
    return Uplift.fit(
        np.column_stack([trait, random.random(4000)]),
        treated,
        left.astype(float),
        np.full(4000, 0.5),
        ["trait", "noise"],
        [],
        1,
    )


def assessed(at_risk):
    matrix = np.column_stack([np.tile([1.0, 0.0], 50), np.linspace(0, 1, 100)])
    return SimpleNamespace(
        model=SimpleNamespace(matrix=lambda frame: frame),
        frame=matrix,
        probability=np.full(100, 0.4),
        at_risk=np.array(at_risk),
    )


def test_those_whom_contacts_move_count_more_and_all_at_risk_once_on_the_mean(moved):
    times = _times(moved, assessed([True] * 100))
    assert times[::2].min() > 1 > times[1::2].max()
    assert times.mean() == pytest.approx(1, abs=0.05)
    assert (times >= 0).all()
    assert (times <= MOST_TIMES).all()


def test_where_nobody_is_at_risk_nobody_is_told_apart(moved):
    assert (_times(moved, assessed([False] * 100)) == 1).all()
