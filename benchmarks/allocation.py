"""Sharing out money and contacts among a million customers: `make bench ONLY=allocation`.

Beside ours is the rule that most would use: everybody's most profitable action, by profit per money
until nothing is left.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.measuring import bar
from models.allocation import Allocation, allocate
from models.holdout import hash_share
from models.resources import Resources, spent

CUSTOMERS, ACTIONS, SEED = 1_000_000, 8, 7
GAP, SECONDS = 0.1, 60
"""What must be kept: percent of the bound, and seconds of the clock."""
COSTS = np.array([1.0, 15.0, 2.0, 10.0, 3.5, 18.0, 5.0, 20.0])
SUCCESS = np.array([0.1, 0.25, 0.15, 0.2, 0.12, 0.22, 0.18, 0.3])
INCENTIVES = np.array([0, 0, 0, 0, 0, 10, 4, 0])


@dataclass(frozen=True)
class Case:
    """Profits, customers x actions, and the limits."""

    name: str
    profits: np.ndarray
    resources: Resources


@dataclass(frozen=True)
class Found:
    """What the allocation of a case came to, what it took, and what the plain rule brings."""

    case: Case
    allocation: Allocation
    wall: float
    cpu: float
    plain: float

    @property
    def row(self) -> str:
        counts = _counts(self.allocation.action)
        budget = self.case.resources.budget
        cells = [
            *(self.case.name, f"{self.cpu:.1f}", f"{self.wall:.1f}"),
            f"{100 * self.allocation.gap:.6f} %",
            f"{spent(counts, COSTS):,.2f}",
            "none" if budget is None else f"{budget:,.2f}",
            f"{counts.sum():,}",
            f"{self.allocation.profit:,.0f}",
            f"{100 * self.plain / self.allocation.profit:.2f} %",
        ]
        return f"| {' | '.join(cells)} |"


def run(customers: int = CUSTOMERS) -> str:
    """Share out in all cases; Markdown."""
    order = hash_share(range(customers), "benchmark")
    warm_up = next(cases(500))
    allocate(warm_up.profits, COSTS, warm_up.resources, order=order[:500])
    found = []
    for case in cases(customers):
        print(f"sharing out: {case.name}", file=sys.stderr, flush=True)
        found.append(measured(case, order))
    return "\n".join(
        [
            f"{customers:,} customers, {ACTIONS} actions. No choice within the limits brings more",
            "than the bound; the gap is the share of it that is missed. The plain rule:",
            "everybody's most profitable action, by profit per money until nothing is left.",
            "",
            "| limits | CPU s | wall s | gap | spent | budget | contacts | profit | plain rule |",
            f"| --- |{' ---: |' * 8}",
            *(each.row for each in found),
            "",
            bar("Widest gap", 100 * max(each.allocation.gap for each in found), GAP, " %"),
            bar("Slowest", max(each.wall for each in found), SECONDS, " s"),
        ]
    )


def measured(case: Case, order: np.ndarray) -> Found:
    """Share out once, by the clock and all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    allocation = allocate(case.profits, COSTS, case.resources, order=order)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Found(case, allocation, wall, cpu, plain(case.profits, case.resources))


def cases(customers: int) -> Iterator[Case]:
    """Limits of every kind; then customers of whom many are alike."""
    profits = made(customers, alike=False)
    all_free = _counts(_best(profits))
    no_limit, half = np.full(ACTIONS, np.inf), np.maximum(all_free // 2, 1).astype(float)
    whole, contacts = float(all_free @ COSTS), int(all_free.sum())
    yield Case("budget", profits, Resources(0.3 * whole, None, no_limit))
    yield Case("small budget", profits, Resources(0.01 * whole, None, no_limit))
    yield Case("budget, capacity, actions", profits, Resources(0.3 * whole, contacts // 3, half))
    yield Case("capacity, actions", profits, Resources(None, contacts // 4, half))
    alike = made(customers, alike=True)
    yield Case("many alike", alike, Resources(0.3 * whole, contacts // 3, half))


def made(customers: int, *, alike: bool) -> np.ndarray:
    """Expected profits; where customers are alike, there are few values and probabilities."""
    random = np.random.default_rng(SEED)
    leaves, value = random.beta(1, 12, customers), random.lognormal(5, 1, customers)
    if alike:
        leaves = np.ceil(leaves * 40) / 40
        value = random.choice([60.0, 150.0, 420.0], customers)
    fits = random.choice([0.0, 0.5, 1.0], (customers, ACTIONS), p=[0.6, 0.2, 0.2])
    profits = (leaves * value)[:, None] * (SUCCESS * fits) - COSTS
    profits += INCENTIVES * leaves[:, None]
    return np.where(fits > 0, profits, np.nan)


def plain(profits: np.ndarray, resources: Resources) -> float:
    """What the plain rule brings."""
    best = _best(profits)
    some = np.flatnonzero(best >= 0)
    gains, costs = profits[some, best[some]], COSTS[best[some]]
    left, money, brought = resources.of_action.copy(), resources.money, 0.0
    contacts = resources.contacts
    for k in np.argsort(-gains / costs, kind="stable"):
        action = best[some[k]]
        if contacts >= 1 and left[action] >= 1 and costs[k] <= money:
            contacts, money, brought = contacts - 1, money - costs[k], brought + gains[k]
            left[action] -= 1
    return float(brought)


def _best(profits: np.ndarray) -> np.ndarray:
    known = np.where(profits > 0, profits, -np.inf)
    return np.where(known.max(axis=1) > 0, known.argmax(axis=1), -1)


def _counts(action: np.ndarray) -> np.ndarray:
    return np.bincount(action[action >= 0], minlength=ACTIONS)
