"""The benchmark of the allocation tells gaps and money that are right."""

from __future__ import annotations

import numpy as np

from benchmarks import allocation
from benchmarks.allocation import ACTIONS, COSTS
from models.resources import Resources

NO_LIMIT = np.full(ACTIONS, np.inf)


def profits_of(*rows: dict[int, float]) -> np.ndarray:
    found = np.full((len(rows), ACTIONS), np.nan)
    for profits, own in zip(found, rows, strict=True):
        profits[list(own)] = list(own.values())
    return found


def test_the_plain_rule_by_hand():
    """Costs are 1, 15 and 2, so returns 3 of 1 and 2.5, 2 and 4.5 of 15 and 2."""
    profits = profits_of({0: 3, 2: 5}, {1: 30}, {2: 9}, {0: -1})
    assert allocation.plain(profits, Resources(5.0, None, NO_LIMIT)) == 9 + 5
    assert allocation.plain(profits, Resources(None, 2, NO_LIMIT)) == 9 + 5
    assert allocation.plain(profits, Resources(None, None, np.ones(ACTIONS))) == 9 + 30


def test_every_case_keeps_its_limits_and_beats_the_plain_rule():
    order = allocation.hash_share(range(1000), "test")
    for case in allocation.cases(1000):
        found = allocation.measured(case, order)
        counts = np.bincount(found.allocation.action[found.allocation.action >= 0], minlength=8)
        assert case.resources.hold(counts, COSTS), case.name
        assert found.plain <= found.allocation.profit <= found.allocation.bound
        assert found.allocation.gap < 0.05


def test_the_page_has_a_row_for_each_case():
    page = allocation.run(1000)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 5
    assert all(row.count("|") == 10 for row in rows)
    assert "Slowest" in page
