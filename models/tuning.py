"""Searches LightGBM's parameters with Optuna, by later points than each fold learns from.

The work is bounded by trials, rows and trees, so a seed gives the same result on every machine; a
limit of time may end it sooner. Every trial is written to a journal as it ends, and a search that
was interrupted goes on where it was: the draws of a trial depend on the seed and on its number.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.training import DEFAULTS, Data, Part, dataset, rehearse

if TYPE_CHECKING:
    import optuna

START: dict[str, Any] = {**DEFAULTS, "feature_fraction_bynode": 1.0}
SEARCHED = (
    *("num_leaves", "max_depth", "min_data_in_leaf", "min_sum_hessian_in_leaf", "lambda_l2"),
    *("feature_fraction", "feature_fraction_bynode", "bagging_fraction"),
)
MOST_ROWS = 60_000
MOST_TREES = 500
TRIALS_BEFORE_PRUNING = 5


def tune(
    data: Data,
    *,
    seed: int,
    trials: int,
    minutes: float = float("inf"),
    journal: Path | None = None,
    progress: Callable[[int, float], None] = lambda trial, best: None,
) -> dict[str, Any]:
    """The parameters with the lowest log loss on later points; empty where nothing can be tuned.

    The first trial is the defaults, so the result is never worse than they are on these points.

    Parameters
    ----------
    minutes
        No trial begins after so many; the result then depends on the machine.
    journal
        Where trials are kept; a search of the same data and seed takes up those that are there,
        also where there are more of them than asked for.
    """
    if trials == 0:
        return {}
    fewer = _sample(data, seed)
    if not fewer.usable_folds():
        return {}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table, end = dataset(fewer), time.monotonic() + 60 * minutes
    study = _study(fewer, seed, journal)
    while (done := len(_finished(study))) < trials and (not done or time.monotonic() < end):
        if not done:
            study.enqueue_trial({name: START[name] for name in SEARCHED})
        study.sampler = optuna.samplers.TPESampler(seed=seed + done)
        _run(study, study.ask(), fewer, table, seed)
        progress(len(_finished(study)), study.best_value)
    return dict(study.best_params)


def _study(data: Data, seed: int, journal: Path | None) -> optuna.Study:
    """The search of these data: a new one, or the one that the journal holds."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    storage = None
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        lock = JournalFileOpenLock(str(journal))
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
    return optuna.create_study(
        study_name=_name(data, seed),
        storage=storage,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING),
        load_if_exists=True,
    )


def _name(data: Data, seed: int) -> str:
    """Other data, another seed or another search are another study."""
    found = hashlib.blake2b(digest_size=8)
    found.update(np.ascontiguousarray(data.points.matrix).data)
    found.update(np.ascontiguousarray(data.points.labels).data)
    for rows in (rows for fold in data.folds for rows in fold):
        found.update(np.ascontiguousarray(rows).data)
    settings = [list(data.features), list(data.categorical), START, SEARCHED, MOST_TREES, seed]
    found.update(json.dumps(settings).encode())
    return found.hexdigest()


def _finished(study: optuna.Study) -> list[Any]:
    import optuna

    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return study.get_trials(deepcopy=False, states=states)


def _run(study: optuna.Study, trial: optuna.Trial, data: Data, table: Any, seed: int) -> None:
    """One trial: fold by fold, given up where it does worse than half of those before it."""
    import optuna

    chosen = _suggest(trial)
    losses, points = [], []
    for place, fold in enumerate(data.usable_folds()):
        one = rehearse(data, table, fold, seed=seed, chosen=chosen, most=MOST_TREES)
        losses.append(one.log_loss)
        points.append(len(fold[1]))
        trial.report(float(np.average(losses, weights=points)), place)
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, float(np.average(losses, weights=points)))


def _suggest(trial: optuna.Trial) -> Mapping[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 48, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 8),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 500, log=True),
        "min_sum_hessian_in_leaf": trial.suggest_float(
            "min_sum_hessian_in_leaf", 0.1, 20.0, log=True
        ),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        "feature_fraction_bynode": trial.suggest_float("feature_fraction_bynode", 0.3, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
    }


def _sample(data: Data, seed: int) -> Data:
    """At most `MOST_ROWS` points, the same ones for the same seed."""
    size = len(data.points)
    if size <= MOST_ROWS:
        return data
    kept = np.sort(np.random.default_rng(seed).choice(size, MOST_ROWS, replace=False))
    place = np.full(size, -1)
    place[kept] = np.arange(MOST_ROWS)

    def those_kept(rows: np.ndarray) -> np.ndarray:
        found = place[rows]
        return found[found >= 0]

    return replace(
        data,
        points=Part(data.points.matrix[kept], data.points.labels[kept]),
        folds=[(those_kept(train), those_kept(later)) for train, later in data.folds],
        times=None if data.times is None else data.times[kept],
    )
