"""Fits the model: how many trees and which calibration later points tell, the trees all points.

Validation rolls through time (`models.split.rolling_origins`): each fold learns from the past and
is judged by the points that came next. The two newest folds tell how many trees serve later points
best: the larger number is taken, since an odd season stops the trees early, and too few cost more
than too many. The newest, which learns from most, tells what became of the predictions, which the
calibration is fitted on. The boosters are then fitted on all points, so that they know the newest
behaviour.

The model is the mean, in log-odds, of boosters of two kinds: one searches each split, the other
draws its thresholds at random (Geurts, Ernst and Wehenkel 2006). They err differently; both are
shallow, since what drives churn mostly adds up (docs/model.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models import calibration
from models.calibration import Calibrator, Identity
from models.cores import usable_cores

DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 8,
    "max_depth": 3,
    "min_data_in_leaf": 50,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 1.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
}
"""Good without a search; each can be replaced by a tuned value."""

KINDS: dict[str, dict[str, Any]] = {"searched": {}, "random": {"extra_trees": True}}
"""The kinds of boosters, by how they find a split."""

MOST_TREES = 1000
PATIENCE = 50
REHEARSED = 2
"""How many of the newest folds tell the number of trees."""
TREES_WITHOUT_VALIDATION = 150
FEWEST_TREES = 10

Rows = np.ndarray
"""Positions of rows, ascending."""


@dataclass(frozen=True)
class Part:
    """Matrix and labels (0 or 1) of points."""

    matrix: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_both(self) -> bool:
        """Whether there are churners and others."""
        return bool(len(self) and 0 < self.labels.sum() < len(self))


@dataclass(frozen=True)
class Data:
    """Points to learn from, and the folds in which they are judged.

    Attributes
    ----------
    folds
        Rows to learn from and later rows to judge by, oldest fold first; may be empty.
    times
        The cutoff of each point, where calibration is to hold from one time to the next.
    """

    points: Part
    features: Sequence[str]
    categorical: Sequence[str]
    folds: Sequence[tuple[Rows, Rows]] = ()
    times: np.ndarray | None = None

    def usable_folds(self) -> list[tuple[Rows, Rows]]:
        """Those with churners and others on both sides."""
        labels = self.points.labels
        return [
            (train, later)
            for train, later in self.folds
            if all(0 < labels[rows].sum() < len(rows) for rows in (train, later))
        ]


@dataclass(frozen=True)
class Fitted:
    """What a fit gives back.

    Attributes
    ----------
    boosters
        In LightGBM's text format.
    trees
        By kind of booster, how many trees each has.
    validation
        Log loss on later points before calibration and, by kind, after it; empty without folds.
    """

    boosters: tuple[str, ...]
    trees: Mapping[str, int]
    calibrator: Calibrator = field(default_factory=Identity)
    validation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rehearsal:
    """How the model would have done: the trees it needed, and its log-odds for later points.

    Attributes
    ----------
    blocks
        Log-odds and labels of the later points, those of a cutoff together where cutoffs are known.
    """

    trees: Mapping[str, int]
    blocks: Sequence[tuple[np.ndarray, np.ndarray]]

    @property
    def log_loss(self) -> float:
        """Of all later points, before calibration."""
        raw, labels = (np.concatenate(parts) for parts in zip(*self.blocks, strict=True))
        return float(np.mean(np.logaddexp(0, raw) - np.where(labels == 1, raw, 0.0)))


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
        "num_threads": usable_cores(),
        "verbosity": -1,
    }


def fit(
    data: Data,
    *,
    seed: int,
    chosen: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> Fitted:
    """Count the trees and calibrate on later points, then fit on all points.

    Raises
    ------
    ValueError
        When all points have the same label.
    """
    if not data.points.has_both:
        raise ValueError("training needs churners and others")
    table = dataset(data)
    rehearsed = None
    for fold in data.usable_folds()[-REHEARSED:]:
        progress(f"validating on {len(fold[1]):,} later points")
        fewest = rehearsed.trees if rehearsed else None
        rehearsed = rehearse(data, table, fold, seed=seed, chosen=chosen, fewest=fewest)
    trees = rehearsed.trees if rehearsed else dict.fromkeys(KINDS, TREES_WITHOUT_VALIDATION)
    calibrator, losses = calibration.choose(rehearsed.blocks) if rehearsed else (Identity(), {})
    progress("fitting on all points")
    return Fitted(
        boosters=fit_boosters(data, table, trees, seed=seed, chosen=chosen),
        trees=trees,
        calibrator=calibrator,
        validation=losses,
    )


def dataset(data: Data) -> Any:
    """All points as LightGBM reads them, binned once for every fit."""
    import lightgbm as lgb

    return lgb.Dataset(
        data.points.matrix,
        data.points.labels,
        feature_name=list(data.features),
        categorical_feature=list(data.categorical),
        # What a leaf needs differs between fits of the same data.
        params={**parameters(0, len(data.points)), "feature_pre_filter": False},
        free_raw_data=False,
    ).construct()


def fit_boosters(
    data: Data,
    table: Any,
    trees: Mapping[str, int],
    *,
    seed: int,
    chosen: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """A booster of each kind on all points, as text."""
    import lightgbm as lgb

    found = []
    for number, (kind, own) in enumerate(KINDS.items()):
        settings = _settings(seed + number, len(data.points), {**(chosen or {}), **own})
        booster = lgb.train(settings, table, num_boost_round=trees[kind])
        found.append(booster.model_to_string())
    return tuple(found)


def rehearse(
    data: Data,
    table: Any,
    fold: tuple[Rows, Rows],
    *,
    seed: int,
    chosen: Mapping[str, Any] | None = None,
    fewest: Mapping[str, int] | None = None,
    most: int = MOST_TREES,
) -> Rehearsal:
    """Fit as if it had been then: learn from a fold's past, be judged by what came next.

    Each kind of booster gets as many trees as serve the later points best, but at least `fewest`.
    """
    train, later = fold
    trees, raw = {}, []
    for number, (kind, own) in enumerate(KINDS.items()):
        settings = _settings(seed + number, len(train), {**(chosen or {}), **own})
        at_least = (fewest or {}).get(kind, FEWEST_TREES)
        parts = (table.subset(rows) for rows in fold)
        booster, trees[kind] = fit_until_best(settings, *parts, fewest=at_least, most=most)
        raw.append(
            booster.predict(data.points.matrix[later], raw_score=True, num_iteration=trees[kind])
        )
    labels = data.points.labels[later]
    return Rehearsal(trees, _by_time(np.mean(raw, axis=0), labels, data.times, later))


def _by_time(
    raw: np.ndarray, labels: np.ndarray, times: np.ndarray | None, rows: Rows
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A block for each cutoff: what one month was off by need not be what the next one is."""
    if times is None:
        return [(raw, labels)]
    then = times[rows]
    return [(raw[then == time], labels[then == time]) for time in np.unique(then)]


def fit_until_best(
    settings: dict[str, Any], train: Any, later: Any, *, fewest: int, most: int
) -> tuple[Any, int]:
    """A booster, and how many of its trees serve the later points best; both are Datasets."""
    import lightgbm as lgb

    booster = lgb.train(
        settings,
        train,
        num_boost_round=most,
        valid_sets=[later],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    trees = max(booster.best_iteration, fewest)
    if trees > booster.current_iteration():
        booster = lgb.train(settings, train, num_boost_round=trees)
    return booster, trees


def _settings(seed: int, rows: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {**parameters(seed, rows, chosen), "feature_pre_filter": False}
