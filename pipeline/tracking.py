"""MLflow: runs, the model registry, and who is in charge. The only module that talks to it."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from models.model import ChurnModel
from pipeline.config import Config

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Registered:
    """A model in the registry."""

    name: str
    version: str
    run_id: str

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Run:
    """Everything a training run leaves behind."""

    model: ChurnModel
    example: pd.DataFrame
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: Path


class Tracking:
    """The MLflow store that a config names."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._client = _client(config)
        self.name = config.mlflow.model

    def record(self, run: Run) -> Registered:
        """Record a run with its artefacts and register its model as a new version."""
        import mlflow

        experiment = self._experiment()
        with mlflow.start_run(experiment_id=experiment, tags=dict(run.tags)) as active:
            mlflow.log_params(dict(run.parameters))
            mlflow.log_metrics(dict(run.metrics))
            mlflow.log_artifacts(str(run.artifacts))
            version = self._register(run)
        return Registered(self.name, version, active.info.run_id)

    def _register(self, run: Run) -> str:
        import mlflow
        from mlflow.models import infer_signature

        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "model"
            run.model.save(kept)
            example = _as_served(run.example)
            predictions = run.model.predict(run.example)
            # MLflow tells on stderr what our own summary tells, too.
            with contextlib.redirect_stderr(io.StringIO()):
                info = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(Path(__file__).with_name("serving.py")),
                    artifacts={"model": str(kept)},
                    signature=infer_signature(example, _prediction_frame(predictions)),
                    input_example=example,
                    pip_requirements=_requirements(),
                    registered_model_name=self.name,
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
        prefix = "sqlite:///"
        if not self.config.tracking_uri.startswith(prefix):
            return None
        store = Path(self.config.tracking_uri.removeprefix(prefix))
        return (store.parent / "mlartifacts" / self.config.mlflow.experiment).as_uri()

    def champion(self) -> Registered | None:
        """The model in charge, or None where there is none yet."""
        return self._by_alias(CHAMPION)

    def _by_alias(self, alias: str) -> Registered | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(self.name, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return Registered(self.name, str(found.version), str(found.run_id))

    def promote(self, registered: Registered) -> None:
        """Put a version in charge."""
        self._client.set_registered_model_alias(self.name, CHAMPION, registered.version)

    def challenge(self, registered: Registered) -> None:
        """Keep a version beside the one in charge."""
        self._client.set_registered_model_alias(self.name, CHALLENGER, registered.version)

    def decide(self, registered: Registered, *, promoted: bool, reason: str) -> None:
        """Set the alias that a version has earned, and write down why."""
        (self.promote if promoted else self.challenge)(registered)
        for key, value in (("promoted", str(promoted).lower()), ("reason", reason)):
            self._client.set_model_version_tag(self.name, registered.version, key, value)
            self._client.set_tag(registered.run_id, key, value)

    def load(self, registered: Registered) -> ChurnModel:
        """Read a registered model, without running any of its code."""
        return self._load(f"models:/{registered.name}/{registered.version}", registered.label)

    def resolve(self, uri: str | None) -> tuple[ChurnModel, str]:
        """The model of a URI, or the one in charge; with its name and version.

        Raises
        ------
        UsageError
            When there is no such model.
        """
        if uri is None:
            champion = self.champion()
            if champion is None:
                raise UsageError(
                    "There is no trained model yet.",
                    where=f"[mlflow] model = {self.name!r}",
                    value=self.config.shown_uri,
                    allowed="a registered model with the alias champion",
                    fix="train one: churn train",
                )
            return self.load(champion), champion.label
        return self._load(uri, uri), self._label(uri)

    def _load(self, uri: str, told: str) -> ChurnModel:
        import mlflow
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as folder:
            try:
                local = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
                return ChurnModel.load(Path(local) / "artifacts" / "model")
            except (MlflowException, OSError) as error:
                raise UsageError(
                    "The model cannot be read.",
                    where=self.config.shown_uri,
                    value=f"{told}: {str(error).splitlines()[0]}",
                    allowed=f"models:/{self.name}/VERSION or models:/{self.name}@champion",
                    fix="name a registered version with --model, or train one: churn train",
                ) from None

    def _label(self, uri: str) -> str:
        """``name/version`` of a registered model's URI; other URIs as they are."""
        if not uri.startswith("models:/"):
            return uri
        name, at, alias = uri.removeprefix("models:/").partition("@")
        if not at:
            return name
        return f"{name}/{self._client.get_model_version_by_alias(name, alias).version}"


def _client(config: Config) -> MlflowClient:
    """A client of the store, without telemetry and chatter."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(config.tracking_uri)
    mlflow.set_registry_uri(config.tracking_uri)
    try:
        client = mlflow.MlflowClient()
        client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError):
        raise UsageError(
            "The MLflow store cannot be reached.",
            where="[mlflow] tracking_uri",
            value=config.shown_uri,
            allowed="sqlite:///FILE, a database URL, or http://HOST:PORT of a running server",
            fix="correct the URI, or start the server",
        ) from None
    return client


def _as_served(frame: pd.DataFrame) -> pd.DataFrame:
    """Vectors as a caller of the registered model sends them: plain text instead of categories."""
    served = frame.copy()
    for name in served.columns:
        if str(served[name].dtype) == "category":
            served[name] = served[name].astype(object).astype("str")
    return served


def _prediction_frame(predictions: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"churn_probability": predictions})


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("mlflow", "lightgbm", "numpy", "pandas")]
