"""The main job: histories -> points -> vectors -> model -> evaluation -> explanation -> MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.churn import Definition
from features.histories import Histories
from features.leaks import suspects
from features.plan import OTHER
from features.vectors import KEYS, Vectors, build_vectors
from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.training import Data, Fitted, Part, fit
from models.tuning import tune
from pipeline.candidate import Candidate
from pipeline.config import Config
from pipeline.evaluating import metrics_of
from pipeline.explaining import explain_all
from pipeline.opening import definition_of, open_histories, plan_features
from pipeline.parting import (
    Parts,
    choose_points,
    date_of,
    refuse_too_few,
    without_contacted,
)
from pipeline.progress import Progress
from pipeline.reaching import StoreAway
from pipeline.recording import Found, context_of, record
from pipeline.registry import Registered
from pipeline.staying import with_survival
from pipeline.steadying import drivers_of, figures, spread, steadied
from pipeline.tracking import Tracking
from pipeline.value_checking import check, with_check

if TYPE_CHECKING:
    import pandas as pd

MOST_EXPLAINED = 10_000
"""Test points whose SHAP values are computed for the importances: enough for stable means."""


@dataclass(frozen=True)
class Trained:
    """What a training run gives back."""

    model: Registered
    promoted: bool
    reason: str
    metrics: Mapping[str, Any]
    importance: Mapping[str, float]
    drivers: Mapping[str, float]
    folder: Path
    unsent: Path | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model.label,
            "run_id": self.model.run_id,
            "promoted": self.promoted,
            "reason": self.reason,
            "metrics": self.metrics,
            "drivers": self.drivers,
            "path": self.folder,
            "unsent": self.unsent,
        }


def train(config: Config, progress: Progress, *, force_promote: bool = False) -> Trained:
    """Train, evaluate, explain, record; put the new model in charge if it beats the one that is.

    With `force_promote` it is put in charge whatever the comparison says.

    Raises
    ------
    UserError
        When the config, the data or their amount do not allow it.
    """
    histories = open_histories(config, progress)
    try:
        return _train(config, histories, progress, force_promote=force_promote)
    finally:
        histories.close()


def _train(
    config: Config, histories: Histories, progress: Progress, *, force_promote: bool
) -> Trained:
    definition = definition_of(config)
    _warn_of_leaks(histories, definition, progress)
    with progress.stage("choosing prediction points"):
        everybody, split = choose_points(config, histories, definition)
        points = without_contacted(histories, definition, everybody, split)
        refuse_too_few(points, split, definition)
    _tell_of_contacted(len(everybody) - len(points), progress)
    with progress.stage("opening MLflow"):
        tracking = _open_tracking(config, progress)
    plan = plan_features(config, histories, progress, known_before=date_of(split.test[0]))
    with progress.stage("computing vectors") as stage:
        vectors = build_vectors(histories, plan, points, progress=stage.detail)
    parts = Parts(vectors, split)
    with progress.stage("training") as stage:
        model, data, fitted, chosen = fit_model(
            config, vectors, parts, definition.days_until_known, stage.detail
        )
    model = replace(model, context=context_of(config, histories, plan, definition, split))
    with progress.stage("learning how long customers stay"):
        model = with_survival(
            model,
            parts.frames["train"],
            parts.labels("train"),
            definition,
            seed=config.model.seed,
        )
    with progress.stage("steadying reasons") as stage:
        model = steadied(model, data, fitted, parts, config.model, chosen, tell=stage.detail)
    predicted = model.predict(parts.frames["test"])
    candidate = Candidate(config, histories, model, points, parts, predicted)
    with progress.stage("checking values"):
        checked = check(candidate, data, fitted, chosen)
        model = with_check(model, checked)
        candidate = replace(candidate, model=model)
    with progress.stage("evaluating"):
        metrics = metrics_of(candidate) | {"value": checked}
    with progress.stage("explaining"):
        drivers = drivers_of(model, spread(candidate.frame, MOST_EXPLAINED))
        metrics["explanations"] = figures(drivers)
        overall = explain_all(drivers, seed=config.model.seed)
    with progress.stage("recording in MLflow"):
        found = Found(candidate, fitted, chosen, metrics, drivers, overall)
        recorded = record(found, tracking, force=force_promote)
    if recorded.warning:
        progress.warn(recorded.warning)
    return Trained(
        model=recorded.model,
        promoted=recorded.promoted,
        reason=recorded.reason,
        metrics=metrics,
        importance=drivers.explanation.importance(),
        drivers=metrics["explanations"]["drivers"],
        folder=recorded.folder,
        unsent=recorded.unsent,
    )


def _tell_of_contacted(points: int, progress: Progress) -> None:
    if points:
        progress.warn(
            f"{points:,} training points are left out: their customers were contacted within the "
            "window, so nobody knows whether they would have left."
        )


def _open_tracking(config: Config, progress: Progress) -> Tracking | StoreAway:
    """The store; a server that is away stops no training."""
    try:
        return Tracking(config)
    except StoreAway as error:
        progress.warn(f"{error.what} ({error.value}) The run will be kept here, to be sent later.")
        return error


def _warn_of_leaks(histories: Histories, definition: Definition, progress: Progress) -> None:
    """A model that learns from a leak looks good and is worth nothing."""
    found = [f"{suspect.table}.{suspect.column}" for suspect in suspects(histories, definition)]
    if found:
        progress.warn(
            f"Leak suspects: {', '.join(found)}; what speaks against them, says churn check."
        )


def fit_model(
    config: Config, vectors: Vectors, parts: Parts, days_until_known: int, tell: Any
) -> tuple[ChurnModel, Data, Fitted, dict[str, Any]]:
    """Fit the model; its levels and medians come from the training points alone."""
    train = parts.frames["train"]
    texts = [feature.name for feature in vectors.catalogue if feature.is_text]
    levels = find_levels(train, texts)
    data = Data(
        points=Part(to_matrix(train, vectors.names, levels), parts.labels("train")),
        features=vectors.names,
        categorical=texts,
        folds=parts.folds(days_until_known),
        times=train[KEYS[1]].to_numpy(),
    )
    chosen = tune(
        data,
        seed=config.model.seed,
        trials=config.model.tune_trials,
        minutes=config.model.tune_minutes,
        journal=config.out / "tuning.journal" if config.model.tune_trials else None,
        progress=lambda trial, best: tell(
            f"trial {trial} of {config.model.tune_trials}, log loss {best:.4f}"
        ),
    )
    fitted = fit(data, seed=config.model.seed, chosen=chosen, progress=tell)
    model = ChurnModel(
        boosters_text=fitted.boosters,
        features=tuple(feature.as_dict() for feature in vectors.catalogue),
        levels=levels,
        typical=_medians(train, vectors),
        missing={name: float(train[name].isna().mean()) for name in vectors.names},
        others={name: _share_of_others(train[name]) for name in levels},
        base_rate=float(parts.labels("train").mean()),
        context={},
        calibrator=fitted.calibrator,
    )
    return model, data, fitted, chosen


def _medians(frame: pd.DataFrame, vectors: Vectors) -> dict[str, float | None]:
    medians = {}
    for feature in vectors.catalogue:
        if not feature.is_text:
            median = float(frame[feature.name].median())
            medians[feature.name] = None if np.isnan(median) else median
    return medians


def _share_of_others(texts: pd.Series) -> float:
    """Of those with a text, how many have one that the plan does not tell apart."""
    there = int(texts.notna().sum())
    return int((texts == OTHER).sum()) / there if there else 0.0
