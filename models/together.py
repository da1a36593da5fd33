"""What goes together in a vector: rules that every peer keeps, learned from the peers.

The numbers of a customer are linked: nobody has more events in 30 days than in 90, a mean of
no payments, or silence longer than its tenure. Nothing declares all of these, yet the peers show
them: a rule is what no peer breaks though many would, were the two numbers unrelated. A vector
mixed of two customers that breaks one is a customer that cannot exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EVIDENCE = 20
"""So many peers would break a rule, were its two features unrelated; of chance none does in e^20"""

STATES = 3
"""A value is missing, zero, or another one."""


@dataclass(frozen=True)
class Rules:
    """What every peer keeps, of pairs of features.

    Attributes
    ----------
    below
        Features x features: where both have a value, the first is never above the second.
    never
        States x states (`state * features + feature`): two that never come together.
    texts
        Which features are codes of texts: missing or not is all that is asked of them.
    """

    below: np.ndarray
    never: np.ndarray
    texts: np.ndarray

    def conflicts(
        self, customer: np.ndarray, donors: np.ndarray, owner: np.ndarray, bundles: int
    ) -> np.ndarray:
        """Which bundles cannot be taken from a donor while another one stays as it is.

        Parameters
        ----------
        customer, donors
            A row, and rows, of the matrix.
        owner
            For each feature its bundle, from 0; -1 for one that always stays.
        bundles
            How many there are.

        Returns
        -------
        Donors x bundles x (bundles + 1), true where taking the first and keeping the second breaks
        a rule; last what always stays. A rule that the customer itself breaks is none for it.
        """
        kept = [np.flatnonzero(owner == bundle) for bundle in (*range(bundles), -1)]
        broken = self._states_broken(customer, donors, kept)
        for at, features in enumerate(kept):
            lowest, highest = self._limits(customer, features)
            broken[:, :, at] |= (donors > highest) | (donors < lowest)
        found = np.zeros((len(donors), bundles, bundles + 1), dtype=bool)
        for at, features in enumerate(kept[:-1]):
            found[:, at] = broken[:, features].any(axis=1)
            # What is taken is not kept.
            found[:, at, at] = False
        return found

    def _states_broken(
        self, customer: np.ndarray, donors: np.ndarray, kept: list[np.ndarray]
    ) -> np.ndarray:
        """Donors x features x kept: whether the donor's state never goes with a kept one's."""
        own = _places(customer[None], self.texts)[0]
        never = self.never[:, own].copy()
        never[own] = False
        by_kept = np.stack([never[:, features].any(axis=1) for features in kept], axis=1)
        return by_kept[_places(donors, self.texts)]

    def _limits(self, customer: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Between which numbers each feature must lie where `kept` stay; infinite without any."""
        values = customer[kept]
        above = self.below[:, kept] & ~(customer[:, None] > values)
        under = self.below[kept].T & ~(customer[:, None] < values)
        known = ~np.isnan(values)
        highest = np.where(above & known, values, np.inf).min(axis=1, initial=np.inf)
        lowest = np.where(under & known, values, -np.inf).max(axis=1, initial=-np.inf)
        return lowest, highest


def learn(
    matrix: np.ndarray, texts: np.ndarray, movable: np.ndarray, random: np.random.Generator
) -> Rules:
    """The rules that peers (rows of `matrix`) keep, of pairs with a movable feature."""
    columns = np.ascontiguousarray(matrix.T)
    return Rules(
        below=_below(columns, movable & ~texts, ~texts, random),
        never=_never(matrix, texts, movable),
        texts=texts,
    )


def _below(
    columns: np.ndarray, movable: np.ndarray, numbers: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Of each pair of numbers, whether the first is never above the second.

    How many would break it by chance is counted with the first one's values shuffled.
    """
    shuffled = random.permutation(columns.shape[1])
    found = np.zeros((len(columns), len(columns)), dtype=bool)
    for one in np.flatnonzero(movable):
        ours, mixed = columns[one], columns[one][shuffled]
        for flip in (False, True):
            compare = np.less if flip else np.greater
            others = np.flatnonzero(~compare(ours, columns).any(axis=1) & numbers)
            others = others[others != one]
            linked = others[compare(mixed, columns[others]).sum(axis=1) >= EVIDENCE]
            if flip:
                found[linked, one] = True
            else:
                found[one, linked] = True
    return found


def _never(matrix: np.ndarray, texts: np.ndarray, movable: np.ndarray) -> np.ndarray:
    """Of each pair of states, whether none has both though `EVIDENCE` would by chance."""
    rows, width = matrix.shape
    seen = np.zeros((rows, STATES * width), dtype=np.float32)
    np.put_along_axis(seen, _places(matrix, texts), 1, axis=1)
    counts = seen.sum(axis=0)
    expected = np.outer(counts, counts) / max(rows, 1)
    asked = np.tile(movable, STATES)
    feature = np.tile(np.arange(width), STATES)
    found = (seen.T @ seen == 0) & (expected >= EVIDENCE) & (asked[:, None] | asked)
    return np.asarray(found & (feature[:, None] != feature))


def _places(matrix: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Where in `never` the state of each value is."""
    state = np.where(np.isnan(matrix), 0, np.where((matrix == 0) & ~texts, 1, 2))
    return np.asarray(state * matrix.shape[1] + np.arange(matrix.shape[1]))
