"""The loops of the allocation, against the same in plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from models.choosing import BLOCK, at_toll, favourites, fill, firmness

CUSTOMERS, ACTIONS = 2 * BLOCK + 17, 3


@pytest.fixture(scope="module")
def profits() -> np.ndarray:
    random = np.random.default_rng(1)
    found = random.normal(5, 10, (CUSTOMERS, ACTIONS))
    found[random.random(found.shape) < 0.4] = -np.inf
    return found


TOLL = np.array([1.0, 4.0, 2.0])


def test_everybody_takes_what_brings_most_beyond_the_toll(profits):
    counts, sums = np.empty(ACTIONS, np.int64), np.empty((3, 2))
    beyond, whole = at_toll(profits, TOLL, counts, sums)
    reduced = profits - TOLL
    taken, action = reduced.max(axis=1) > 0, reduced.argmax(axis=1)
    assert counts.tolist() == np.bincount(action[taken], minlength=ACTIONS).tolist()
    assert beyond == pytest.approx(reduced.max(axis=1)[taken].sum())
    assert whole == pytest.approx(profits[taken, action[taken]].sum())


def test_favourites(profits):
    favourite, most = np.empty(CUSTOMERS, np.int64), np.empty(CUSTOMERS)
    favourites(profits, TOLL, favourite, most)
    reduced = profits - TOLL
    np.testing.assert_array_equal(most, reduced.max(axis=1))
    none = np.isneginf(most)
    assert none.any()
    np.testing.assert_array_equal(favourite, np.where(none, -1, reduced.argmax(axis=1)))


def test_in_turn_while_there_is_room():
    """The last comes first and takes the 3; two fit, then only the cheap action does."""
    profits = np.array([[9.0, 1], [9, 2], [9, 3], [-np.inf, 4]])
    counts, action = np.zeros(2, np.int64), np.full(4, -1)
    uses, limits = np.array([[3.0, 1.0]]), np.array([7.0])
    turns = np.array([3, 2, 1, 0])
    fill(profits, np.zeros(2), 5.0, turns, uses, limits, counts, action)
    assert action.tolist() == [-1, 0, 0, -1]
    fill(profits, np.zeros(2), 0.0, turns, uses, limits, counts, action)
    assert action.tolist() == [-1, 0, 0, 1]
    assert counts.tolist() == [2, 1]


def test_firm_is_what_another_choice_would_lose():
    profits = np.array([[9.0, 5], [9, -np.inf], [3, 1], [9, 5], [9, 5]])
    toll, firm = np.array([4.0, 4.0]), np.empty(5)
    firmness(profits, toll, np.array([0, 0, -1, 1, -1]), firm)
    assert firm.tolist() == [4, 5, 1, 0, 0]
