"""Groups compared by hand, beside lifelines' answer, and what must hold of any groups."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kaplan_meier import life_table
from models.logrank import log_rank

LIFELINES = json.loads((Path(__file__).parent / "lifelines.json").read_text(encoding="utf-8"))


def lives(exit, left=None, entry=None):
    exit = np.array(exit)
    entry = np.zeros(len(exit), int) if entry is None else np.array(entry)
    return life_table(entry, exit, np.ones(len(exit), bool) if left is None else np.array(left))


def test_observed_and_expected_by_hand():
    """Leavers at 1 (of 2 and 2), 2 (of 1 and 2) and 3 (of 0 and 2, both)."""
    found = log_rank([lives([1, 2]), lives([3, 3])])
    assert found.left == (2, 2)
    assert found.expected == pytest.approx((1 / 2 + 1 / 3, 1 / 2 + 2 / 3 + 2))
    variance = 1 / 4 + 2 / 9
    assert found.statistic == pytest.approx((2 - 5 / 6) ** 2 / variance)


@pytest.mark.parametrize("name", ["waltons", "rossi"])
def test_groups_differ_as_much_as_lifelines_says(name):
    rows, theirs = LIFELINES[name]["rows"], LIFELINES[name]["answers"]
    exit, left = np.array(rows["exit"], dtype=int), np.array(rows["left"], dtype=bool)
    groups = np.array(rows["group"])
    found = log_rank([lives(exit[groups == g], left[groups == g]) for g in sorted(set(groups))])
    assert found.statistic == pytest.approx(theirs["statistic"], rel=1e-9)
    assert found.p_value == pytest.approx(theirs["p_value"], rel=1e-6)


def test_customers_count_only_from_the_age_at_which_they_are_seen():
    """The second group enters at 2: of the leaver at 1 nothing is expected of it."""
    found = log_rank([lives([1, 3]), lives([3, 4], entry=[2, 2])])
    assert found.expected == pytest.approx((1 + 2 / 3, 4 / 3 + 1))


@pytest.mark.parametrize(
    "tables", [[], [lives([1, 2])], [lives([3], [False]), lives([4], [False])]]
)
def test_where_nothing_can_be_compared_there_is_no_p_value(tables):
    assert log_rank(tables).p_value is None


def test_a_group_of_nobody_changes_nothing():
    nobody = lives(np.empty(0, dtype=np.int64))
    groups = [lives([1, 2, 5]), lives([3, 4, 6])]
    alone, beside = log_rank(groups), log_rank([*groups, nobody])
    assert beside.statistic == pytest.approx(alone.statistic)
    assert beside.freedom == alone.freedom == 1


def test_groups_that_are_alike_differ_by_chance_alone():
    """The p-value is below 0.05 in about one of twenty draws, with delayed entry as well."""
    small = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        life, entry = random.geometric(0.02, 240), random.integers(0, 60, 240)
        group = random.integers(0, 3, 240)
        seen = life >= entry
        parts = [seen & (group == g) for g in range(3)]
        found = log_rank([lives(life[p], entry=entry[p]) for p in parts])
        small.append(found.p_value < 0.05)
    assert 0.02 <= np.mean(small) <= 0.09


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=8), min_size=2, max_size=4
    )
)
@settings(max_examples=50)
def test_what_is_expected_adds_up_and_order_does_not_matter(groups):
    tables = [
        lives([e for e, _ in g], [f for _, f in g]) if g else lives([0], [False]) for g in groups
    ]
    found, turned = log_rank(tables), log_rank(tables[::-1])
    assert sum(found.expected) == pytest.approx(sum(found.left))
    assert turned.statistic == pytest.approx(found.statistic, abs=1e-8)
    assert found.statistic >= -1e-9
