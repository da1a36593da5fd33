"""The search for bundles: nothing smaller is enough, by trying out everything on small cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import takeover
from models.takeover import Donors, Search, keeping, tied
from models.together import Rules

FREE = 5
OWNER = np.array([0, 0, 1, 2, 3, 4, -1])


def sigmoid(raw: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-raw)))


@dataclass(frozen=True)
class World:
    """Linear log-odds with some interactions."""

    weights: np.ndarray
    pairs: np.ndarray

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        values = np.nan_to_num(np.asarray(matrix, dtype=np.float64))
        return values @ self.weights + np.einsum("ni,ij,nj->n", values, self.pairs, values)


def no_rules(width: int = len(OWNER)) -> Rules:
    never = np.zeros((3 * width, 3 * width), dtype=bool)
    return Rules(np.zeros((width, width), dtype=bool), never, np.zeros(width, dtype=bool))


def donors_of(customer: list[float], matrix: np.ndarray) -> Donors:
    row = np.array(customer, dtype=np.float32)
    apart = np.where(OWNER >= 0, np.abs(matrix - row), 0) / 10
    return Donors(row, matrix.astype(np.float32), apart, OWNER, FREE)


def keeps(rules: Rules, row: np.ndarray) -> bool:
    return not any(row[a] > row[b] for a, b in np.argwhere(rules.below))


def tried_out(search: Search, rules: Rules) -> list[tuple[int, float]]:
    """Size and cost of every set of every donor's that is enough, by trying them all."""
    donors, found = search.donors, []
    sets = [s for size in range(1, FREE + 1) for s in combinations(range(FREE), size)]
    for donor, chosen in product(range(len(donors)), sets):
        taken = np.isin(OWNER, chosen)
        mixed = np.where(taken, donors.matrix[donor], donors.customer)
        differs = [(mixed != donors.customer)[bundle == OWNER].any() for bundle in chosen]
        kept = keeps(rules, mixed)
        if kept and all(differs) and sigmoid(search.raw(mixed[None]))[0] < search.threshold:
            found.append((len(chosen), float(donors.apart[donor][taken].sum())))
    return sorted(found)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, Donors, Rules, float]:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    pairs = np.where(random.random((7, 7)) < 0.2, random.normal(0, 0.3, (7, 7)), 0)
    world = World(random.normal(0.4, 0.6, 7), pairs)
    rows = random.integers(0, 4, (1 + draw(st.integers(1, 12)), 7)).astype(np.float32)
    rules = no_rules()
    if draw(st.booleans()):
        # Feature 2 is never above 3, nor 4 above the last one, which stays.
        rows[:, 3] = np.maximum(rows[:, 3], rows[:, 2])
        rows[:, 6] = np.maximum(rows[:, 6], rows[:, 4])
        rules.below[2, 3] = rules.below[4, 6] = True
    customer, matrix = rows[0], rows[1:]
    before = sigmoid(world.raw(customer[None]))[0]
    return world, donors_of(list(customer), matrix), rules, before * draw(st.floats(0.05, 0.95))


@given(cases())
def test_nothing_smaller_is_enough(case):
    """Neither fewer bundles, nor as many that are nearer, from any donor."""
    world, donors, rules, threshold = case
    search = Search(donors, rules, world.raw, sigmoid, threshold)
    found, expected = search.find(), tried_out(search, rules)
    if not expected:
        assert found.enough is None
        return
    assert found.enough is not None
    taken = found.enough
    cost = float(search.costs[taken.donor, taken.bundles].sum())
    assert (int(taken.bundles.sum()), cost) == (expected[0][0], pytest.approx(expected[0][1]))
    mixed = donors.mixed(np.array([taken.donor]), taken.bundles[None])
    assert sigmoid(world.raw(mixed))[0] == pytest.approx(taken.probability, rel=1e-12)
    assert taken.probability < threshold


@given(cases())
def test_the_lowest_is_about_the_lowest_there_is(case):
    world, donors, rules, _ = case
    search = Search(donors, rules, world.raw, sigmoid, 1e-9)
    before = sigmoid(np.array([search.before]))[0]
    found = search.find()
    assert found.enough is None
    lowest = min(lower_ones(search, before), default=before)
    if found.lowest is None:
        assert lowest >= before
    else:
        assert found.lowest.probability <= lowest + FREE * takeover.LITTLE * (before - lowest)
        assert found.lowest.probability < before


def lower_ones(search: Search, before: float) -> list[float]:
    """The probabilities of all sets that break no rule and bring less than `before`."""
    donors, found = search.donors, []
    for size, donor in product(range(1, FREE + 1), range(len(donors))):
        for chosen in combinations(range(FREE), size):
            taken = np.isin(np.arange(FREE), chosen)
            mixed = donors.mixed(np.array([donor]), taken[None])
            if keeps(search.rules, mixed[0]):
                found.append(float(sigmoid(search.raw(mixed))[0]))
    return [each for each in found if each < before]


def test_with_many_bundles_what_is_not_needed_is_taken_back(monkeypatch):
    """Where no set can be searched for, everything is taken, and given back one by one."""
    monkeypatch.setattr(takeover, "MOST_TOGETHER", 1)
    world = World(np.array([1.0, 1, 1, 1, 0.1, 0, 0]), np.zeros((7, 7)))
    donors = donors_of([1, 1, 1, 1, 1, 1, 1], np.zeros((2, 7)))
    found = Search(donors, no_rules(), world.raw, sigmoid, 0.55).find().enough
    assert found is not None
    # 4.1 in log-odds must fall to 0.2: without the first three bundles it is 0.1.
    assert found.bundles.tolist() == [True, True, True, False, False]


