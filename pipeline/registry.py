"""The models in MLflow's registry, and who of them is in charge, was before, or waits beside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features import redaction
from features.errors import UsageError
from models.model import MODEL_FILE, ChurnModel
from pipeline.config import Config
from pipeline.reaching import StoreAway, StoreFailed, cause_of, client_of, reached, store_file

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
IN_CHARGE = "in_charge"
"""The registered model's tag that holds the versions that were put in charge, the newest last."""
LONGEST_HISTORY = 100


@dataclass(frozen=True)
class Registered:
    """A model in the registry."""

    name: str
    version: str
    run_id: str

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


class Registry:
    """The versions of the model that a config names."""

    def __init__(self, config: Config, client: MlflowClient | None = None) -> None:
        self.config = config
        self.name = config.mlflow.model
        self._client = client_of(config) if client is None else client

    def champion(self) -> Registered | None:
        """The model in charge, or None where there is none."""
        from mlflow.exceptions import MlflowException

        with reached(self.config):
            try:
                found = self._client.get_model_version_by_alias(self.name, CHAMPION)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise
        return Registered(self.name, str(found.version), str(found.run_id))

    def in_charge(self) -> str | None:
        """The label of the model in charge, or None where there is none."""
        champion = self.champion()
        return None if champion is None else champion.label

    def versions(self) -> list[Registered]:
        """Every version, the newest first."""
        with reached(self.config):
            found = list(self._client.search_model_versions(f"name = {_quoted(self.name)}"))
        newest_first = sorted(found, key=lambda one: -int(one.version))
        return [Registered(self.name, str(one.version), str(one.run_id)) for one in newest_first]

    def find(self, version: str) -> Registered:
        """The version of a number such as ``3``, or of a label such as ``churn-risk/3``.

        Raises
        ------
        UsageError
            When there is none; it names those that there are.
        """
        number = version.removeprefix(f"{self.name}/")
        versions = self.versions()
        for one in versions:
            if one.version == number:
                return one
        raise UsageError(
            f"There is no version {version} of {self.name}.",
            where=self.config.shown_uri,
            value=version,
            allowed=", ".join(one.version for one in versions) or "none: nothing is registered yet",
            fix="name one of these" if versions else "train a model: churn train",
        )

    def history(self) -> list[str]:
        """The versions that were put in charge and not rolled back, the newest last."""
        from mlflow.exceptions import MlflowException

        with reached(self.config):
            try:
                tags = self._client.get_registered_model(self.name).tags
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return []
                raise
        return [str(version) for version in json.loads(tags.get(IN_CHARGE, "[]"))]

    def promote(self, registered: Registered, reason: str) -> Registered | None:
        """Put a version in charge, and note whom it replaced; returns that one."""
        before = self.champion()
        if before is not None and before.version == registered.version:
            return before
        history = self.history()
        if before is not None and history[-1:] != [before.version]:
            history.append(before.version)  # somebody moved the alias by hand
        self.put_in_charge(registered, [*history, registered.version])
        replaced = {} if before is None else {"replaced": before.version}
        self.tag(registered, {"promoted": "true", "reason": reason, **replaced})
        return before

    def put_in_charge(self, registered: Registered, history: Sequence[str]) -> None:
        """Move the alias, and write down the history that it ends."""
        with reached(self.config):
            self._client.set_registered_model_alias(self.name, CHAMPION, registered.version)
            self._client.set_registered_model_tag(
                self.name, IN_CHARGE, json.dumps(list(history)[-LONGEST_HISTORY:])
            )
            aliases = self._client.get_registered_model(self.name).aliases
            if str(aliases.get(CHALLENGER)) == registered.version:
                self._client.delete_registered_model_alias(self.name, CHALLENGER)

    def challenge(self, registered: Registered, reason: str) -> None:
        """Keep a version beside the one in charge, with the reason."""
        with reached(self.config):
            self._client.set_registered_model_alias(self.name, CHALLENGER, registered.version)
        self.tag(registered, {"promoted": "false", "reason": reason})

    def tag(self, registered: Registered, tags: Mapping[str, str]) -> None:
        """Write tags on a version."""
        with reached(self.config):
            for key, value in tags.items():
                self._client.set_model_version_tag(self.name, registered.version, key, value)

    def reason(self, registered: Registered) -> str:
        """Why a version is, or is not, in charge; empty where nobody wrote it down."""
        with reached(self.config):
            found = self._client.get_model_version(self.name, registered.version)
        return str(found.tags.get("reason", ""))

    def load(self, registered: Registered) -> ChurnModel:
        """Read a registered model, without running any of its code."""
        return self.read(f"models:/{registered.name}/{registered.version}", registered.label)

    def read(self, uri: str, told: str) -> ChurnModel:
        """Read the model of an MLflow URI.

        Raises
        ------
        UsageError
            When it cannot be read; `StoreAway` when the server does not answer.
        """
        import mlflow

        with tempfile.TemporaryDirectory() as folder:
            try:
                with reached(self.config):
                    local = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
            except StoreAway:
                raise
            except StoreFailed as error:
                raise unreadable(self.config, told, error.said) from None
            except Exception as error:
                # The libraries of storages have errors of their own.
                said = f"{type(error).__name__}: {cause_of(error, self.config)}"
                raise unreadable(self.config, told, said) from None
            return read_folder(self.config, Path(local), told)

    def label(self, uri: str) -> str:
        """``name/version`` of a registered model's URI; other URIs as they are, without secrets."""
        if not uri.startswith("models:/"):
            return redaction.shown(uri)
        name, at, alias = uri.removeprefix("models:/").strip("/").partition("@")
        if not at and not name.endswith("/latest"):
            return name
        name = name.removesuffix("/latest")
        with reached(self.config):
            if at:
                return f"{name}/{self._client.get_model_version_by_alias(name, alias).version}"
            found = self._client.search_model_versions(f"name = {_quoted(name)}")
            return f"{name}/{max(int(one.version) for one in found)}"


