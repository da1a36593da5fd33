"""Exact SHAP values of a booster's trees, for many rows at once.

They are those of LightGBM's `predict(pred_contrib=True)`: path-dependent TreeSHAP (Lundberg et al.
2020). LightGBM takes for each leaf the square of its depth; here a node takes a few operations for
each point of a quadrature, and these run over many rows side by side.

Let every feature be known with the same probability t. A row then comes down to a leaf with the
product of what its features let through: t o + (1 - t) z each, where o is 1 if the row meets all
splits on that feature on the way to the leaf, else 0, and z is the share of the training points
that these splits let through. The SHAP value of a feature is the integral over t, from 0 to 1, of
how much the expected leaf changes with the knowledge of this one feature (Owen 1972, the
multilinear extension). On a way with d features that is a polynomial of degree d - 1, so that a
Gauss-Legendre quadrature of d / 2 points gives it without error; all of its terms but the leaves'
values are positive, so that nothing is lost by rounding either (Quadrature-TreeSHAP: Wettenstein,
Mitchell and Yu 2026; Linear TreeShap: Yu et al. 2022).

At a node let p be the product for the way to it, s the share of the training points that went left,
o and z as above for the splits above it on its own feature, u = t o + (1 - t) z, and e = o (l - s),
where l is 1 if the row goes left, else 0. The node then lets through to the left r = s + e t / u,
and to the right 1 - r; for rows with o = 0 that is s, whatever u is. With the leaves' values summed
up from below, H = r H_left + (1 - r) H_right, the node's feature gets the integral of
e p z / u^2 (H_left - H_right), and the sum over all nodes is the SHAP value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.cores import usable_cores
from models.trees import Forest, read

if TYPE_CHECKING:
    import lightgbm as lgb

ROWS_AT_A_TIME = 2048
"""What a thread takes before it takes more."""
FEW_SECONDS = 0.25
"""Below this LightGBM's own is taken: about what it takes to load the compiled loops."""
SECONDS_OF_LIGHTGBM = 1e-8
"""What LightGBM takes for a row, by leaf and square of its depth (measured: 8e-9 to 13e-9)."""
BOOSTERS_KEPT = 4


def shap_values(
    booster: str | lgb.Booster, matrix: np.ndarray, *, threads: int | None = None
) -> np.ndarray:
    """Contributions in raw score: rows x features, and last a column with the expected value.

    A row's sum is its raw prediction. The trees that were read are kept for the next call with the
    same booster, 2 MB for 500 trees of 63 leaves. Where LightGBM is estimated to take no more than
    `FEW_SECONDS`, it does the work; that depends on the trees and the number of rows alone, so that
    the same call gives the same bytes, on any number of threads.

    Parameters
    ----------
    booster
        A booster or its text; of one that was stopped early, the trees of its best iteration.
    matrix
        Rows x features, float32, as `models.matrix.to_matrix` makes it.
    threads
        At most so many; all cores where nothing is told.

    Raises
    ------
    ValueError
        When the matrix has another type or width than the booster reads, or the booster has
        something that is not explained: see `models.trees.read`.
    """
    text = booster if isinstance(booster, str) else booster.model_to_string()
    forest = forest_of(text)
    _check(matrix, forest.width)
    if 0 < len(matrix) * seconds_of_lightgbm(forest) < FEW_SECONDS:
        own = _booster(text) if isinstance(booster, str) else booster
        return np.asarray(own.predict(matrix, pred_contrib=True), dtype=np.float64)
    return explain(forest, matrix, threads or usable_cores())


@lru_cache(maxsize=BOOSTERS_KEPT)
def forest_of(text: str) -> Forest:
    return read(text)


@lru_cache(maxsize=BOOSTERS_KEPT)
def _booster(text: str) -> lgb.Booster:
    import lightgbm as lgb

    return lgb.Booster(model_str=text)


def _check(matrix: np.ndarray, width: int) -> None:
    if matrix.ndim != 2 or matrix.shape[1] != width or matrix.dtype != np.float32:
        raise ValueError(
            f"the booster reads {width} columns of float32, "
            f"this is {matrix.dtype} of shape {matrix.shape}"
        )


def seconds_of_lightgbm(forest: Forest) -> float:
    """About what LightGBM's own takes for a row."""
    leaves = np.diff([*forest.roots, len(forest.nodes)]) + 1
    return SECONDS_OF_LIGHTGBM * float(np.sum(leaves * np.log2(leaves) ** 2))


def explain(forest: Forest, matrix: np.ndarray, threads: int) -> np.ndarray:
    """The contributions by our own loops, whatever the number of rows."""
    from models import kernels

    found = np.zeros((len(matrix), forest.width + 1))
    found[:, -1] = forest.expected
    if not len(forest.nodes):
        return found
    nodes, features = forest.nodes.copy(), np.zeros(len(forest.roots), np.int32)
    deepest = kernels.trace(forest.roots, nodes, features)
    spots, weights = _quadratures(int(kernels.points(features.max())))

    def work(start: int) -> None:
        stop = min(start + ROWS_AT_A_TIME, len(matrix))
        kernels.explain(
            forest.roots, nodes, forest.leaves, forest.words, features, deepest,
            spots, weights, forest.columns, matrix, start, stop, found,
        )  # fmt: skip

    _everywhere(work, range(0, len(matrix), ROWS_AT_A_TIME), threads)
    return found


def _everywhere(work: Callable[[int], None], starts: Sequence[int], threads: int) -> None:
    """Do all parts, on some threads; each row belongs to one of them."""
    if min(threads, len(starts)) < 2:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, start) for start in starts]:
            done.result()


@lru_cache(maxsize=BOOSTERS_KEPT)
def _quadratures(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of Gauss and Legendre on [0, 1]: those of n points in row n."""
    spots, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for count in range(1, most + 1):
        at, weight = np.polynomial.legendre.leggauss(count)
        spots[count, :count], weights[count, :count] = (at + 1) / 2, weight / 2
    return spots, weights
