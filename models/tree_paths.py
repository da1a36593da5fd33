"""The paths of a LightGBM booster: what leads to each leaf, and how many training rows went there.

Splits are read from the booster's own dump and decided as its `Tree::NumericalDecision` and
`Tree::CategoricalDecision` do, so that also those a row does not come by are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import lightgbm as lgb

ZERO = 1e-35
"""What LightGBM takes for zero."""


@dataclass(frozen=True)
class Split:
    """A question to one feature; rows for which it holds go left.

    Attributes
    ----------
    threshold
        Values up to it go left; None where the feature has categories.
    categories
        The codes that go left.
    missing
        Which values go the default way: "None", "Zero" or "NaN".
    """

    feature: int
    threshold: float | None
    categories: frozenset[int]
    missing: str
    default_left: bool

    def goes_left(self, column: np.ndarray) -> np.ndarray:
        """Which values go left; as float64, since thresholds lie between values of float32."""
        column = column.astype(np.float64)
        if self.threshold is None:
            # A gap is no category: it goes right.
            return np.isin(np.nan_to_num(column, nan=-1.0).astype(np.int64), [*self.categories])
        gap = np.isnan(column)
        values = column if self.missing == "NaN" else np.where(gap, 0.0, column)
        left = values <= self.threshold
        if self.missing == "None":
            return left
        default = gap if self.missing == "NaN" else np.abs(values) <= ZERO
        return np.where(default, self.default_left, left)


@dataclass(frozen=True)
class Leaf:
    """A leaf and what leads to it.

    Attributes
    ----------
    value
        What it adds to the log-odds.
    steps
        By feature on the path, the splits asked (by number) and whether the path goes left there.
    shares
        By feature on the path, the share of training rows that its splits let through: the product
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
    """The splits and leaves of a tree."""

    splits: Sequence[Split]
    leaves: Sequence[Leaf]

    @property
    def expected(self) -> float:
        """The mean of the leaves over the training rows."""
        return float(sum(leaf.value * leaf.share for leaf in self.leaves))

    def decisions(self, matrix: np.ndarray) -> np.ndarray:
        """Splits x rows: whether each row would go left at each split, asked or not."""
        found = np.empty((len(self.splits), len(matrix)), dtype=bool)
        for number, split in enumerate(self.splits):
            found[number] = split.goes_left(matrix[:, split.feature])
        return found


def trees_of(booster: lgb.Booster) -> Iterator[Tree]:
    """The trees of a booster in their order."""
    for told in booster.dump_model()["tree_info"]:
        splits: list[Split] = []
        leaves = [*_leaves(told["tree_structure"], splits, {}, {})]
        yield Tree(splits, leaves)


Steps = Mapping[int, tuple[tuple[int, bool], ...]]


def _leaves(
    node: Mapping[str, Any], splits: list[Split], steps: Steps, shares: Mapping[int, float]
) -> Iterator[Leaf]:
    """The leaves below a node, whose splits are noted as they are come by."""
    if "split_index" not in node:
        yield Leaf(float(node["leaf_value"]), steps, shares)
        return
    split, number = _split(node), len(splits)
    splits.append(split)
    asked, share = steps.get(split.feature, ()), shares.get(split.feature, 1.0)
    for side, left in (("left_child", True), ("right_child", False)):
        child = node[side]
        through = _count(child) / _count(node)
        yield from _leaves(
            child,
            splits,
            {**steps, split.feature: (*asked, (number, left))},
            {**shares, split.feature: share * through},
        )


def _split(node: Mapping[str, Any]) -> Split:
    by_category = node["decision_type"] == "=="
    told = node["threshold"]
    return Split(
        feature=int(node["split_feature"]),
        threshold=None if by_category else float(told),
        categories=frozenset(map(int, str(told).split("||"))) if by_category else frozenset(),
        missing=node["missing_type"],
        default_left=bool(node["default_left"]),
    )


def _count(node: Mapping[str, Any]) -> int:
    """Training rows that came to a node."""
    return int(node["internal_count"] if "internal_count" in node else node["leaf_count"])
