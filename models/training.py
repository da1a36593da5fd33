"""Fits the booster: early stopping on later points, then once more on all points it may see.

The number of trees is found on points that lie after the training's (as scoring will), and the
final model is fitted on both parts with that many trees, so that it knows the newest behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "max_depth": 6,
    "min_data_in_leaf": 50,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 1.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
}
"""Good without a search; each can be replaced by a tuned value."""

MOST_TREES = 1000
PATIENCE = 50
TREES_WITHOUT_VALIDATION = 100
FEWEST_TREES = 10


@dataclass(frozen=True)
class Part:
    """Matrix and labels (0 or 1) of the points of one part."""

    matrix: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_both(self) -> bool:
        """Whether there are churners and others."""
        return bool(len(self) and 0 < self.labels.sum() < len(self))


@dataclass(frozen=True)
class Fitted:
    """A fitted booster as text, its number of trees, and how it did on the validation points."""

    booster_text: str
    trees: int
    validation_log_loss: float | None


def parameters(seed: int, rows: int, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """LightGBM's parameters for a deterministic run on so many rows.

    Never `scale_pos_weight` or resampling: they ruin probabilities.
    """
    settings = {**DEFAULTS, **(chosen or {})}
    # A leaf of 50 rows is no leaf where there are a few hundred in all.
    settings["min_data_in_leaf"] = max(1, min(settings["min_data_in_leaf"], rows // 20))
    return {
        **settings,
        "objective": "binary",
        "metric": "binary_logloss",
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": _threads(),
        "verbosity": -1,
    }


def _threads() -> int:
    """All cores this process may use; the result does not depend on it."""
    import os

    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def fit(
    train: Part,
    validation: Part,
    everything: Part,
    *,
    features: list[str],
    categorical: list[str],
    seed: int,
    chosen: Mapping[str, Any] | None = None,
) -> Fitted:
    """Count the trees by early stopping on `validation`, then fit that many on `everything`.

    Raises
    ------
    ValueError
        When all points have the same label.
    """
    if not everything.has_both:
        raise ValueError("training needs churners and others")
    shape: dict[str, Any] = {"features": features, "categorical": categorical}
    trees, loss = TREES_WITHOUT_VALIDATION, None
    if train.has_both and validation.has_both:
        trees, loss = count_trees(
            train, validation, **shape, settings=parameters(seed, len(train), chosen)
        )
    import lightgbm as lgb

    settings = parameters(seed, len(everything), chosen)
    booster = lgb.train(
        settings, _dataset(everything, **shape, settings=settings), num_boost_round=trees
    )
    return Fitted(booster.model_to_string(), trees, loss)


def count_trees(
    train: Part,
    validation: Part,
    *,
    features: list[str],
    categorical: list[str],
    settings: Mapping[str, Any],
    most: int = MOST_TREES,
) -> tuple[int, float]:
    """How many trees serve later points best, and the log loss there."""
    import lightgbm as lgb

    dataset = _dataset(train, features, categorical, settings)
    later = lgb.Dataset(
        validation.matrix, validation.labels, reference=dataset, params=dict(settings)
    )
    booster = lgb.train(
        dict(settings),
        dataset,
        num_boost_round=most,
        valid_sets=[later],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    loss = booster.best_score["valid_0"]["binary_logloss"]
    return max(booster.best_iteration, FEWEST_TREES), float(loss)


def _dataset(
    part: Part, features: list[str], categorical: list[str], settings: Mapping[str, Any]
) -> Any:
    import lightgbm as lgb

    return lgb.Dataset(
        part.matrix,
        part.labels,
        feature_name=features,
        categorical_feature=categorical,
        params=dict(settings),
    )
