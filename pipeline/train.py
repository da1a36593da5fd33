"""The main job: histories -> points -> vectors -> model -> evaluation -> explanation -> MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.churn import Definition
from features.errors import TooLittleData, UserError
from features.histories import Histories
from features.leaks import suspects
from features.plan import Plan
from features.points import LabelledPoints, labelled_cutoffs, make_points
from features.timeline import EPOCH, day_number
from features.vectors import KEYS, LABEL, Vectors, build_vectors
from models.evaluation import baselines, compare, evaluate, evaluate_by_cutoff
from models.explanation import Explanation, explain
from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.split import Split, split_by_time
from models.training import Fitted, Part, fit, parameters
from models.tuning import tune
from pipeline import artifacts
from pipeline.config import Config
from pipeline.opening import (
    accounts_of,
    definition_of,
    fingerprint,
    open_histories,
    plan_features,
)
from pipeline.progress import Progress
from pipeline.tracking import Registered, Run, Tracking

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CHURNERS = 50
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

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model.label,
            "run_id": self.model.run_id,
            "promoted": self.promoted,
            "reason": self.reason,
            "metrics": self.metrics,
            "drivers": self.drivers,
            "path": self.folder,
        }


def train(config: Config, progress: Progress) -> Trained:
    """Train, evaluate, explain, record; put the new model in charge if it beats the one that is.

    Raises
    ------
    UserError
        When the config, the data or their amount do not allow it.
    """
    histories = open_histories(config, progress)
    try:
        return _train(config, histories, progress)
    finally:
        histories.close()


def _train(config: Config, histories: Histories, progress: Progress) -> Trained:
    definition = definition_of(config)
    _warn_of_leaks(histories, definition, progress)
    with progress.stage("choosing prediction points"):
        points, split = choose_points(config, histories, definition)
    plan = plan_features(config, histories, progress, known_before=_date(split.test[0]))
    with progress.stage("computing vectors") as stage:
        vectors = build_vectors(histories, plan, points, progress=stage.detail)
    parts = _Parts(vectors, split)
    refuse_too_few(parts.frames["train"], definition)
    with progress.stage("opening MLflow"):
        tracking = Tracking(config)
    with progress.stage("training") as stage:
        model, fitted, chosen = _fit(config, vectors, parts, stage.detail)
    model = replace(model, context=_context(config, histories, plan, definition, split))
    with progress.stage("evaluating"):
        test = parts.frames["test"]
        predicted = model.predict(test)
        metrics = _metrics(model, parts, predicted)
    with progress.stage("explaining"):
        explained = explain(model, _some(test))
    with progress.stage("recording in MLflow"):
        champion = tracking.champion()
        promoted, reason = _judge(config, histories, tracking, champion, points, parts, predicted)
        registered = _record(
            config,
            tracking,
            model,
            fitted,
            chosen,
            metrics,
            explained,
            parts,
            predicted,
            histories,
            points,
        )
        tracking.decide(registered, promoted=promoted, reason=reason)
    return Trained(
        model=registered,
        promoted=promoted,
        reason=reason,
        metrics=metrics,
        importance=explained.importance(),
        drivers=explained.group_importance(),
        folder=config.out / "train",
    )


def _warn_of_leaks(histories: Histories, definition: Definition, progress: Progress) -> None:
    """A model that learns from a leak looks good and is worth nothing."""
    found = [f"{suspect.table}.{suspect.column}" for suspect in suspects(histories, definition)]
    if found:
        progress.warn(
            f"Leak suspects: {', '.join(found)}; what speaks against them, says churn check."
        )


def choose_points(
    config: Config, histories: Histories, definition: Definition
) -> tuple[LabelledPoints, Split]:
    """Labelled points of the cutoffs that are trained, stopped early or tested on."""
    cutoffs = labelled_cutoffs(
        histories,
        definition,
        every=config.points.every,
        first=config.points.first,
        last=config.points.last,
    )
    tenure = config.points.min_tenure_days
    points = make_points(histories, definition, cutoffs, min_tenure_days=tenure)
    with_customers = [count.cutoff for count in points.counts if count.points]
    try:
        split = split_by_time(
            [day_number(cutoff) for cutoff in with_customers],
            test_points=config.model.test_points,
            days_until_known=definition.days_until_known,
        )
    except ValueError:
        raise _too_short(config, definition, with_customers) from None
    used = {_date(day) for day in (*split.known, *split.test)}
    if used != set(cutoffs):
        points = make_points(histories, definition, sorted(used), min_tenure_days=tenure)
    return points, split


def _too_short(config: Config, definition: Definition, cutoffs: list[date]) -> TooLittleData:
    return TooLittleData(
        "The histories are too short to train and test on separate cutoffs.",
        where="[points], [model] test_points, [churn] horizon_days",
        value=f"{len(cutoffs)} labelled cutoffs with customers"
        + (f", from {cutoffs[0]} to {cutoffs[-1]}" if cutoffs else ""),
        allowed=f"{config.model.test_points} cutoffs for the test, and at least one more whose "
        f"label window ({definition.days_until_known} days) closed before them",
        fix="use longer histories, a shorter horizon, fewer test_points, or [points] every = "
        '"week"',
    )


def refuse_too_few(train: pd.DataFrame, definition: Definition) -> None:
    """Stop when there are too few churners, or too few others, to learn from.

    Raises
    ------
    TooLittleData
        With the numbers and what is needed.
    """
    churned = int((train[LABEL] == 1).sum())
    stayed = len(train) - churned
    fewest = min(churned, stayed)
    if fewest >= FEWEST_CHURNERS:
        return
    if churned == 0:
        what = "Nobody churned in the training points: there is nothing to learn from."
    elif stayed == 0:
        what = "Everybody churned in the training points: there is nothing to learn from."
    else:
        what = "Too few " + ("churners" if churned < stayed else "customers who stayed")
        what += " in the training points to learn from."
    raise TooLittleData(
        what,
        where=f"[churn] definition = {definition.kind!r}, horizon_days = {definition.horizon_days}",
        value=f"{churned:,} churned and {stayed:,} stayed, in {len(train):,} points",
        allowed=f"at least {FEWEST_CHURNERS} of each",
        fix="use longer histories, more frequent points ([points] every), or a longer horizon; "
        "look at the churn definition, too",
    )


class _Parts:
    """The vectors, parted by time."""

    def __init__(self, vectors: Vectors, split: Split) -> None:
        cutoffs = vectors.frame[KEYS[1]].to_numpy().astype("datetime64[D]").astype(np.int64)
        self.split = split
        self.frames = {
            name: vectors.frame[np.isin(cutoffs, list(days))].reset_index(drop=True)
            for name, days in (
                ("fit", split.train),
                ("validation", split.validation),
                ("train", split.known),
                ("test", split.test),
            )
        }

    def labels(self, name: str) -> np.ndarray:
        return self.frames[name][LABEL].to_numpy(dtype=np.int8)


def _fit(
    config: Config, vectors: Vectors, parts: _Parts, tell: Any
) -> tuple[ChurnModel, Fitted, dict[str, Any]]:
    """Fit the model; its levels and medians come from the training points alone."""
    texts = [feature.name for feature in vectors.catalogue if feature.is_text]
    levels = find_levels(parts.frames["train"], texts)
    fitting, stopping, everything = (
        Part(to_matrix(parts.frames[name], vectors.names, levels), parts.labels(name))
        for name in ("fit", "validation", "train")
    )
    seed = config.model.seed
    shape = {"features": vectors.names, "categorical": texts}
    chosen = tune(
        fitting,
        stopping,
        **shape,
        seed=seed,
        trials=config.model.tune_trials,
        progress=lambda trial, best: tell(
            f"trial {trial} of {config.model.tune_trials}, log loss {best:.4f}"
        ),
    )
    tell("fitting")
    fitted = fit(fitting, stopping, everything, **shape, seed=seed, chosen=chosen)
    model = ChurnModel(
        booster_text=fitted.booster_text,
        features=tuple(feature.as_dict() for feature in vectors.catalogue),
        levels=levels,
        typical=_medians(parts.frames["train"], vectors),
        base_rate=float(parts.labels("train").mean()),
        context={},
    )
    return model, fitted, chosen


def _medians(frame: pd.DataFrame, vectors: Vectors) -> dict[str, float | None]:
    medians = {}
    for feature in vectors.catalogue:
        if not feature.is_text:
            median = float(frame[feature.name].median())
            medians[feature.name] = None if np.isnan(median) else median
    return medians


def _context(
    config: Config, histories: Histories, plan: Plan, definition: Definition, split: Split
) -> dict[str, Any]:
    """What the model belongs to: kept with it, so that scoring can check it."""
    return {
        "definition": definition.as_dict(),
        "plan": plan.as_dict(),
        "config_hash": config.hash,
        "data_fingerprint": fingerprint(histories),
        "train_cutoffs": [str(_date(day)) for day in split.known],
        "test_cutoffs": [str(_date(day)) for day in split.test],
    }


def _metrics(model: ChurnModel, parts: _Parts, predicted: np.ndarray) -> dict[str, Any]:
    test, labels = parts.frames["test"], parts.labels("test")
    by_cutoff = evaluate_by_cutoff(
        labels, predicted, test[KEYS[1]].to_numpy().astype("datetime64[D]")
    )
    recency = next((n for n in _RECENCY if n in test.columns), None)
    return {
        "test": {
            **evaluate(labels, predicted),
            "points": len(test),
            "cutoffs": list(by_cutoff),
        },
        "by_cutoff": by_cutoff,
        "baselines": baselines(
            labels,
            base_rate=model.base_rate,
            recency=None if recency is None else test[recency].to_numpy(dtype=float),
        ),
        "train": {
            "points": len(parts.frames["train"]),
            "churned": int(parts.labels("train").sum()),
            "cutoffs": [str(_date(day)) for day in parts.split.known],
        },
    }


_RECENCY = ("usage_days_since_last", "payments_days_since_last", "tickets_days_since_last")
"""What the baseline of the longest silence goes by: the first of these that is there."""


def _judge(
    config: Config,
    histories: Histories,
    tracking: Tracking,
    champion: Registered | None,
    points: LabelledPoints,
    parts: _Parts,
    predicted: np.ndarray,
) -> tuple[bool, str]:
    """Whether the new model takes over, and why: better on the same untouched points."""
    if champion is None:
        return True, "the first model"
    try:
        incumbent = tracking.load(champion)
        if incumbent.context["definition"] != definition_of(config).as_dict():
            return True, f"{champion.label} predicts another churn than the config now defines"
        vectors = build_vectors(histories, Plan.from_dict(incumbent.context["plan"]), points)
    except UserError as error:
        return True, f"{champion.label} can no longer score these histories: {error.what}"
    theirs = _Parts(vectors, parts.split).frames["test"]
    unseen = _unseen_by(incumbent, theirs, definition_of(config))
    if not unseen.any():
        return False, f"{champion.label} was trained on these test points: nothing to compare on"
    found = compare(
        parts.labels("test")[unseen],
        predicted[unseen],
        incumbent.predict(theirs[unseen]),
        theirs[KEYS[0]].to_numpy()[unseen],
        seed=config.model.seed,
    )
    told = (
        f"log loss on the test points {found['gain']:+.5f} better than {champion.label} "
        f"(95 % interval {found['low']:+.5f} to {found['high']:+.5f})"
    )
    return found["low"] > 0, told if found["low"] > 0 else f"not better beyond noise: {told}"


def _unseen_by(model: ChurnModel, frame: pd.DataFrame, definition: Definition) -> np.ndarray:
    """Which points lie after everything that a model was trained on, its labels included."""
    last = np.datetime64(max(model.context["train_cutoffs"]))
    known = last + np.timedelta64(definition.days_until_known, "D")
    return frame[KEYS[1]].to_numpy().astype("datetime64[D]") >= known


def _record(
    config: Config,
    tracking: Tracking,
    model: ChurnModel,
    fitted: Fitted,
    chosen: dict[str, Any],
    metrics: dict[str, Any],
    explained: Explanation,
    parts: _Parts,
    predicted: np.ndarray,
    histories: Histories,
    points: LabelledPoints,
) -> Registered:
    """Write the run's files to the output folder, and record them with the model in MLflow."""
    test = parts.frames["test"]
    settings = parameters(config.model.seed, metrics["train"]["points"], chosen)
    del settings["num_threads"], settings["verbosity"]
    folder = artifacts.write(
        config.out / "train",
        config=config,
        metrics=metrics,
        explained=explained,
        predictions=test[[*KEYS, LABEL]].assign(churn_probability=predicted),
        counts=points.counts,
        accounts=accounts_of(histories),
    )
    run = Run(
        model=model,
        example=test[model.names].head(5),
        parameters={
            "definition": config.churn.definition,
            "horizon_days": config.churn.horizon_days,
            "seed": config.model.seed,
            "trees": fitted.trees,
            "tune_trials": config.model.tune_trials,
            "features": len(model.names),
            "train_points": metrics["train"]["points"],
            "test_points": metrics["test"]["points"],
            **{f"lightgbm.{name}": value for name, value in settings.items()},
        },
        metrics={
            f"test.{name}": value
            for name, value in metrics["test"].items()
            if isinstance(value, float)
        },
        tags={
            "config_hash": config.hash,
            "data_fingerprint": fingerprint(histories),
            "test_cutoffs": ", ".join(metrics["test"]["cutoffs"]),
        },
        artifacts=folder,
    )
    return tracking.record(run)


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    """Evenly spread rows, at most `MOST_EXPLAINED`."""
    step = max(1, int(np.ceil(len(frame) / MOST_EXPLAINED)))
    return frame.iloc[::step].reset_index(drop=True)


def _date(day: int) -> date:
    return date.fromordinal(EPOCH.toordinal() + day)
