"""MLflow's runs: what a training run leaves behind there, and the model it registers."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from models.model import ChurnModel
from pipeline.config import Config
from pipeline.reaching import client_of, reached, store_file
from pipeline.registry import Registered, Registry

if TYPE_CHECKING:
    import pandas as pd

TRAINING = "training"
"""The tag that names the training, so that no run is recorded twice."""
MOST_AT_ONCE = 500
"""MLflow takes at most a thousand metrics in one request."""


@dataclass(frozen=True)
class Run:
    """Everything a training run leaves behind.

    Attributes
    ----------
    name
        The training's own name, the same wherever it is kept or sent.
    example
        A few vectors, as a caller of the registered model sends them.
    description
        The model card in short.
    artifacts
        The folder of files.
    """

    name: str
    model: ChurnModel
    example: pd.DataFrame
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    description: str
    artifacts: Path


class Tracking:
    """The MLflow store that a config names."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._client = client_of(config)
        self.registry = Registry(config, self._client)

    def record(self, run: Run) -> Registered:
        """Record a run with its artefacts and register its model as a new version.

        A run that was registered before is only found again; one that stopped half-way is deleted
        and recorded anew.

        Raises
        ------
        StoreFailed
            When the store cannot take it; `StoreAway` when its server does not answer.
        """
        with reached(self.config):
            experiment = self._experiment()
            earlier = self._earlier(experiment, run.name)
            return earlier or self._record(experiment, run)

    def _record(self, experiment: str, run: Run) -> Registered:
        import mlflow

        tags = {**run.tags, TRAINING: run.name, "mlflow.note.content": run.description}
        with mlflow.start_run(experiment_id=experiment, run_name=run.name, tags=tags) as active:
            mlflow.log_params(dict(run.parameters))
            figures = list(run.metrics.items())
            for start in range(0, len(figures), MOST_AT_ONCE):
                mlflow.log_metrics(dict(figures[start : start + MOST_AT_ONCE]))
            mlflow.log_artifacts(str(run.artifacts))
            version = self._register(run)
        name = self.registry.name
        self._client.update_model_version(name, version, description=run.description)
        return Registered(name, version, active.info.run_id)

    def _earlier(self, experiment: str, name: str) -> Registered | None:
        """The version that an earlier trial registered; half a run is deleted."""
        for run in self._client.search_runs([experiment], f"tags.{TRAINING} = '{name}'"):
            run_id = run.info.run_id
            for version in self._client.search_model_versions(f"run_id = '{run_id}'"):
                return Registered(str(version.name), str(version.version), run_id)
            self._client.delete_run(run_id)
        return None

    def _register(self, run: Run) -> str:
        from mlflow.models import Model

        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "model"
            run.model.save(kept)
            # MLflow tells on stderr what our own summary tells, too.
            with contextlib.redirect_stderr(io.StringIO()):
                info = Model.log(
                    artifact_path=None,
                    name="model",
                    flavor=SimpleNamespace(save_model=_save),
                    flavor_name="pyfunc.ModelFromCode",
                    python_model=str(Path(__file__).with_name("serving.py")),
                    artifacts={"model": str(kept)},
                    signature=_signature(run.model.names),
                    input_example=run.example,
                    pip_requirements=_requirements(),
                    registered_model_name=self.registry.name,
                )
        return str(info.registered_model_version)

    def _experiment(self) -> str:
        name = self.config.mlflow.experiment
        found = self._client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(name, artifact_location=self._artifacts()))

    def _artifacts(self) -> str | None:
        """Beside a SQLite store; a server decides for itself."""
        file = store_file(self.config)
        if file is None:
            return None
        return (file.parent / "mlartifacts" / self.config.mlflow.experiment).as_uri()

    def tag(self, registered: Registered, tags: Mapping[str, str]) -> None:
        """Write tags on the run of a registered model."""
        with reached(self.config):
            for key, value in tags.items():
                self._client.set_tag(registered.run_id, key, value)

    def decide(self, registered: Registered, *, promoted: bool, reason: str) -> None:
        """Put a version in charge, or keep it beside the one that is; write down why."""
        if promoted:
            self.registry.promote(registered, reason)
        else:
            self.registry.challenge(registered, reason)
        tags = {"promoted": str(promoted).lower(), "reason": reason}
        # Also where the version was put in charge before, and the store went away behind it.
        self.registry.tag(registered, tags)
        self.tag(registered, tags)


def as_served(frame: pd.DataFrame) -> pd.DataFrame:
    """Vectors as a caller of the registered model sends them: plain text instead of categories."""
    served = frame.copy()
    for name in served.columns:
        if str(served[name].dtype) == "category":
            served[name] = served[name].astype(object).astype("str")
    return served


def _save(path: str, mlflow_model: Any, **values: Any) -> None:
    """Save a model as MLflow's pyfunc does, without the places it was made of.

    MLflow writes down the code's absolute path, whatever it is given, and that of the artefacts as
    it is given. It loads without either: of the code it reads the name, of the artefacts ``path``.
    """
    import mlflow

    mlflow.pyfunc.save_model(path=path, mlflow_model=mlflow_model, **values)
    told = mlflow_model.flavors[mlflow.pyfunc.FLAVOR_NAME]
    told["model_code_path"] = Path(told["model_code_path"]).name
    for artifact in told["artifacts"].values():
        artifact["uri"] = artifact["path"]
    mlflow_model.save(str(Path(path) / "MLmodel"))


def _signature(features: list[str]) -> Any:
    """Every feature is needed, in whatever type holds it; out comes a probability.

    MLflow would refuse the integers of a column that was float in the example, and a text's column
    without any text. What a value must be is checked by the model itself.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    return ModelSignature(
        inputs=Schema([ColSpec(AnyType(), name) for name in features]),
        outputs=Schema([ColSpec(DataType.double, "churn_probability")]),
    )


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("mlflow", "lightgbm", "numpy", "pandas")]
