"""Reaches the MLflow store that a config names, and tells why where it cannot."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features import redaction
from features.errors import UsageError, UserError
from pipeline.config import Config

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Stdout is for results: one JSON object, where it is asked for.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own four minutes are for servers that limit rates; whoever waits for a server that
    # is away wants to know within twenty seconds, and loses nothing.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
}
"""What MLflow is told through the environment, where the environment does not say otherwise."""
LONGEST_CAUSE = 200
_ERRNO = re.compile(r"\[Errno -?\d+\] ([^'\"()]+)")
_CAUSED = re.compile(r"\(Caused by \w+\(['\"]?([^'\"()]+)")


class StoreFailed(UsageError):
    """The MLflow store refused, or is no store; `said` is what came back."""

    said = ""


class StoreAway(StoreFailed):
    """The MLflow server does not answer now: the same may go well later."""


def store_file(config: Config) -> Path | None:
    """The file of a SQLite store; None for servers and other databases."""
    uri = config.tracking_uri
    if not uri.startswith(SQLITE) or ":memory:" in uri:
        return None
    return Path(uri.removeprefix(SQLITE).partition("?")[0])


def client_of(config: Config) -> MlflowClient:
    """A client of the store, without telemetry and chatter; makes a SQLite store that is missing.

    Raises
    ------
    StoreFailed
        When the URI is wrong; `StoreAway` when its server does not answer.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    _silence()
    import mlflow

    _silence()
    with reached(config):
        mlflow.set_tracking_uri(config.tracking_uri)
        mlflow.set_registry_uri(config.tracking_uri)
        client = mlflow.MlflowClient()
        client.search_registered_models(max_results=1)
    return client


def _silence() -> None:
    """Importing MLflow sets the level of its logger anew."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def reached(config: Config) -> Iterator[None]:
    """Tells failures of the store as what they are: away now, or wrong."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise _told(config, error) from None


def _told(config: Config, error: Exception) -> StoreFailed:
    said = cause_of(error, config)
    told: StoreFailed
    if _is_away(config, error):
        told = StoreAway(
            "The MLflow server does not answer.",
            where="[mlflow] tracking_uri",
            value=f"{config.shown_uri}: {said}",
            allowed="http://HOST:PORT of a running server",
            fix="start the server, or correct the URI",
        )
    else:
        told = StoreFailed(
            "The MLflow store cannot be reached.",
            where="[mlflow] tracking_uri",
            value=f"{config.shown_uri}: {said}",
            allowed="sqlite:///FILE, a database URL, or http://HOST:PORT of a running server",
            fix="correct the URI, or start the server",
        )
    told.said = said
    return told


def _is_away(config: Config, error: Exception) -> bool:
    """Whether a server is silent or broken, rather than asked for what it does not have."""
    from mlflow.exceptions import InvalidUrlException, MlflowException

    if not config.tracking_uri.startswith(("http://", "https://")):
        return False
    if not isinstance(error, MlflowException):
        return isinstance(error, OSError)
    if isinstance(error, InvalidUrlException) or "valid JSON" in str(error):
        return False  # something answers there, but it is no MLflow server
    return int(error.get_http_status_code()) >= 500


def cause_of(error: Exception, config: Config) -> str:
    """What an error says first, without passwords, and not longer than people read."""
    if isinstance(error, UserError):
        return error.what
    lines = str(error).splitlines() or [type(error).__name__]
    # What a connection failed of stands last in the line, behind all that was tried.
    failed = _ERRNO.search(lines[0]) or _CAUSED.search(lines[0])
    said = failed[1].strip(" :") if failed else lines[0]
    told = redaction.redacted(redaction.hidden_in(said), config.tracking_uri)
    return told if len(told) <= LONGEST_CAUSE else told[: LONGEST_CAUSE - 1] + "…"
