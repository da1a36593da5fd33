"""Loops of `models.treeshap` over rows and trees, compiled.

Each is compiled when it is first called with its types, and kept beside this file (or, where that
cannot be written, in the user's cache) for the processes to come. None checks bounds: what points
where comes from `models.trees`.

Rows are taken `ROWS` at a time, and every inner loop runs over these, with nothing to decide
inside: compilers turn such loops into vector instructions. What the last block lacks is filled up
with its last row, so that a row's sums never depend on who stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numba import njit

from models.trees import BY_CATEGORY, NEAR_ZERO, PLAIN

Loop = TypeVar("Loop", bound=Callable[..., object])

ROWS = 128
"""Many vector registers full, and all that a tree needs stays in the second cache."""


def compiled(loop: Loop) -> Loop:
    """The loop in machine code; types are told by the arguments."""
    try:
        kept = njit(cache=True, nogil=True)(loop)
        Path(str(kept.stats.cache_path)).mkdir(parents=True, exist_ok=True)
    except (RuntimeError, OSError):
        # There is no place to keep it, as in a container without a home to write to.
        kept = njit(nogil=True)(loop)
    return cast("Loop", kept)


@compiled
def trace(roots: np.ndarray, nodes: np.ndarray, features: np.ndarray) -> int:
    """Walk down each tree, and tell the nodes which splits above them are on their own feature.

    Fills ``above`` and ``rest`` of the nodes, and by tree the most features on a way down. Returns
    the most nodes on one.
    """
    way, stages = np.empty(len(nodes) + 1, np.int32), np.empty(len(nodes) + 1, np.int32)
    distinct, deepest = np.zeros(len(nodes) + 1, np.int32), 0
    for tree in range(len(roots)):
        depth, way[0], stages[0] = 0, roots[tree], 0
        while depth >= 0:
            node = nodes[way[depth]]
            if stages[depth] == 0:
                node.above, node.rest = -1, 1.0
                for before in range(depth):
                    upper = nodes[way[before]]
                    if upper.feature == node.feature:
                        node.above = before
                        node.rest *= upper.share if stages[before] == 1 else 1.0 - upper.share
                distinct[depth] = (distinct[depth - 1] if depth else 0) + (node.above < 0)
                features[tree] = max(features[tree], distinct[depth])
                deepest = max(deepest, depth + 1)
            stages[depth] += 1
            child = node.left if stages[depth] == 1 else node.right
            if stages[depth] == 3:
                depth -= 1
            elif child >= 0:
                depth += 1
                way[depth], stages[depth] = child, 0
    return deepest


@compiled
def explain(
    roots: np.ndarray,
    nodes: np.ndarray,
    leaves: np.ndarray,
    words: np.ndarray,
    features: np.ndarray,
    deepest: int,
    spots: np.ndarray,
    weights: np.ndarray,
    columns: np.ndarray,
    matrix: np.ndarray,
    start: int,
    stop: int,
    out: np.ndarray,
) -> None:
    """Write the contributions to the rows from `start` to `stop` into `out`.

    The formulas stand in `models.treeshap`. ``features`` and ``deepest`` are what `trace` tells;
    ``spots[n]`` and ``weights[n]`` begin with the quadrature of n points.
    """
    most = spots.shape[1]
    values, found = np.empty((len(columns), ROWS), np.float32), np.empty((len(columns), ROWS))
    # By depth: whether a row meets all splits above on the node's feature, whether it then goes
    # left, and by how much more than the points of the training did.
    met, taken = np.empty((deepest, ROWS)), np.empty((deepest, ROWS))
    pull = np.empty((deepest, ROWS))
    # By depth and point: what the splits above let through, and by side what is added up below.
    path, sums = np.empty((deepest + 1, most, ROWS)), np.empty((2, deepest + 1, most, ROWS))
    way, stages = np.empty(deepest, np.int32), np.empty(deepest, np.int32)
    for first in range(start, stop, ROWS):
        _gather(matrix, columns, first, stop, values)
        found[:] = 0.0
        for tree in range(len(roots)):
            many = points(features[tree])
            for point in range(many):
                weight = weights[many, point]
                for row in range(ROWS):
                    path[0, point, row] = weight
            depth, way[0], stages[0] = 0, roots[tree], 0
            while depth >= 0:
                node, stage = nodes[way[depth]], stages[depth]
                if stage == 0:
                    _meet(met, taken, depth, node.above, stages)
                    _decide(node, words, values, met, taken, depth)
                    _draw(met, taken, pull, depth, node.share)
                if stage == 2:
                    side = int(depth > 0 and stages[depth - 1] == 2)
                    _add(node, many, spots, path, sums, pull, found, depth, side)
                    depth -= 1
                    continue
                stages[depth] += 1
                child = node.left if stage == 0 else node.right
                if child < 0:
                    _stand(sums, stage, depth + 1, leaves[~child])
                else:
                    _follow(node, stage, many, spots, path, pull, depth)
                    depth += 1
                    way[depth], stages[depth] = child, 0
        _scatter(found, columns, first, stop, out)


@compiled
def points(features: int) -> int:
    """How many points integrate a product of all but one of so many features, in pairs."""
    return (features + 3) // 4 * 2


@compiled
def _gather(
    matrix: np.ndarray, columns: np.ndarray, first: int, stop: int, values: np.ndarray
) -> None:
    """The values of a block, column by column; its last row stands for those that are not there."""
    for row in range(ROWS):
        taken = min(first + row, stop - 1)
        for column in range(len(columns)):
            values[column, row] = matrix[taken, columns[column]]


@compiled
def _scatter(
    found: np.ndarray, columns: np.ndarray, first: int, stop: int, out: np.ndarray
) -> None:
    """The contributions to a block, row by row; columns that no tree looks at stay as they are."""
    for row in range(min(ROWS, stop - first)):
        for column in range(len(columns)):
            out[first + row, columns[column]] = found[column, row]


@compiled
def _meet(met: np.ndarray, taken: np.ndarray, depth: int, above: int, stages: np.ndarray) -> None:
    """Which rows meet all splits above on the node's feature."""
    if above < 0:
        for row in range(ROWS):
            met[depth, row] = 1.0
    elif stages[above] == 1:
        for row in range(ROWS):
            met[depth, row] = taken[above, row]
    else:
        for row in range(ROWS):
            met[depth, row] = met[above, row] - taken[above, row]


