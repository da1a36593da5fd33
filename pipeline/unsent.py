"""Runs that MLflow could not take: kept whole in the output folder, and sent later.

A kept run is a folder ``unsent/NAME`` with ``run.json`` (parameters, metrics, tags, and what was
decided then), ``model`` (as `models.model` saves it), ``example.parquet`` and ``files``.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import UsageError
from models.model import ChurnModel
from pipeline.config import Config
from pipeline.files import to_json, whole_folder, write_parquet
from pipeline.progress import Progress
from pipeline.promotion import Verdict
from pipeline.registry import Registered
from pipeline.tracking import Run, Tracking

UNSENT, MODEL = "unsent", "model"
RUN, EXAMPLE, FILES = "run.json", "example.parquet", "files"


@dataclass(frozen=True)
class Sent:
    """A run that MLflow has now."""

    run: str
    model: Registered
    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "model": self.model.label,
            "run_id": self.model.run_id,
            "promoted": self.promoted,
            "reason": self.reason,
        }


def keep(config: Config, run: Run, verdict: Verdict) -> Path:
    """Keep a run, whole or not at all; returns its folder."""
    values = {
        "name": run.name,
        "model": config.mlflow.model,
        "experiment": config.mlflow.experiment,
        "parameters": run.parameters,
        "metrics": run.metrics,
        "tags": run.tags,
        "description": run.description,
        "decision": {name: getattr(verdict, name) for name in _DECIDED},
    }
    with whole_folder(config.out / UNSENT / run.name) as draft:
        run.model.save(draft / MODEL)
        write_parquet(run.example, draft / EXAMPLE)
        shutil.copytree(run.artifacts, draft / FILES)
        (draft / RUN).write_text(to_json(values) + "\n", encoding="utf-8")
    return config.out / UNSENT / run.name


def kept(config: Config) -> list[Path]:
    """The folders of the runs that are kept, the oldest first."""
    return sorted(file.parent for file in (config.out / UNSENT).glob(f"[!.]*/{RUN}"))


def send(config: Config, progress: Progress) -> list[Sent]:
    """Send all kept runs in their order; each is removed here once MLflow has it.

    What was decided when a run was trained holds as long as the same model is in charge. Otherwise
    nothing fair can be said without the histories, so the model waits beside the one in charge.

    Raises
    ------
    UsageError
        When a kept run cannot be read, or the store cannot take it.
    """
    sent: list[Sent] = []
    waiting = kept(config)
    for folder in waiting:
        try:
            with progress.stage(f"sending {folder.name}"):
                sent.append(_send(config, folder))
        except UsageError:
            if sent:
                told = ", ".join(f"{one.run} as {one.model.label}" for one in sent)
                progress.warn(f"{len(sent)} of {len(waiting)} kept runs are sent: {told}")
            raise
        shutil.rmtree(folder)
    if waiting and not any((config.out / UNSENT).iterdir()):
        (config.out / UNSENT).rmdir()
    return sent


def _send(config: Config, folder: Path) -> Sent:
    names, decision, run = _read(folder)
    mlflow = config.mlflow.model_copy(update=names)
    tracking = Tracking(config.model_copy(update={"mlflow": mlflow}))
    registered = tracking.record(run)
    now = tracking.registry.in_charge()
    if now == registered.label and not decision.promoted:
        # It was registered then, and somebody put it in charge since.
        return Sent(run.name, registered, True, tracking.registry.reason(registered))
    # An earlier trial may have come as far as putting it in charge.
    decided = decision if now == registered.label else decision.when(now)
    tracking.decide(registered, promoted=decided.promoted, reason=decided.reason)
    return Sent(run.name, registered, decided.promoted, decided.reason)


def _read(folder: Path) -> tuple[dict[str, str], Verdict, Run]:
    """The names that the run belongs to, what was decided then, and the run."""
    import pandas as pd

    try:
        values = json.loads((folder / RUN).read_text(encoding="utf-8"))
        run = Run(
            model=ChurnModel.load(folder / MODEL),
            example=pd.read_parquet(folder / EXAMPLE),
            artifacts=folder / FILES,
            **{name: values[name] for name in _TOLD},
        )
        names = {name: values[name] for name in ("model", "experiment")}
        decision = Verdict(**{name: values["decision"][name] for name in _DECIDED})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "A kept run cannot be read.",
            where=str(folder),
            value=f"{type(error).__name__}: {error}",
            allowed="a folder as churn train wrote it",
            fix="move the folder away, and send the others: churn send",
        ) from None
    return names, decision, run


_TOLD = ("name", "parameters", "metrics", "tags", "description")
_DECIDED = ("promoted", "reason", "champion", "asked", "is_forced")
