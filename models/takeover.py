"""The search behind `models.what_if`: which bundles, taken over from which donor, are enough.

The boosters are shallow, so what single bundles bring nearly adds up: sums of single effects tell
which of the many sets to ask the model about. The answer is always the model's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from models.calibration import log_odds_of
from models.together import Rules

Predict = Callable[[np.ndarray], np.ndarray]
"""From a matrix to log-odds before calibration, or from these to probabilities."""

MOST_SETS = 1000
"""Of a size; where there are more, only the bundles that promise most are combined."""
MOST_TOGETHER = 8
"""Bundles in a set that is searched for; more are only tried all at once."""
MOST_ASKED = 4096
"""Vectors that the model is asked about, for a size."""
FEWEST_ASKED = 64
SLACK = 0.5
"""In log-odds: sums of single effects that miss the threshold by more are not worth asking."""
LITTLE = 0.01
"""Where the threshold is out of reach, what brings less than this share of the fall is left out."""
TIED = 0.5
"""Share of donors with whom one subject breaks rules without another: these two go together."""


@dataclass(frozen=True)
class Donors:
    """Peers from whom bundles can be taken, for one customer.

    Attributes
    ----------
    customer, matrix
        The customer's row, and a row for each donor.
    apart
        Donors x features: the distance of each from the customer's; 0 for what always stays.
    owner
        For each feature its bundle; -1 for one that always stays.
    bundles
        How many there are.
    """

    customer: np.ndarray
    matrix: np.ndarray
    apart: np.ndarray
    owner: np.ndarray
    bundles: int

    def __len__(self) -> int:
        return len(self.matrix)

    def some(self, which: np.ndarray) -> Donors:
        """Some of them."""
        return Donors(
            self.customer, self.matrix[which], self.apart[which], self.owner, self.bundles
        )

    @property
    def member(self) -> np.ndarray:
        """Features x bundles."""
        return self.owner[:, None] == np.arange(self.bundles)

    def moved(self) -> np.ndarray:
        """Donors x bundles: whether the donor's differs from the customer's."""
        both = np.isnan(self.matrix) & np.isnan(self.customer)
        differs = (self.matrix != self.customer) & ~both
        return np.asarray(differs.astype(np.float32) @ self.member.astype(np.float32) > 0)

    def costs(self) -> np.ndarray:
        """Donors x bundles: the distance moved by taking it over."""
        return self.apart.astype(np.float64) @ self.member

    def mixed(self, donors: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """The customer's row with the bundles `taken` (rows x bundles) of those donors."""
        swapped = np.append(taken, np.zeros((len(taken), 1), bool), axis=1)[:, self.owner]
        return np.where(swapped, self.matrix[donors], self.customer)


@dataclass(frozen=True)
class Taken:
    """Bundles of a donor, and the probability with them."""

    donor: int
    bundles: np.ndarray
    probability: float


@dataclass(frozen=True)
class Found:
    """The smallest set that is enough, or else the one with the lowest probability, if any."""

    enough: Taken | None
    lowest: Taken | None