@compiled
def _decide(
    node: np.record,
    words: np.ndarray,
    values: np.ndarray,
    met: np.ndarray,
    taken: np.ndarray,
    depth: int,
) -> None:
    """Which rows go left, of those that meet the splits above."""
    if node.way == BY_CATEGORY:
        _look_up(words[node.first_word : node.after_word], values, node.feature, met, taken, depth)
    elif node.way == PLAIN:
        _compare(node.threshold, node.missing_left, values, node.feature, met, taken, depth)
    else:
        _compare_others(node.threshold, node.missing_left, values, node.feature, met, taken, depth)


@compiled
def _compare(
    threshold: float,
    missing_left: bool,
    values: np.ndarray,
    column: int,
    met: np.ndarray,
    taken: np.ndarray,
    depth: int,
) -> None:
    for row in range(ROWS):
        value = values[column, row]
        left = (value <= threshold) | (missing_left & np.isnan(value))
        taken[depth, row] = met[depth, row] if left else 0.0


@compiled
def _compare_others(
    threshold: float,
    missing_left: bool,
    values: np.ndarray,
    column: int,
    met: np.ndarray,
    taken: np.ndarray,
    depth: int,
) -> None:
    for row in range(ROWS):
        value = values[column, row]
        missing = np.isnan(value) | (abs(value) <= NEAR_ZERO)
        left = missing_left if missing else value <= threshold
        taken[depth, row] = met[depth, row] if left else 0.0


@compiled
def _look_up(
    words: np.ndarray,
    values: np.ndarray,
    column: int,
    met: np.ndarray,
    taken: np.ndarray,
    depth: int,
) -> None:
    """A category that is missing, negative or unknown goes right."""
    for row in range(ROWS):
        value = values[column, row]
        taken[depth, row] = 0.0
        if -1.0 < value < 32 * len(words):
            category = int(value)
            if (words[category >> 5] >> (category & 31)) & 1:
                taken[depth, row] = met[depth, row]


@compiled
def _draw(met: np.ndarray, taken: np.ndarray, pull: np.ndarray, depth: int, share: float) -> None:
    """By how much more a row goes left than the points of the training did."""
    for row in range(ROWS):
        pull[depth, row] = taken[depth, row] - share * met[depth, row]


@compiled
def _stand(sums: np.ndarray, side: int, depth: int, leaf: float) -> None:
    """A leaf in the place of a subtree: the same for each pair of points."""
    for row in range(ROWS):
        sums[side, depth, 0, row] = leaf
        sums[side, depth, 1, row] = leaf


@compiled
def _follow(
    node: np.record,
    side: int,
    many: int,
    spots: np.ndarray,
    path: np.ndarray,
    pull: np.ndarray,
    depth: int,
) -> None:
    """Extend the path to a child."""
    base, sign = (node.share, 1.0) if side == 0 else (1.0 - node.share, -1.0)
    for point in range(0, many, 2):
        spot, next_spot = spots[many, point], spots[many, point + 1]
        slope = sign * spot / _passing(spot, node.rest)
        next_slope = sign * next_spot / _passing(next_spot, node.rest)
        for row in range(ROWS):
            drawn = pull[depth, row]
            path[depth + 1, point, row] = path[depth, point, row] * (base + slope * drawn)
            path[depth + 1, point + 1, row] = path[depth, point + 1, row] * (
                base + next_slope * drawn
            )


@compiled
def _add(
    node: np.record,
    many: int,
    spots: np.ndarray,
    path: np.ndarray,
    sums: np.ndarray,
    pull: np.ndarray,
    found: np.ndarray,
    depth: int,
    side: int,
) -> None:
    """Add the node's contribution, and what its children add up to; a leaf's sum is one number."""
    column, share, rest = node.feature, node.share, node.rest
    left_step, right_step = int(node.left >= 0), int(node.right >= 0)
    for point in range(0, many, 2):
        one, other = left_step * point, right_step * point
        spot, next_spot = spots[many, point], spots[many, point + 1]
        first, second = _passing(spot, rest), _passing(next_spot, rest)
        slope, next_slope = spot / first, next_spot / second
        first, second = rest / (first * first), rest / (second * second)
        for row in range(ROWS):
            drawn = pull[depth, row]
            right, next_right = sums[1, depth + 1, other, row], sums[1, depth + 1, other + 1, row]
            apart = sums[0, depth + 1, one, row] - right
            next_apart = sums[0, depth + 1, one + 1, row] - next_right
            sums[side, depth, point, row] = right + (share + slope * drawn) * apart
            sums[side, depth, point + 1, row] = (
                next_right + (share + next_slope * drawn) * next_apart
            )
            found[column, row] += drawn * (
                first * path[depth, point, row] * apart
                + second * path[depth, point + 1, row] * next_apart
            )


@compiled
def _passing(spot: float, rest: float) -> float:
    """What the splits above on the same feature let through, for a row that meets them."""
    return spot + (1.0 - spot) * rest