def existing_registry(config: Config) -> Registry:
    """The registry of a store that is there: none is made only to find nothing in it.

    Raises
    ------
    UsageError
        When there is no store yet, or it cannot be reached.
    """
    file = store_file(config)
    if file is not None and not file.exists():
        raise _nobody_in_charge(config, [], "")
    return Registry(config)


def newest_registered(config: Config) -> Registered | None:
    """The newest version, in charge or not; None where there is none, or no store yet."""
    file = store_file(config)
    if file is not None and not file.exists():
        return None
    return next(iter(Registry(config).versions()), None)


def resolve(config: Config, uri: str | None) -> tuple[ChurnModel, str]:
    """The model of a folder or a URI, or the one in charge; with its name and version.

    A folder needs no MLflow.

    Raises
    ------
    UsageError
        When there is no such model, or the store cannot be reached.
    """
    if uri is not None and Path(uri).is_dir():
        return read_folder(config, Path(uri), uri), uri
    registry = existing_registry(config)
    if uri is not None:
        return registry.read(uri, redaction.shown(uri)), registry.label(uri)
    champion = registry.champion()
    if champion is None:
        versions = registry.versions()
        why = registry.reason(versions[0]) if versions else ""
        raise _nobody_in_charge(config, versions, why)
    return registry.load(champion), champion.label


def read_folder(config: Config, folder: Path, told: str) -> ChurnModel:
    """Read a model from a folder: as this project saves it, or as MLflow does.

    Raises
    ------
    UsageError
        When it holds none, or one that this version cannot read.
    """
    kept = folder if (folder / MODEL_FILE).exists() else folder / "artifacts" / "model"
    try:
        return ChurnModel.load(kept)
    except FileNotFoundError as error:
        raise unreadable(config, told, f"it lacks {Path(error.filename).name}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        said = f"{type(error).__name__}: {cause_of(error, config)}"
        raise unreadable(config, told, said) from None


def unreadable(config: Config, told: str, why: str) -> UsageError:
    name = config.mlflow.model
    return UsageError(
        "The model cannot be read.",
        where=config.shown_uri,
        value=f"{told}: {why}",
        allowed=f"models:/{name}/VERSION, models:/{name}@champion, or a folder that holds a model",
        fix="name a registered version with --model, or train one: churn train",
    )


def _nobody_in_charge(config: Config, versions: Sequence[Registered], why: str) -> UsageError:
    """No model yet, or none that was promoted."""
    where = f"[mlflow] tracking_uri, model = {config.mlflow.model!r}"
    allowed = "a registered model with the alias champion"
    if not versions:
        return UsageError(
            "There is no trained model yet.",
            where=where,
            value=config.shown_uri,
            allowed=allowed,
            fix="train one: churn train",
        )
    newest = versions[0]
    return UsageError(
        "There is no model in charge.",
        where=where,
        value=f"{newest.label} is registered, but not in charge" + (f": {why}" if why else ""),
        allowed=allowed,
        fix=f"if you know better, put it in charge: churn promote {newest.version}",
    )


def _quoted(name: str) -> str:
    """A name in MLflow's search language, which knows no escape."""
    return f'"{name}"' if "'" in name else f"'{name}'"
