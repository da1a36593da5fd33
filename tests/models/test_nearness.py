"""How far vectors are apart: by ranks among peers, whatever is missing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.nearness import Ranks

PEERS = np.array([[1, 0, 0], [2, 0, 1], [2, np.nan, 2], [40, 5, 1]], dtype=np.float32)
ALL, TEXTS = np.arange(3), np.array([False, False, True])


def distances(one: list[float], many: list[list[float]], peers: np.ndarray = PEERS) -> np.ndarray:
    ranks = Ranks.among(peers, ALL, TEXTS)
    own, others = (ranks.of(np.array(each, dtype=np.float32)) for each in ([one], many))
    return ranks.distances(own[0], others)


def test_ranks_by_hand():
    """Of 1, 2, 2, 40: ties share the middle, and what lies beyond is first or last."""
    ranks = Ranks.among(PEERS, np.array([0]), TEXTS)
    asked = np.array([[0], [1], [2], [3], [40], [99], [np.nan]], dtype=np.float32)
    expected = [0, 1 / 8, 1 / 2, 3 / 4, 7 / 8, 1, np.nan]
    np.testing.assert_allclose(ranks.of(asked)[:, 0], expected)


def test_an_odd_value_is_no_farther_than_it_is_rare():
    found = distances([2, 0, 0], [[40, 0, 0], [4_000_000, 0, 0]])
    np.testing.assert_allclose(found[:, 0], [3 / 8, 1 / 2])


def test_none_is_as_far_from_a_number_as_can_be_and_equals_none():
    found = distances([np.nan, 0, 0], [[1, np.nan, 0], [np.nan, 0, 0]])
    np.testing.assert_array_equal(found, [[1, 1, 0], [0, 0, 0]])


def test_texts_are_equal_or_not():
    found = distances([1, 0, 1], [[1, 0, 0], [1, 0, 1], [1, 0, 2], [1, 0, np.nan]])
    np.testing.assert_array_equal(found[:, 2], [1, 0, 1, 1])
    np.testing.assert_array_equal(distances([1, 0, np.nan], [[1, 0, np.nan]])[:, 2], [0])


def test_only_the_columns_asked_for():
    ranks = Ranks.among(PEERS, np.array([2, 0]), TEXTS)
    found = ranks.distances(ranks.of(PEERS[:1])[0], ranks.of(PEERS))
    assert found.shape == (4, 2)
    np.testing.assert_array_equal(found[:, 0], [0, 1, 1, 1])


def test_peers_without_any_number():
    found = distances([1, 0, 0], [[2, 0, 0], [np.nan, 0, 0]], np.full((3, 3), np.nan))
    np.testing.assert_array_equal(found[:, 0], [0, 1])


VALUES = st.one_of(st.just(np.nan), st.integers(-3, 3).map(float), st.floats(-9, 9, width=32))
ROWS = st.tuples(VALUES, VALUES, st.sampled_from([0.0, 1.0, np.nan]))


@given(st.lists(ROWS, min_size=1, max_size=9), ROWS, ROWS)
def test_a_distance_is_one(peers, one, other):
    """Between 0 and 1, the same both ways, and none from oneself."""
    matrix = np.array(peers, dtype=np.float32)
    there = distances(list(one), [list(other)], matrix)
    np.testing.assert_array_equal(there, distances(list(other), [list(one)], matrix))
    assert ((there >= 0) & (there <= 1)).all()
    assert not distances(list(one), [list(one)], matrix).any()
