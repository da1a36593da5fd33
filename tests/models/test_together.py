"""What goes together: the rules that peers keep, and which mixtures break them."""

from __future__ import annotations

import numpy as np
import pytest

from models.together import Rules, learn

NAN = np.nan
NAMES = ("count_30d", "count_90d", "mean_30d", "other", "plan")
OWNER = np.array([0, 1, 2, 3, -1])


def peers(rows: int, seed: int = 3) -> np.ndarray:
    """90 days hold 30; there is a mean where there are events; plan 1 pays for usage; else none."""
    random = np.random.default_rng(seed)
    plan = random.integers(0, 2, rows)
    recent = random.poisson(2, rows) * plan
    before = random.poisson(3, rows) * plan
    mean = np.where(recent > 0, random.gamma(2, 3, rows), NAN)
    other = random.normal(0, 3, rows)
    return np.column_stack([recent, recent + before, mean, other, plan]).astype(np.float32)


def learned(matrix: np.ndarray) -> Rules:
    texts = np.array([False, False, False, False, True])
    return learn(matrix, texts, OWNER >= 0, np.random.default_rng(1))


@pytest.fixture(scope="module")
def rules() -> Rules:
    return learned(peers(2_000))


def conflicts(rules: Rules, customer: list[float], donor: list[float]) -> set[tuple[str, str]]:
    """(taken, kept) that break a rule."""
    row, other = (np.array(each, dtype=np.float32) for each in (customer, donor))
    found = rules.conflicts(row, other[None], OWNER, 4)[0]
    kept = (*NAMES[:4], "facts")
    return {(NAMES[a], kept[b]) for a, b in np.argwhere(found)}


def test_more_in_30_days_than_in_90_is_nobody(rules):
    customer, donor = [1, 4, 2.5, 0.1, 1], [6, 9, 2.5, 0.1, 1]
    assert conflicts(rules, customer, donor) == {("count_30d", "count_90d")}
    # The other way round it is fine: 9 in 90 days with 1 in 30.
    assert conflicts(rules, [1, 9, 2.5, 0.1, 1], [2, 9, 2.5, 0.1, 1]) == set()


def test_a_mean_of_nothing_is_nobody(rules):
    customer, donor = [0, 5, NAN, 0.1, 1], [3, 5, 2.5, 0.1, 1]
    found = conflicts(rules, customer, donor)
    assert found == {("count_30d", "mean_30d"), ("mean_30d", "count_30d")}


def test_what_never_moves_is_kept_to(rules):
    """Without events there is no order among texts: the rule comes by the numbers' own states."""
    matrix = peers(2_000)
    matrix[matrix[:, 4] == 0, 4] = NAN
    found = conflicts(learned(matrix), [0, 0, NAN, 0.1, NAN], [3, 5, 2.5, 0.1, 1])
    assert {("count_30d", "facts"), ("count_90d", "facts"), ("mean_30d", "facts")} <= found


def test_what_is_unrelated_goes_with_all(rules):
    assert conflicts(rules, [1, 4, 2.5, -3, 1], [1, 4, 2.5, 7, 1]) == set()
    other = NAMES.index("other")
    assert not rules.below[other].any()
    assert not rules.below[:, other].any()


def test_every_peer_keeps_every_rule(rules):
    matrix = peers(2_000)
    for one, other in np.argwhere(rules.below):
        assert not (matrix[:, one] > matrix[:, other]).any()


def test_a_rule_that_the_customer_breaks_is_none_for_it(rules):
    """A count of 5 in 30 days and 4 in 90 is odd data; no donor can put the other one right."""
    assert conflicts(rules, [5, 4, 2.5, 0.1, 1], [6, 4, 2.5, 0.1, 1]) == set()
    # So is a mean of no events, which another such mean is no worse than.
    assert conflicts(rules, [0, 4, 2.5, 0.1, 1], [0, 4, 7.0, 0.1, 1]) == set()


def test_a_few_peers_tell_no_rules():
    few = learned(peers(15))
    assert not few.below.any()
    assert not few.never.any()


def test_all_of_a_donor_breaks_nothing(rules):
    """Taken whole, with the same facts, a peer is a peer."""
    matrix = peers(2_000)[:60]
    owner = np.array([0, 0, 0, 0, 0])
    for customer in matrix[:10]:
        assert not rules.conflicts(customer, matrix, owner, 1)[:, 0, 1].any()


@pytest.mark.parametrize("rows", [0, 1])
def test_no_peers_are_no_trouble(rows):
    rules = learned(peers(rows))
    found = rules.conflicts(np.zeros(5, np.float32), np.ones((2, 5), np.float32), OWNER, 4)
    assert found.shape == (2, 4, 5)
    assert not found.any()