class Search:
    """Asks the model which bundles of which donors bring the probability below a threshold."""

    def __init__(
        self, donors: Donors, rules: Rules, raw: Predict, calibrated: Predict, threshold: float
    ) -> None:
        self.donors, self.rules, self.raw, self.calibrated = donors, rules, raw, calibrated
        self.threshold, self.aim = threshold, log_odds_of(np.array([threshold]))[0]
        self.before = float(raw(donors.customer[None])[0])
        self.moved, self.costs = donors.moved(), donors.costs()
        self.conflicts = _conflicts(rules, donors)
        self.effects = self._effects()

    def _effects(self) -> np.ndarray:
        """Donors x bundles: the log-odds that each one changes by itself."""
        effects = np.zeros(self.moved.shape)
        donors, bundles = np.nonzero(self.moved)
        taken = np.eye(self.donors.bundles, dtype=bool)[bundles]
        effects[donors, bundles] = self._asked(donors, taken) - self.before
        return effects

    def _asked(self, donors: np.ndarray, taken: np.ndarray) -> np.ndarray:
        return self.raw(self.donors.mixed(donors, taken)) if len(donors) else np.empty(0)

    def probability(self, donor: int, taken: np.ndarray) -> np.ndarray:
        """With each of these sets (sets x bundles) of a donor's bundles."""
        return self.calibrated(self._asked(np.full(len(taken), donor), taken))

    def find(self) -> Found:
        """The fewest bundles that are enough, of those the nearest; ties by the donors' order."""
        lowest: Taken | None = None
        for sets in self._sizes():
            enough, low = self._ask(sets)
            if enough is not None:
                return Found(self.pruned(enough), None)
            if low is not None and (lowest is None or low.probability < lowest.probability):
                lowest = low
        if lowest is None or lowest.probability >= self.calibrated(np.array([self.before]))[0]:
            return Found(None, None)
        return Found(None, self.pruned(lowest))

    def _sizes(self) -> Iterator[np.ndarray]:
        """By size, the sets of bundles (sets x bundles), ascending."""
        count = self.donors.bundles
        promise = np.argsort(self.effects.min(axis=0, initial=0.0), kind="stable")
        for size in range(1, min(count, MOST_TOGETHER) + 1):
            width = count
            while width > size and comb(width, size) > MOST_SETS:
                width -= 1
            chosen = list(combinations(sorted(promise[:width].tolist()), size))
            sets = np.zeros((len(chosen), count), dtype=bool)
            np.put_along_axis(sets, np.array(chosen), True, axis=1)
            yield sets
        if count > MOST_TOGETHER:
            yield np.ones((1, count), dtype=bool)

    def _ask(self, sets: np.ndarray) -> tuple[Taken | None, Taken | None]:
        """The nearest that is enough and the lowest of these sets, over all donors."""
        donors, chosen = np.nonzero(self._possible(sets))
        # Elementwise and not as a matrix product, so that equal sums are equal to the last bit.
        expected = self.before + np.einsum("nb,nb->n", self.effects[donors], sets[chosen])
        costs = np.einsum("nb,nb->n", self.costs[donors], sets[chosen])
        missed = np.maximum(log_odds_of(self.calibrated(expected)) - self.aim, 0)
        asked = np.arange(len(missed))
        if len(missed) > MOST_ASKED:
            limit = max(SLACK, np.partition(missed, FEWEST_ASKED)[FEWEST_ASKED])
            asked = np.flatnonzero(missed <= limit)
        order = asked[np.lexsort((costs[asked], missed[asked]))][:MOST_ASKED]
        donors, taken, costs = donors[order], sets[chosen[order]], costs[order]
        taken = taken & self.moved[donors]
        if not len(donors):
            return None, None
        found = self.calibrated(self._asked(donors, taken))
        low = int(found.argmin())
        reached = np.flatnonzero(found < self.threshold)
        lowest = Taken(int(donors[low]), taken[low], float(found[low]))
        if not len(reached):
            return None, lowest
        best = reached[costs[reached].argmin()]
        return Taken(int(donors[best]), taken[best], float(found[best])), lowest

    def _possible(self, sets: np.ndarray) -> np.ndarray:
        """Donors x sets: every bundle of it differs, and none breaks a rule with what stays."""
        still = (~self.moved).astype(np.float32) @ sets.T.astype(np.float32)
        # Everything at once is whatever differs: few donors differ in all of many bundles.
        differs = (still == 0) | sets.all(axis=1)
        keeping = [self._keeps_rules(donor, sets) for donor in range(len(self.donors))]
        return np.asarray(differs & np.array(keeping, dtype=bool).reshape(differs.shape))

    def _keeps_rules(self, donor: int, taken: np.ndarray) -> np.ndarray:
        """Of each of these sets of a donor's bundles, whether it breaks no rule."""
        broken = taken.astype(np.float32) @ self.conflicts[donor].astype(np.float32) > 0
        return ~(broken & np.append(~taken, np.ones((len(taken), 1), bool), axis=1)).any(axis=1)

    def pruned(self, found: Taken) -> Taken:
        """Without the bundles that are not needed: to stay below the threshold, or about as low."""
        before = float(self.calibrated(np.array([self.before]))[0])
        limit = np.nextafter(self.threshold, 0)
        if found.probability > limit:
            limit = found.probability + LITTLE * (before - found.probability)
        while (count := int(found.bundles.sum())) > 1:
            members = np.flatnonzero(found.bundles)
            fewer = np.repeat(found.bundles[None], count, axis=0)
            fewer[np.arange(count), members] = False
            probability = self.probability(found.donor, fewer)
            usable = (probability <= limit) & self._keeps_rules(found.donor, fewer)
            if not usable.any():
                break
            # The bundle that moves farthest is taken back first.
            back = max(np.flatnonzero(usable), key=lambda at: self.costs[found.donor, members[at]])
            found = Taken(found.donor, fewer[back], float(probability[back]))
        return found


def keeping(rules: Rules, donors: Donors, bundles: np.ndarray) -> np.ndarray:
    """Of each donor, whether taking these bundles (bool by bundle) breaks no rule."""
    kept = ~np.append(bundles, False)
    return np.asarray(~_conflicts(rules, donors)[:, bundles][:, :, kept].any(axis=(1, 2)))


def tied(donors: Donors, rules: Rules, groups: np.ndarray) -> np.ndarray:
    """For each bundle the first one that it must move with; of the same group (ints) only."""
    moved, conflicts = donors.moved(), _conflicts(rules, donors)[:, :, :-1]
    often = conflicts.sum(axis=0) > TIED * np.maximum(moved.sum(axis=0), 1)[:, None]
    linked = (often | often.T) & (groups[:, None] == groups)
    first = np.arange(donors.bundles)
    for _ in first:
        lower = np.where(linked, first, donors.bundles).min(axis=1, initial=donors.bundles)
        first = np.minimum(first, lower)
    return np.asarray(first)


def _conflicts(rules: Rules, donors: Donors) -> np.ndarray:
    return rules.conflicts(donors.customer, donors.matrix, donors.owner, donors.bundles)
