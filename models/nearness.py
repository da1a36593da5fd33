"""How far two vectors are apart: the mean difference of their ranks among peers.

Ranks make days, money and shares comparable, and an odd value no farther away than it is rare
(Gower 1971, with ranks instead of ranges).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

APART = 1.0
"""Of a number and none, and of two texts: as far as the lowest and the highest."""


@dataclass(frozen=True)
class Ranks:
    """The peers' numbers in order, by which any value has a rank.

    Attributes
    ----------
    columns
        The positions in the matrix that are compared.
    texts
        For each of them, whether it holds codes of texts: they are equal or not.
    scales
        For each of them, the peers' distinct values in order, and how many peers are below each
        and, last, in all; without the missing ones.
    """

    columns: np.ndarray
    texts: np.ndarray
    scales: tuple[tuple[np.ndarray, np.ndarray], ...]

    @staticmethod
    def among(matrix: np.ndarray, columns: np.ndarray, texts: np.ndarray) -> Ranks:
        """Those of peers (rows of `matrix`); `texts` says of every column whether it is one."""
        scales = tuple(_scale(matrix[:, column]) for column in columns)
        return Ranks(columns, texts[columns], scales)

    def of(self, matrix: np.ndarray) -> np.ndarray:
        """The share of peers below each value, ties half; codes as they are; NaN for none.

        Rows x `columns`, in float32.
        """
        found = matrix[:, self.columns].astype(np.float32)
        for at, scale in enumerate(self.scales):
            if not self.texts[at]:
                found[:, at] = _ranks(*scale, found[:, at])
        return found

    def distances(self, one: np.ndarray, many: np.ndarray) -> np.ndarray:
        """By column, how far each row of `many` is from `one`, 0 to 1; both are as `of` gives."""
        none, lacking = np.isnan(one), np.isnan(many)
        apart = np.abs(many - one)
        apart[:, self.texts] = many[:, self.texts] != one[self.texts]
        apart[lacking != none] = APART
        apart[:, none] = np.where(lacking[:, none], 0.0, APART)
        return np.asarray(apart)


def _scale(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return values, np.concatenate([[0], np.cumsum(counts)])


def _ranks(values: np.ndarray, below: np.ndarray, asked: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.where(np.isnan(asked), np.nan, 0.5)
    at = np.searchsorted(values, asked)
    equal = values[np.minimum(at, len(values) - 1)] == asked
    return np.where(np.isnan(asked), np.nan, (below[at] + below[at + equal]) / (2 * below[-1]))
