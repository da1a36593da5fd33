"""What a training run leaves behind: files in the output folder, a run and a model in MLflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.churn import Definition
from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints
from features.vectors import KEYS, LABEL
from models.explanation import Explanation
from models.model import ChurnModel
from models.split import Split
from models.training import Fitted, parameters
from pipeline import artifacts
from pipeline.config import Config
from pipeline.opening import accounts_of, fingerprint
from pipeline.parting import Parts, date_of
from pipeline.tracking import Registered, Run, Tracking


def context_of(
    config: Config, histories: Histories, plan: Plan, definition: Definition, split: Split
) -> dict[str, Any]:
    """What the model belongs to: kept with it, so that scoring can check it."""
    return {
        "definition": definition.as_dict(),
        "plan": plan.as_dict(),
        "config_hash": config.hash,
        "data_fingerprint": fingerprint(histories),
        "train_cutoffs": [str(date_of(day)) for day in split.known],
        "test_cutoffs": [str(date_of(day)) for day in split.test],
    }


def record(
    config: Config,
    tracking: Tracking,
    model: ChurnModel,
    fitted: Fitted,
    chosen: dict[str, Any],
    metrics: dict[str, Any],
    explained: Explanation,
    parts: Parts,
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
            **{f"trees.{kind}": count for kind, count in fitted.trees.items()},
            "calibration": fitted.calibrator.kind,
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
