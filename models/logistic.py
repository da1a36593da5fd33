"""Logistic regression on the same vectors: what a careful afternoon gets without a booster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.matrix import to_matrix

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 50_000
MOST_CELLS = 12_000_000
"""Of the training sample: enough for a linear model, and some seconds."""
MOST_ONE_HOT = 10
FURTHEST = 5.0
"""Standard deviations beyond which a value is cut off: one huge customer would bend the line."""
STRENGTH = 0.1
"""The inverse of the regularisation, in scikit-learn's scale."""


@dataclass(frozen=True)
class Design:
    """How vectors become columns of mean 0 and deviation 1, learned from training points."""

    features: tuple[str, ...]
    levels: Mapping[str, Sequence[str]]
    median: np.ndarray
    gaps: np.ndarray  # positions of the features that get a column "is missing"
    mean: np.ndarray
    scale: np.ndarray

    def apply(self, frame: pd.DataFrame) -> np.ndarray:
        """The design matrix of vectors, float32."""
        matrix = to_matrix(frame, self.features, self.levels)
        plain = _columns(matrix, self.features, self.levels, self.median, self.gaps)
        return _standardised(plain, self.mean, self.scale)


def _columns(
    matrix: np.ndarray,
    features: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    median: np.ndarray,
    gaps: np.ndarray,
) -> np.ndarray:
    """Numbers with gaps filled by the median, whether there was a gap, and a column per level."""
    texts = [n for n, name in enumerate(features) if name in levels]
    numbers = [n for n, name in enumerate(features) if name not in levels]
    missing = np.isnan(matrix)
    parts = [np.where(missing, median, matrix)[:, numbers], missing[:, gaps]]
    for n in texts:
        codes = matrix[:, n, None]
        parts.append(codes == np.arange(min(len(levels[features[n]]), MOST_ONE_HOT)))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _standardised(plain: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    plain -= mean
    plain /= scale
    return np.clip(plain, -FURTHEST, FURTHEST, out=plain)


def design_of(
    frame: pd.DataFrame, features: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> Design:
    """Learn medians, gaps, means and deviations; a feature without any value is left out."""
    matrix = to_matrix(frame, features, levels)
    given = ~np.isnan(matrix).all(axis=0)
    matrix, features = matrix[:, given], tuple(np.array(features, dtype=object)[given])
    is_number = np.array([name not in levels for name in features], dtype=bool)
    gaps = np.flatnonzero(np.isnan(matrix).any(axis=0) & is_number)
    median = np.nanmedian(matrix, axis=0) if features else np.empty(0, np.float32)
    plain = _columns(matrix, features, levels, median, gaps)
    mean, scale = plain.mean(axis=0, dtype=np.float64), plain.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-9, scale, 1.0)
    return Design(features, levels, median, gaps, mean.astype(np.float32), scale.astype(np.float32))


def logistic_probabilities(
    train: pd.DataFrame,
    labels: np.ndarray,
    test: pd.DataFrame,
    *,
    features: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    seed: int,
) -> np.ndarray | None:
    """The probabilities of a regularised logistic regression.

    None where the training has one class, or the vectors no value.
    """
    from sklearn.linear_model import LogisticRegression

    rows = _sample(len(train), len(features), seed)
    sample, labels = train.iloc[rows], labels[rows]
    if not 0 < labels.sum() < len(labels):
        return None
    design = design_of(sample, features, levels)
    if not design.features:
        return None
    model = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-3)
    model.fit(design.apply(sample), labels)
    return model.predict_proba(design.apply(test))[:, 1].astype(np.float64)


def _sample(points: int, features: int, seed: int) -> np.ndarray:
    most = min(MOST_POINTS, max(MOST_CELLS // max(features, 1), 2_000))
    if points <= most:
        return np.arange(points)
    return np.sort(np.random.default_rng(seed).choice(points, most, replace=False))
