"""The trees of a LightGBM booster as flat arrays.

Read from LightGBM's text format, version 4: a block of ``key=value`` lines for each tree. A child
is the number of a node, or ``~leaf``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

CATEGORICAL, DEFAULT_LEFT, MISSING_ZERO, MISSING_NAN = 1, 2, 4, 8
"""Bits of LightGBM's decision type."""

PLAIN, ZERO_IS_MISSING, BY_CATEGORY = 0, 1, 2
"""Ways to decide: see `NODE`."""

NEAR_ZERO = np.float32(1e-35)
"""What LightGBM takes for zero, where zero means missing."""

NODE = np.dtype(
    [
        ("share", np.float64),
        ("rest", np.float64),
        ("threshold", np.float32),
        ("feature", np.int32),
        ("left", np.int32),
        ("right", np.int32),
        ("first_word", np.int32),
        ("after_word", np.int32),
        ("above", np.int32),
        ("way", np.uint8),
        ("missing_left", np.bool_),
    ],
    align=True,
)
"""A node that splits.

share
    Which share of its training points went left.
rest
    Which share of the training points all splits above it on its feature let through.
threshold
    The largest float32 that goes left.
feature
    Which of `Forest.columns` it looks at.
left, right
    Its children: nodes, or ~leaf.
first_word, after_word
    Where the categories that go left begin and end in `Forest.words`.
above
    How far below the root the nearest split above it on its feature is; -1: none.
way
    `PLAIN` compares with the threshold, `ZERO_IS_MISSING` does so with all but zeros, and
    `BY_CATEGORY` looks the category up.
missing_left
    Whether a missing value goes left.
"""


@dataclass(frozen=True)
class Forest:
    """All trees that split at all.

    Attributes
    ----------
    roots
        The first node of each tree; its other nodes come right after.
    nodes
        Of type `NODE`.
    leaves
        What each leaf adds to the prediction.
    words
        Categories as bits of 32-bit words.
    columns
        The columns of the matrix that the trees look at, ascending.
    width
        Columns of the matrix.
    expected
        The mean prediction of the training points.
    """

    roots: np.ndarray
    nodes: np.ndarray
    leaves: np.ndarray
    words: np.ndarray
    columns: np.ndarray
    width: int
    expected: float


def read(text: str) -> Forest:
    """The trees in a booster's text.

    Raises
    ------
    ValueError
        When the booster has several classes, is a mean of trees, has linear leaves, or does not
        tell how many training points came by each node.
    """
    head, *blocks = re.split(r"^Tree=", text, flags=re.MULTILINE)
    told = dict(_lines(head))
    if told.get("num_tree_per_iteration") != "1" or "average_output" in head.splitlines():
        raise ValueError("only boosters that add up trees of one class can be explained")
    trees = [_tree(dict(_lines(block.split("\n\n", 1)[0]))) for block in blocks]
    expected = sum((tree["expected"] for tree in trees), 0.0)
    trees = [tree for tree in trees if len(tree["feature"])]
    return _joined(trees, int(told["max_feature_idx"]) + 1, float(expected))


def _lines(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, is_value, value = line.partition("=")
        if is_value:
            yield key, value


def _tree(told: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays of one tree; one that is a single leaf has no nodes."""
    if told.get("is_linear", "0") != "0":
        raise ValueError("trees with linear leaves cannot be explained exactly")

    def numbers(key: str, kind: type) -> np.ndarray:
        return np.array(told.get(key, "").split(), dtype=kind)

    value = numbers("leaf_value", np.float64)
    if len(value) == 1:
        return {"feature": np.empty(0, np.int32), "expected": value[0]}
    left, right = numbers("left_child", np.int32), numbers("right_child", np.int32)
    threshold, decision = numbers("threshold", np.float64), numbers("decision_type", np.uint8)
    counts, leaf_counts = numbers("internal_count", np.int64), numbers("leaf_count", np.int64)
    bounds = numbers("cat_boundaries", np.int32)
    # What else is the threshold is for categories which of the sets it is.
    place = np.where(decision & CATEGORICAL, threshold, 0).astype(np.int32)
    points_left = _points_left(left, right, counts, leaf_counts)
    return {
        "feature": numbers("split_feature", np.int32),
        "threshold": rounded_down(threshold),
        "way": _way(decision),
        "missing_left": _missing_left(threshold, decision),
        "left": left,
        "right": right,
        "share": points_left / counts,
        "value": value,
        "words": numbers("cat_threshold", np.uint32),
        "first_word": bounds[place] if len(bounds) else place,
        "after_word": bounds[place + 1] if len(bounds) else place,
        "expected": (leaf_counts / counts[0]) @ value,
    }


def _points_left(
    left: np.ndarray, right: np.ndarray, counts: np.ndarray, leaf_counts: np.ndarray
) -> np.ndarray:
    """How many training points of each node went left."""
    # A leaf is ~i, which counts from the end.
    of_child = np.concatenate([counts, leaf_counts[::-1]])
    told = len(of_child) == len(left) + len(right) + 1 and (counts > 0).all()
    if not told or (of_child[left] + of_child[right] != counts).any():
        raise ValueError("a tree does not tell how many points came by each of its nodes")
    return of_child[left]


def rounded_down(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is no larger: the same float32 values are at most that."""
    largest = np.finfo(np.float32).max
    near = np.clip(threshold, -largest, largest).astype(np.float32)
    with np.errstate(over="ignore"):
        down = np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
    return np.where(np.isinf(threshold), threshold, down).astype(np.float32)


def _way(decision: np.ndarray) -> np.ndarray:
    numeric = np.where(decision & MISSING_ZERO, ZERO_IS_MISSING, PLAIN)
    return np.where(decision & CATEGORICAL, BY_CATEGORY, numeric).astype(np.uint8)


def _missing_left(threshold: np.ndarray, decision: np.ndarray) -> np.ndarray:
    """Where nothing counts as missing, a missing value is read as zero; it is in no category."""
    knows_missing = (decision & (MISSING_ZERO | MISSING_NAN)) > 0
    left = np.where(knows_missing, (decision & DEFAULT_LEFT) > 0, threshold >= 0)
    return left & ((decision & CATEGORICAL) == 0)


def _joined(trees: list[dict[str, np.ndarray]], width: int, expected: float) -> Forest:
    """The arrays of all trees end to end; children, leaves and words are numbered through."""
    first_node = _starts([len(tree["feature"]) for tree in trees])
    of_tree = np.repeat(np.arange(len(trees)), np.diff(first_node))
    first_leaf = first_node + np.arange(len(trees) + 1)
    first_word = _starts([len(tree["words"]) for tree in trees])

    def joined(key: str) -> np.ndarray:
        return np.concatenate([np.empty(0, np.int32), *(tree[key] for tree in trees)])

    nodes = np.zeros(len(of_tree), NODE)
    for key in ("share", "threshold", "way", "missing_left"):
        nodes[key] = joined(key)
    for key in ("left", "right"):
        child = joined(key)
        nodes[key] = np.where(child < 0, child - first_leaf[of_tree], child + first_node[of_tree])
    for key in ("first_word", "after_word"):
        nodes[key] = joined(key) + first_word[of_tree]
    columns, nodes["feature"] = np.unique(joined("feature"), return_inverse=True)
    return Forest(
        roots=first_node[:-1],
        nodes=nodes,
        leaves=joined("value").astype(np.float64),
        words=joined("words").astype(np.uint32),
        columns=columns,
        width=width,
        expected=expected,
    )


def _starts(lengths: list[int]) -> np.ndarray:
    """Where each part begins, and at last where all end."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
