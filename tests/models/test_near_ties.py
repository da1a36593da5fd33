"""Who is open to another choice, in kinds; and the best choice of those for what others leave."""

from __future__ import annotations

import numpy as np

from models.near_ties import find_open, settle
from models.resources import Resources

PROFITS = np.array([[9.0, 5], [6, 5.5], [6, 5.5], [6, -np.inf], [1, 1], [20, 1]])
COSTS, TOLL = np.array([3.0, 1]), np.array([5.0, 4])


def opened(missing, action):
    return find_open(PROFITS, TOLL, np.array(action), missing)


def test_open_are_those_who_lose_little_by_another_choice():
    """The reduced profits of the second are 1 and 1.5, so a half is what is at stake."""
    best = [0, 1, 1, 0, -1, 0]
    assert opened(0.4, best).rows.tolist() == []
    assert sorted(opened(0.5, best).rows.tolist()) == [1, 2]
    assert sorted(opened(1.0, best).rows.tolist()) == [1, 2, 3]
    assert opened(1.0, best).complete
    assert sorted(opened(0.4, [-1, 1, 1, 0, -1, 0]).rows.tolist()) == [0]


def test_alike_is_who_has_the_same_choices():
    found = opened(0.5, [0, 1, 1, 0, -1, 0])
    assert found.kind.tolist() == [0, 0]
    assert list(zip(found.of.tolist(), found.action.tolist(), strict=True)) == [(0, 0), (0, 1)]


def test_only_so_many_kinds_are_opened(monkeypatch):
    monkeypatch.setattr("models.near_ties.MOST_KINDS", 1)
    found = opened(1.0, [0, 1, 1, 0, -1, 0])
    assert not found.complete
    assert set(found.kind.tolist()) == {0}
    assert sorted(found.rows.tolist()) == [1, 2]


def test_only_so_many_customers_are_looked_at(monkeypatch):
    monkeypatch.setattr("models.near_ties.MOST_LOOKED_AT", 2)
    assert not opened(1.0, [0, 1, 1, 0, -1, 0]).complete


def test_the_open_ones_share_what_the_others_leave():
    """The last takes 3 of 8; what is left of 5 is best spent on one dear and two cheap ones."""
    start = np.array([-1, 1, 1, -1, -1, 0])
    found = find_open(PROFITS, TOLL, start, 4.0)
    resources = Resources(8, None, np.full(2, np.inf))
    action, proven = settle(found, PROFITS, COSTS, resources, start, close=0.0)
    assert proven
    assert action.tolist() == [0, 1, 1, -1, -1, 0]
    assert start.tolist() == [-1, 1, 1, -1, -1, 0]


def test_of_a_kind_the_first_come_first():
    profits, start = np.tile([[6.0, 5.5]], (6, 1)), np.full(6, -1)
    found = find_open(profits, TOLL, start, 2.0)
    resources = Resources(None, None, np.array([1.0, 3.0]))
    action, proven = settle(found, profits, COSTS, resources, start, close=0.0)
    assert proven
    assert action.tolist() == [0, 1, 1, 1, -1, -1]


def test_nobody_open_changes_nothing():
    start = np.array([0, 1, 1, 0, -1, 0])
    found = find_open(PROFITS, TOLL, start, 0.1)
    action, proven = settle(found, PROFITS, COSTS, Resources(11, None, [9, 9]), start, close=0.0)
    assert proven
    assert action.tolist() == start.tolist()
