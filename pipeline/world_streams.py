"""Random numbers that belong to a customer's rows, whatever rows other customers have.

A generator hands out numbers in turn, so one row more shifts those of everybody behind it. Where
two runs of a world are compared, a customer's tickets must be the same in both, unless something
happened to that customer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.world import Array

MOST_ROWS = 64  # of a customer in a month
Words = NDArray[np.uint64]


class RowStream:
    """The draws of `numpy.random.Generator` that tickets need, each from a hash of its row."""

    def __init__(self, seed: int, month: int) -> None:
        self._start = np.random.SeedSequence([seed, month, MOST_ROWS]).generate_state(1, np.uint64)
        self._keys: Words = np.zeros(0, np.uint64)
        self._draws = 0

    def of(self, rows: Array) -> RowStream:
        """Rows to draw for, given as customers in order; a customer may come several times."""
        order = np.arange(len(rows)) - np.searchsorted(rows, rows)
        self._keys = (rows * MOST_ROWS + np.minimum(order, MOST_ROWS - 1)).astype(np.uint64)
        return self

    def random(self, size: int) -> Array:
        """Uniform in [0, 1)."""
        self._draws += 1
        words = _mixed(self._keys + _mixed(self._start + np.uint64(self._draws)))
        return np.asarray((words >> np.uint64(11)) * 2.0**-53)[:size]

    def uniform(self, low: float, high: float, size: int) -> Array:
        return low + (high - low) * self.random(size)

    def integers(self, low: int, high: int, size: int) -> Array:
        """From low to high - 1."""
        return np.asarray((low + (high - low) * self.random(size)).astype(np.int64))

    def normal(self, mean: float, deviation: float, size: int) -> Array:
        """Box and Muller (1958)."""
        radius = np.sqrt(-2 * np.log1p(-self.random(size)))
        return np.asarray(mean + deviation * radius * np.cos(2 * np.pi * self.random(size)))

    def poisson(self, mean: Array) -> Array:
        """Counts, one for each customer, that grow with the mean (inverse of the distribution)."""
        self._keys = np.arange(len(mean), dtype=np.uint64) * np.uint64(MOST_ROWS)
        share = self.random(len(mean))
        counts, chance = np.zeros(len(mean), int), np.exp(-mean)
        below = chance.copy()
        for count in range(1, MOST_ROWS):
            more = share >= below
            if not more.any():
                break
            counts += more
            chance = chance * mean / count
            below = below + chance
        return counts


def _mixed(words: Words) -> Words:
    """SplitMix64 (Steele, Lea and Flood 2014): bits of which each depends on all."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
