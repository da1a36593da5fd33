"""A model that knew nothing of what came after a day: what contacts after it are judged by.

A score may make the groups of an experiment more alike only if it was there before them. The model
in charge does where all its labels had closed by then; otherwise one is trained on what was known,
with good defaults and without a search.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from features.errors import TooLittleData, UserError
from features.histories import Histories
from features.vectors import build_vectors
from models.model import ChurnModel
from pipeline.config import Config
from pipeline.guarding import suited
from pipeline.opening import definition_of, plan_features
from pipeline.parting import (
    Parts,
    choose_points,
    date_of,
    refuse_too_few,
    without_contacted,
)
from pipeline.progress import Progress
from pipeline.recording import context_of
from pipeline.steadying import with_usual
from pipeline.train import fit_model


def model_before(
    config: Config, histories: Histories, day: date, progress: Progress
) -> ChurnModel | None:
    """The model in charge if it is old enough, or one trained on what was known at the day.

    None where too little was known by then.
    """
    found = _in_charge(config, day)
    return found or _trained_before(config, histories, day, progress)


def _in_charge(config: Config, day: date) -> ChurnModel | None:
    """The model in charge, where its labels had closed by the day."""
    try:
        found, _ = suited(config, None, Progress.silent())
    except UserError:
        return None
    newest = max(map(date.fromisoformat, found.context["train_cutoffs"]))
    closed = newest + timedelta(days=definition_of(config).days_until_known)
    return found if closed <= day else None


def _trained_before(
    config: Config, histories: Histories, day: date, progress: Progress
) -> ChurnModel | None:
    definition = definition_of(config)
    try:
        then = _as_of(config, day - timedelta(days=definition.days_until_known))
        points, split = choose_points(then, histories, definition)
        points = without_contacted(histories, definition, points, split)
        refuse_too_few(points, split, definition)
    except TooLittleData:
        return None
    with progress.stage(f"training on what was known before {day}") as stage:
        plan = plan_features(
            then, histories, Progress.silent(), known_before=date_of(split.test[0])
        )
        vectors = build_vectors(histories, plan, points, progress=stage.detail)
        parts = Parts(vectors, split)
        found = fit_model(then, vectors, parts, definition.days_until_known, stage.detail)[0]
        found = replace(found, context=context_of(then, histories, plan, definition, split))
        return with_usual(found, parts.frames["train"])


def _as_of(config: Config, newest: date) -> Config:
    """The config with no cutoff after the newest, and without a search.

    Raises
    ------
    TooLittleData
        When all its cutoffs lie after that.
    """
    points = config.points
    if points.first and points.first > newest:
        raise TooLittleData("No cutoff was labelled by then.")
    last = min(points.last or newest, newest)
    return config.model_copy(
        update={
            "points": points.model_copy(update={"last": last}),
            "model": config.model.model_copy(update={"tune_trials": 0, "test_points": 1}),
        }
    )
