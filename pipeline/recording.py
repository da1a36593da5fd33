"""What a training run leaves behind: files in the output folder, a run and a model in MLflow."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.churn import Definition
from features.histories import Histories
from features.plan import Plan
from features.vectors import KEYS, LABEL
from models.drivers import Drivers
from models.split import Split
from models.training import Fitted, parameters
from pipeline import artifacts, card, unsent
from pipeline.candidate import Candidate
from pipeline.config import Config
from pipeline.explaining import Global
from pipeline.files import to_json
from pipeline.opening import accounts_of, fingerprint
from pipeline.parting import date_of
from pipeline.promotion import Verdict, judge, judge_first
from pipeline.provenance import provenance
from pipeline.reaching import StoreAway, StoreFailed
from pipeline.registry import Registered
from pipeline.tracking import Run, Tracking, as_served

EXAMPLES = 5


@dataclass(frozen=True)
class Found:
    """What a training run found: the model, how it was fitted, how good it is, and why."""

    candidate: Candidate
    fitted: Fitted
    chosen: Mapping[str, Any]
    metrics: Mapping[str, Any]
    drivers: Drivers
    overall: Global


@dataclass(frozen=True)
class Recorded:
    """What became of a training run.

    Attributes
    ----------
    folder
        The files of the run.
    warning
        What people must not miss.
    unsent
        Where the run is kept that MLflow could not take; None where it could.
    """

    model: Registered
    promoted: bool
    reason: str
    folder: Path
    warning: str | None = None
    unsent: Path | None = None


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


def record(found: Found, tracking: Tracking | StoreAway, *, force: bool = False) -> Recorded:
    """Write the run's files, record the run in MLflow, and decide who is in charge.

    Where the store cannot take it, the run is kept in the output folder instead, to be sent later.

    Parameters
    ----------
    tracking
        The store, or why it could not be opened.
    force
        Put the model in charge whatever the comparison says.
    """
    run = run_of(found)
    if isinstance(tracking, StoreAway):
        return _keep(found, run, _unasked(found, force=force), tracking)
    decided, registered = None, None
    try:
        verdict = judge(found.candidate, tracking.registry)
        decided = verdict.forced() if force else verdict
        registered = tracking.record(judged(run, decided))
        decided = decided.when(tracking.registry.in_charge())
        tracking.decide(registered, promoted=decided.promoted, reason=decided.reason)
    except StoreFailed as error:
        decided = decided or _unasked(found, force=force)
        return _keep(found, run, decided, error, registered)
    except BaseException as error:
        # A fault of ours or of a store's own libraries, or Ctrl-C, must not cost the model either.
        kept = _keep(found, run, decided or _unasked(found, force=force), error, registered)
        error.add_note(kept.warning or "")
        raise
    return Recorded(registered, decided.promoted, decided.reason, run.artifacts, decided.warning)


def _unasked(found: Found, *, force: bool) -> Verdict:
    """What can be said of a model while nobody can tell who is in charge."""
    verdict = replace(judge_first(found.candidate), asked=False)
    return verdict.forced() if force else verdict


def _keep(
    found: Found,
    run: Run,
    decided: Verdict,
    error: BaseException,
    registered: Registered | None = None,
) -> Recorded:
    """Keep a run that MLflow did not take whole: without its decision, where it is registered."""
    config = found.candidate.config
    kept = unsent.keep(config, judged(run, decided), decided)
    said = error.said if isinstance(error, StoreFailed) else str(error) or type(error).__name__
    where = f"{kept.parent.name}/{kept.name} of the output folder"
    if registered is not None:
        return Recorded(
            model=registered,
            promoted=False,
            reason=f"registered, but MLflow did not take the decision ({said}); kept in {where}",
            folder=run.artifacts,
            warning=f"{registered.label} is registered, but whether it is in charge could not be "
            "written down. When MLflow is back: churn send.",
            unsent=kept,
        )
    reason = f"not registered, since MLflow did not take it ({said}); kept in {where}"
    return Recorded(
        model=Registered(config.mlflow.model, f"unsent-{run.name}", ""),
        promoted=False,
        reason=reason,
        folder=run.artifacts,
        warning=f"The model is NOT registered, but nothing is lost: it is kept in {kept}. When "
        "MLflow is back: churn send. Until then it scores by its folder: "
        f"churn score --model {kept / unsent.MODEL}",
        unsent=kept,
    )


def judged(run: Run, verdict: Verdict) -> Run:
    """The run with the figures that decide who is in charge."""
    against = {} if verdict.opponent is None else {"compared_with": verdict.opponent}
    return replace(run, metrics={**run.metrics, **verdict.figures()}, tags={**run.tags, **against})


def run_of(found: Found) -> Run:
    """Write the run's files to the output folder, and gather what MLflow keeps."""
    one, metrics = found.candidate, found.metrics
    facts = _facts(found)
    return Run(
        name=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        model=one.model,
        example=as_served(one.frame[one.model.names].head(EXAMPLES)),
        parameters=_parameters(found),
        metrics={
            **dict(numbers("test", metrics["test"])),
            **dict(numbers("explanations", metrics["explanations"])),
            **dict(numbers("value", metrics.get("value", {}))),
            **dict(numbers("validation.log_loss", found.fitted.validation)),
        },
        tags={
            "config_hash": one.config.hash,
            "data_fingerprint": facts.data_fingerprint,
            "test_cutoffs": ", ".join(metrics["test"]["cutoffs"]),
            **facts.provenance.as_tags(),
        },
        description=card.short(facts),
        artifacts=_write(found, facts),
    )