def test_everything_is_whatever_differs(monkeypatch):
    """The donor's last bundle is the customer's own."""
    monkeypatch.setattr(takeover, "MOST_TOGETHER", 1)
    world = World(np.array([1.0, 1, 1, 1, 0.1, 0, 0]), np.zeros((7, 7)))
    donors = donors_of([1, 1, 1, 1, 1, 0, 1], np.zeros((2, 7)))
    found = Search(donors, no_rules(), world.raw, sigmoid, 0.55).find().enough
    assert found is not None
    assert found.bundles.tolist() == [True, True, True, False, False]


def test_near_misses_do_not_crowd_out_what_is_enough(monkeypatch):
    """100 donors bring 0.8 of the 1.0 in log-odds that it takes; one, farther away, 1.2."""
    monkeypatch.setattr(takeover, "MOST_ASKED", 20)
    monkeypatch.setattr(takeover, "FEWEST_ASKED", 5)
    matrix = np.full((101, 7), 0.0)
    matrix[:, 3] = -0.8
    matrix[70, 3] = -1.2
    world = World(np.array([0, 0, 0, 1.0, 0, 0, 0]), np.zeros((7, 7)))
    threshold = float(sigmoid(np.array(-1.0)))
    found = Search(donors_of([0] * 7, matrix), no_rules(), world.raw, sigmoid, threshold).find()
    assert found.enough is not None
    assert found.enough.donor == 70


def test_taken_back_is_only_what_can_be(monkeypatch):
    monkeypatch.setattr(takeover, "MOST_TOGETHER", 1)
    world = World(np.array([1.0, 1, 1, 1, 0.1, 0, 0]), np.zeros((7, 7)))
    rules = no_rules()
    rules.below[5, 3] = True  # the fourth stays at most as high as the third: taken together
    donors = donors_of([1, 1, 1, 1, 1, 1, 1], np.zeros((2, 7)))
    found = Search(donors, rules, world.raw, sigmoid, 0.55).find().enough
    assert found is not None
    assert found.bundles.tolist() == [True, True, True, False, True]


def test_subjects_that_cannot_move_apart_are_tied():
    """The second is never above the third, which all donors break; groups are not crossed."""
    rules = no_rules()
    rules.below[2, 3] = rules.below[3, 4] = True
    donors = donors_of([0] * 7, np.full((4, 7), 2.0))
    assert tied(donors, rules, np.array([0, 0, 0, 1, 0])).tolist() == [0, 1, 1, 3, 4]
    assert tied(donors, rules, np.array([0, 0, 0, 0, 0])).tolist() == [0, 1, 1, 1, 4]
    assert tied(donors, no_rules(), np.zeros(5)).tolist() == [0, 1, 2, 3, 4]


@given(cases())
def test_who_keeps_the_rules(case):
    _, donors, rules, _ = case
    for chosen in ([1], [1, 2], [3], [0, 3, 4]):
        taken = np.isin(np.arange(FREE), chosen)
        mixed = donors.mixed(np.arange(len(donors)), np.repeat(taken[None], len(donors), axis=0))
        expected = [keeps(rules, row) for row in mixed]
        assert keeping(rules, donors, taken).tolist() == expected


def test_more_sets_than_may_be_asked_about(monkeypatch):
    """The sums of single effects choose: with a model that adds up they choose right."""
    random = np.random.default_rng(2)
    world = World(np.abs(random.normal(1, 0.3, 7)), np.zeros((7, 7)))
    donors = donors_of([2] * 7, random.integers(0, 3, (200, 7)).astype(float))
    threshold = float(sigmoid(world.raw(donors.customer[None]) - 5)[0])
    search = Search(donors, no_rules(), world.raw, sigmoid, threshold)
    expected = tried_out(search, no_rules())[0]
    monkeypatch.setattr(takeover, "MOST_ASKED", 20)
    monkeypatch.setattr(takeover, "FEWEST_ASKED", 5)
    asked: list[int] = []

    def counted(matrix: np.ndarray) -> np.ndarray:
        asked.append(len(matrix))
        return world.raw(matrix)

    search = Search(donors, no_rules(), counted, sigmoid, threshold)
    asked.clear()
    found = search.find().enough
    assert found is not None
    cost = float(search.costs[found.donor, found.bundles].sum())
    assert (int(found.bundles.sum()), cost) == (expected[0], pytest.approx(expected[1]))
    assert max(asked) <= 20


def test_donors_that_differ_in_nothing_are_no_help():
    search = Search(
        donors_of([1] * 7, np.ones((3, 7))), no_rules(), World(np.ones(7), np.eye(7)).raw,
        sigmoid, 0.1,
    )  # fmt: skip
    assert search.find() == takeover.Found(None, None)


def test_a_missing_value_is_a_value_too():
    matrix = np.zeros((1, 7))
    matrix[0, 2] = np.nan
    donors = donors_of([0, 0, np.nan, 0, 0, 0, 0], matrix)
    assert not donors.moved().any()
    donors = replace(donors, customer=np.zeros(7, dtype=np.float32))
    assert donors.moved().tolist() == [[False, True, False, False, False]]
    mixed = donors.mixed(np.array([0]), np.array([[False, True, False, False, False]]))
    assert np.isnan(mixed[0, 2])
