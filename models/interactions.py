"""Which features act together: exact SHAP interaction values of the pairs on a common path.

For a leaf with value v on whose path the feature k lets the share z_k of the training rows through,
and the row at hand or not (o_k, 1 or 0), the Shapley interaction index (Fujimoto, Kojadinovic and
Marichal 2006; for trees Lundberg et al. 2020) of the path's features i and j is

    v (o_i - z_i) (o_j - z_j)  times the integral over t in 0..1 of  prod_k (t o_k + (1 - t) z_k)

with k over the other features of the path: t^s (1 - t)^(m - s) integrated is the weight of the
coalitions of s features. As in `shap`, one half of it goes to (i, j) and one to (j, i). The
integrand is a polynomial, so Gauss-Legendre quadrature with enough points is exact.

Features that share no path do not interact, which leaves few of all pairs. `shap` computes all of
them, and takes the codes of categories for numbers: with a text feature its values are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from models.explanation import Explanation
from models.tree_paths import Leaf, Tree, trees_of
from models.trees import Forest
from models.treeshap import forest_of

if TYPE_CHECKING:
    import pandas as pd

Pair = tuple[int, int]
Values = dict[Pair, np.ndarray]
MOST_ROWS = 500
"""Rows whose interactions are computed: the mean of a few hundred tells which pairs are strong."""
COLUMNS = ("name_1", "name_2", "group_1", "group_2", "mean_abs_interaction", "mean_interaction")


def interactions(explained: Explanation, *, most_rows: int = MOST_ROWS) -> pd.DataFrame:
    """The pairs of features that act together, the strongest first (ties by name).

    Of evenly spread rows, at most `most_rows`. A row per pair that shares a path:

    ``name_1``, ``name_2``, ``group_1``, ``group_2``
        The features, in the order of the model, and their driver groups.
    ``mean_abs_interaction``, ``mean_interaction``
        Of what the pair adds beyond what each of it adds alone, in calibrated log-odds: both halves
        that `shap` tells, added up.
    """
    import pandas as pd

    step = max(1, -(-len(explained.frame) // most_rows))
    model, matrix = explained.model, explained.model.matrix(explained.frame.iloc[::step])
    forests = [forest_of(text) for text in model.boosters_text]
    found = interaction_values(forests, matrix)
    expected = np.mean([forest.expected for forest in forests])
    way = model.raw_log_odds(matrix) - expected if len(matrix) else np.empty(0)
    # Calibration stretches a row's values, as it does its contributions.
    told = explained.contributions[::step].sum(axis=1)
    stretch = np.divide(told, way, out=np.ones_like(way), where=np.abs(way) > 1e-9)
    rows = []
    for (one, other), values in found.items():
        both = 2 * values * stretch
        first, second = model.features[one], model.features[other]
        names = (first["name"], second["name"], first["group"], second["group"])
        rows.append((*names, _mean(np.abs(both)), _mean(both)))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values(
        ["mean_abs_interaction", "name_1", "name_2"], ascending=[False, True, True]
    ).reset_index(drop=True)


def interaction_values(forests: Sequence[Forest], matrix: np.ndarray) -> Values:
    """By pair of features (positions, the lower first) the SHAP interaction value of each row.

    Of the mean of some boosters, in log-odds before calibration, and one half of the pair's: the
    matrix of `shap` is symmetric.
    """
    found: Values = {}
    for tree in (tree for forest in forests for tree in trees_of(forest)):
        for pair, values in _of_tree(tree, matrix):
            found[pair] = found.get(pair, 0.0) + values / len(forests)
    return found


def _of_tree(tree: Tree, matrix: np.ndarray) -> Iterator[tuple[Pair, np.ndarray]]:
    decisions = tree.decisions(matrix)
    for leaf in tree.leaves:
        if len(leaf.steps) > 1:
            yield from _of_leaf(leaf, decisions)


def _of_leaf(leaf: Leaf, decisions: np.ndarray) -> Iterator[tuple[Pair, np.ndarray]]:
    """What the leaf adds to the pairs on its path, for every row."""
    features = sorted(leaf.steps)
    open_ = [_lets_through(leaf.steps[feature], decisions) for feature in features]
    shares = [leaf.shares[feature] for feature in features]
    away = [one - share for one, share in zip(open_, shares, strict=True)]
    points, weights = _quadrature(len(features) - 2)
    # Points x rows for each feature: how far it is open when a share t of the others is known.
    opening = [share + points * gap for share, gap in zip(shares, away, strict=True)]
    for i, j in combinations(range(len(features)), 2):
        others = [opening[k] for k in range(len(features)) if k not in {i, j}]
        chance = weights @ np.prod(others, axis=0) if others else 1.0
        yield (features[i], features[j]), leaf.value / 2 * away[i] * away[j] * chance


def _lets_through(steps: Sequence[tuple[int, bool]], decisions: np.ndarray) -> np.ndarray:
    """Rows that the splits on one feature let through: 1.0 or 0.0."""
    passed = [decisions[number] == left for number, left in steps]
    return np.logical_and.reduce(passed).astype(np.float64)


@lru_cache
def _quadrature(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (as a column) and weights that integrate polynomials of a degree over 0..1 exactly."""
    points, weights = np.polynomial.legendre.leggauss(max(1, degree // 2 + 1))
    return (points[:, None] + 1) / 2, weights / 2


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
