"""Searches LightGBM's parameters with Optuna, on later points than it trains on.

The work is bounded by rows and trees rather than by a clock, so a seed gives the same result on
every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.training import DEFAULTS, Part, count_trees, parameters

SEARCHED = (
    *("num_leaves", "min_data_in_leaf", "lambda_l2", "feature_fraction", "bagging_fraction"),
    "min_sum_hessian_in_leaf",
)
MOST_ROWS = 40_000
MOST_TREES = 300


def tune(
    train: Part,
    validation: Part,
    *,
    features: list[str],
    categorical: list[str],
    seed: int,
    trials: int,
    progress: Callable[[int, float], None] = lambda trial, best: None,
) -> dict[str, Any]:
    """The parameters with the lowest log loss on `validation`; empty where nothing can be tuned.

    The first trial is the defaults, so the result is never worse than they are on these points.
    """
    if trials == 0 or not (train.has_both and validation.has_both):
        return {}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fewer, later = _sample(train, seed), _sample(validation, seed + 1)
    if not (fewer.has_both and later.has_both):
        return {}

    def objective(trial: Any) -> float:
        settings = parameters(seed, len(fewer), _suggest(trial))
        _, loss = count_trees(
            fewer,
            later,
            features=features,
            categorical=categorical,
            settings=settings,
            most=MOST_TREES,
        )
        return loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: DEFAULTS[name] for name in SEARCHED})
    study.optimize(
        objective,
        n_trials=trials,
        callbacks=[lambda study, trial: progress(trial.number + 1, study.best_value)],
    )
    return dict(study.best_params)


def _suggest(trial: Any) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 7, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 500, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.9),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "min_sum_hessian_in_leaf": trial.suggest_float(
            "min_sum_hessian_in_leaf", 0.1, 20.0, log=True
        ),
    }


def _sample(part: Part, seed: int) -> Part:
    """At most `MOST_ROWS` rows, the same ones for the same seed."""
    if len(part) <= MOST_ROWS:
        return part
    rows = np.sort(np.random.default_rng(seed).choice(len(part), MOST_ROWS, replace=False))
    return Part(part.matrix[rows], part.labels[rows])
