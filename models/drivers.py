"""Drivers: contributions summed by what they tell about, against the typical customer.

A SHAP value says how far a feature moves one customer from the mean of all. That mean is nobody:
where a third of the customers is bound by a year's term, everybody else is "moved" by not being
so. What a team asks is what makes this customer riskier than a usual one, so a driver's push is its
contribution less that of the median customer. Pushes add up as exactly as contributions do: from
the log-odds of a customer who is usual in every driver to those of this one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.calibration import probabilities
from models.scales import to_probability

if TYPE_CHECKING:
    from models.explanation import Explanation

LEAST_PUSH = 0.05
"""Log-odds below which nothing is called a driver: the odds change by less than 5 %."""

LEAST_SHARE = 0.2
"""Of the first driver's push: less than that is no further reason to tell anybody."""

MOST_DRIVERS = 3


@dataclass(frozen=True)
class Drivers:
    """What makes customers riskier than a usual one, by driver group.

    Attributes
    ----------
    groups
        The driver groups, by name.
    pushes
        Points x groups, in log-odds; ``base + pushes.sum(axis=1)`` is a customer's log-odds.
    base
        The log-odds of a customer who is usual in every group.
    facts
        The groups that nobody can act on.
    """

    explanation: Explanation
    groups: tuple[str, ...]
    pushes: np.ndarray
    base: float
    facts: frozenset[str]

    @staticmethod
    def of(explanation: Explanation, *, facts: Collection[str] = ()) -> Drivers:
        """The drivers of explained points, against what is usual for their model."""
        groups, sums = explanation.by_group()
        usual = np.array([explanation.model.usual.groups.get(group, 0.0) for group in groups])
        base = explanation.expected + float(usual.sum())
        return Drivers(explanation, tuple(groups), sums - usual, base, frozenset(facts))

    @cached_property
    def levers(self) -> list[int]:
        """The places of the groups that someone can act on."""
        return [place for place, group in enumerate(self.groups) if group not in self.facts]

    @cached_property
    def in_probability(self) -> np.ndarray:
        """Points x groups: pushes as shares of probability, from that of the usual customer.

        ``usual_probability + in_probability.sum(axis=1)`` is the probability; see
        `models.scales.to_probability`.
        """
        return to_probability(self.pushes, self.base, self.explanation.log_odds)

    @property
    def usual_probability(self) -> float:
        """The probability of a customer who is usual in every group."""
        return float(probabilities(np.array([self.base]))[0])

    @cached_property
    def ranked(self) -> list[list[int]]:
        """For each point the places of the levers that raise its risk, the strongest first.

        Where none does, the strongest fact that does: a reason that nobody can act on is still one.
        """
        levers, facts = self.levers, [i for i in range(len(self.groups)) if i not in self.levers]
        return [_rising(row, levers, MOST_DRIVERS) or _rising(row, facts, 1) for row in self.pushes]

    @cached_property
    def top(self) -> np.ndarray:
        """The place of each point's strongest lever, whether or not it raises the risk."""
        if not self.levers:
            return np.zeros(len(self.pushes), dtype=np.int64)
        return np.asarray(self.levers)[self.pushes[:, self.levers].argmax(axis=1)]

    @cached_property
    def gap(self) -> np.ndarray:
        """Log-odds by which each point's strongest lever is ahead of the second strongest."""
        if len(self.levers) < 2:
            return np.full(len(self.pushes), np.inf)
        second, first = np.sort(self.pushes[:, self.levers], axis=1)[:, -2:].T
        return np.asarray(first - second)

    def importance(self, rows: np.ndarray | None = None) -> dict[str, float]:
        """By group, the mean of what raises the risk, in log-odds; the largest first.

        Only what is called a driver counts (`LEAST_PUSH`), or the noise of groups with many
        features would add up.

        Parameters
        ----------
        rows
            Which points, such as those at risk; None: all.
        """
        pushes = self.pushes if rows is None else self.pushes[rows]
        raised = np.where(pushes >= LEAST_PUSH, pushes, 0.0)
        means = raised.mean(axis=0) if len(raised) else np.zeros(len(self.groups))
        order = sorted(range(len(self.groups)), key=lambda i: (-means[i], self.groups[i]))
        return {self.groups[i]: float(means[i]) for i in order}


def _rising(pushes: np.ndarray, places: Sequence[int], most: int) -> list[int]:
    first = max((pushes[place] for place in places), default=0.0)
    found = [place for place in places if pushes[place] >= max(LEAST_PUSH, LEAST_SHARE * first)]
    return sorted(found, key=lambda place: -pushes[place])[:most]