def _write(found: Found, facts: card.Facts) -> Path:
    one = found.candidate
    return artifacts.write(
        one.config.out / "train",
        config=one.config,
        metrics=found.metrics,
        overall=found.overall,
        predictions=one.frame[[*KEYS, LABEL]].assign(churn_probability=one.predicted),
        counts=one.points.counts,
        accounts=facts.tables,
        texts={
            "model_card.md": card.text(facts),
            "provenance.json": to_json(vars(facts.provenance)) + "\n",
        },
    )


def _facts(found: Found) -> card.Facts:
    one = found.candidate
    return card.Facts(
        name=one.config.mlflow.model,
        definition=one.model.context["definition"],
        tables=accounts_of(one.histories),
        metrics=found.metrics,
        features=one.model.features,
        importance=found.drivers.explanation.importance(),
        drivers=found.metrics["explanations"]["drivers"],
        base_rate=one.model.base_rate,
        data_fingerprint=one.model.context["data_fingerprint"],
        config_hash=one.config.hash,
        seed=one.config.model.seed,
        provenance=provenance(one.config.folder),
    )


def _parameters(found: Found) -> dict[str, Any]:
    config, metrics = found.candidate.config, found.metrics
    settings = parameters(config.model.seed, metrics["train"]["points"], found.chosen)
    del settings["num_threads"], settings["verbosity"]
    return {
        "definition": config.churn.definition,
        "horizon_days": config.churn.horizon_days,
        "seed": config.model.seed,
        **{f"trees.{kind}": count for kind, count in found.fitted.trees.items()},
        "calibration": found.fitted.calibrator.kind,
        "tune_trials": config.model.tune_trials,
        "features": len(found.candidate.model.names),
        "train_points": metrics["train"]["points"],
        "test_points": metrics["test"]["points"],
        **{f"lightgbm.{name}": value for name, value in settings.items()},
    }


def numbers(name: str, values: Any) -> Iterator[tuple[str, float]]:
    """Every finite number among nested values, under a name that MLflow allows for a metric.

    A pair of numbers is an interval; longer lists are curves, which files hold.
    """
    if isinstance(values, Mapping):
        for key, inner in values.items():
            yield from numbers(f"{name}.{key}", inner)
    elif isinstance(values, Sequence) and not isinstance(values, str) and len(values) == 2:
        yield from numbers(f"{name}.low", values[0])
        yield from numbers(f"{name}.high", values[1])
    elif isinstance(values, int | float) and not isinstance(values, bool) and math.isfinite(values):
        yield _NOT_ALLOWED.sub("_", name), float(values)


_NOT_ALLOWED = re.compile(r"[^\w\-./ ]")
