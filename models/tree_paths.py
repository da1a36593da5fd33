"""The paths of a booster's trees: what leads to each leaf, and how many training rows went there.

Splits are decided as LightGBM's `Tree::NumericalDecision` and `Tree::CategoricalDecision` do, for
all rows at once, so that also those a row does not come by are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.trees import BY_CATEGORY, NEAR_ZERO, ZERO_IS_MISSING, Forest

Steps = Mapping[int, tuple[tuple[int, bool], ...]]


@dataclass(frozen=True)
class Leaf:
    """A leaf and what leads to it.

    Attributes
    ----------
    value
        What it adds to the log-odds.
    steps
        By column on the path, the splits asked (by number) and whether the path goes left there.
    shares
        By column on the path, the share of training rows that its splits let through: the product
        of the shares at each.
    """

    value: float
    steps: Mapping[int, Sequence[tuple[int, bool]]]
    shares: Mapping[int, float]

    @property
    def share(self) -> float:
        """The share of training rows that came here."""
        return float(np.prod(list(self.shares.values())))


@dataclass(frozen=True)
class Tree:
    """The nodes of a tree, from the first to before the last, and its leaves."""

    forest: Forest
    first: int
    last: int
    leaves: Sequence[Leaf]

    def decisions(self, matrix: np.ndarray) -> np.ndarray:
        """Splits x rows: whether each row (float32) would go left at each split, asked or not."""
        nodes = range(self.first, self.last)
        return np.array([_goes_left(self.forest, node, matrix) for node in nodes])


def trees_of(forest: Forest) -> Iterator[Tree]:
    """The trees that split, in their order."""
    ends = [*forest.roots, len(forest.nodes)]
    for first, last in pairwise(ends):
        yield Tree(forest, first, last, [*_leaves(forest, first, first, {}, {})])


def _leaves(
    forest: Forest, root: int, place: int, steps: Steps, shares: Mapping[int, float]
) -> Iterator[Leaf]:
    """The leaves below a place of the tree: a node, or ~leaf."""
    if place < 0:
        yield Leaf(float(forest.leaves[~place]), steps, shares)
        return
    node = forest.nodes[place]
    column = int(forest.columns[node["feature"]])
    asked, share = steps.get(column, ()), shares.get(column, 1.0)
    of_left = float(node["share"])
    for child, left, through in (("left", True, of_left), ("right", False, 1 - of_left)):
        yield from _leaves(
            forest,
            root,
            node[child],
            {**steps, column: (*asked, (place - root, left))},
            {**shares, column: share * through},
        )


def _goes_left(forest: Forest, place: int, matrix: np.ndarray) -> np.ndarray:
    """Which rows go left at a node."""
    node = forest.nodes[place]
    values = matrix[:, forest.columns[node["feature"]]]
    if node["way"] == BY_CATEGORY:
        return _among(forest.words[node["first_word"] : node["after_word"]], values)
    missing = np.isnan(values)
    if node["way"] == ZERO_IS_MISSING:
        missing |= np.abs(values) <= NEAR_ZERO
    return np.where(missing, node["missing_left"], values <= node["threshold"])


def _among(words: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whose category is among the bits of the words; one that is missing is not."""
    known = (values > -1) & (values < 32 * len(words))
    codes = np.where(known, values, 0).astype(np.int64)
    return known & ((words[codes >> 5] >> (codes & 31)) & 1 > 0)
