"""`churn.toml`: every key with its meaning, range and default; unknown keys are refused.

Reading a config has no effects: no folder is made, no URI is set.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
import types
import typing
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from features import redaction
from features.engines import engine_named
from features.errors import UsageError
from features.tables import TABLES
from pipeline.actions import DEFAULT_ACTIONS, Action
from pipeline.health import HealthScore
from pipeline.section import Amount, Days, Section, Share

LONGEST_WINDOW, MOST_WINDOWS = 3660, 12


def _size(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s?(MB|GB|MiB|GiB)", text):
        raise ValueError('a number with MB, GB, MiB or GiB, such as "4GB"')
    return text


class Data(Section):
    """Where the histories are and how they are read."""

    source: Annotated[str, Field(min_length=1, repr=False)]
    engine: Annotated[str, AfterValidator(engine_named)] = "duckdb"
    observed_until: datetime | date | None = None
    timezone: str = "UTC"
    max_bad_share: Share = 0.05
    memory_limit: Annotated[str, AfterValidator(_size)] | None = None
    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError('a time zone such as "UTC" or "Europe/Amsterdam"') from error
        return value


def _refuse_unknown_names(data: object, file: Path) -> None:
    """Stop at a table or column of ours that does not exist, in `[data.tables]` and below."""
    if not isinstance(data, dict):
        return
    for key in ("tables", "columns"):
        for name in data.get(key) or {} if isinstance(data.get(key), dict) else ():
            if name not in TABLES:
                raise _unknown(f"[data.{key}] {name}", name, list(TABLES), file)
    columns = data.get("columns")
    for name, mapped in columns.items() if isinstance(columns, dict) else ():
        known = [column.name for column in TABLES[name].columns]
        # A table that names no customer is joined through subscriptions.
        known += ["subscription_id"] if "subscription_id" not in known else []
        for column in mapped if isinstance(mapped, dict) else ():
            if column not in known and not TABLES[name].attributes:
                raise _unknown(f"[data.columns.{name}] {column}", column, known, file)


class Churn(Section):
    """What churn is here (see docs/definitions.md)."""

    definition: Literal["subscription", "inactivity", "event"] = "subscription"
    horizon_days: Annotated[int, Field(ge=1, le=3660)] = 30
    lead_days: Days = 0
    grace_days: Days = 0
    active_days: Annotated[int, Field(ge=1, le=3660)] = 90
    activity: Annotated[
        list[Literal["usage", "payments", "tickets", "surveys"]], Field(min_length=1)
    ] = ["usage", "payments"]


class Points(Section):
    """Which cutoffs: the dates at which customers are looked at."""

    every: Literal["month", "week"] | Annotated[int, Field(ge=1, le=3660)] = "month"
    first: date | None = None
    last: date | None = None
    min_tenure_days: Days = 0

    @model_validator(mode="after")
    def _in_order(self) -> Points:
        if self.first and self.last and self.first > self.last:
            raise ValueError(f"points: first ({self.first}) lies after last ({self.last})")
        return self


def _window(days: int) -> int:
    if not 1 <= days <= LONGEST_WINDOW:
        raise ValueError(
            f"days, whole numbers from 1 to {LONGEST_WINDOW}, such as [7, 30, 90, 365]"
        )
    return days


def _some(windows: list[int]) -> list[int]:
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise ValueError(f"1 to {MOST_WINDOWS} windows, such as [7, 30, 90, 365]")
    return windows


def _distinct_ascending(windows: list[int]) -> list[int]:
    return sorted(set(windows))


class Features(Section):
    """Over which windows histories are aggregated."""

    windows_days: Annotated[
        list[Annotated[int, AfterValidator(_window)]],
        AfterValidator(_some),
        AfterValidator(_distinct_ascending),
    ] = [7, 30, 90, 365]


class Model(Section):
    """How the model is trained and tested."""

    test_points: Annotated[int, Field(ge=1, le=1000)] = 2
    tune_trials: Annotated[int, Field(ge=0, le=10_000)] = 30
    tune_minutes: Annotated[FiniteFloat, Field(gt=0)] = 60
    refits: Annotated[int, Field(ge=0, le=100)] = 10
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7


class Value(Section):
    """What a customer is worth."""

    margin: Share = 0.6
    discount_rate: Annotated[FiniteFloat, Field(ge=0, le=10)] = 0.10
    horizon_months: Annotated[int, Field(ge=1, le=600)] = 24
    high_value_share: Share = 0.2


class Outreach(Section):
    """What outreach may cost and what it can do."""

    budget: Amount | None = None
    capacity: Annotated[int, Field(ge=0)] | None = None
    holdout_share: Share = 0.1
    suppress_days: Days = 30
    actions: list[Action] = DEFAULT_ACTIONS

    @field_validator("actions")
    @classmethod
    def _names_differ(cls, actions: list[Action]) -> list[Action]:
        counted = Counter(action.name for action in actions)
        again = ", ".join(repr(name) for name, count in counted.items() if count > 1)
        if again:
            raise ValueError(f"every action needs a name of its own; several have {again}")
        return actions


class Mlflow(Section):
    """Where runs are recorded and the model is registered."""

    tracking_uri: str = "sqlite:///mlflow.db"
    experiment: Annotated[str, Field(min_length=1)] = "churn-risk"
    model: Annotated[str, Field(pattern=r"^[^/:@]+$")] = "churn-risk"


class Output(Section):
    """Where lists and reports are written."""

    dir: Annotated[str, Field(min_length=1)] = "out"


class Config(Section):
    """A whole `churn.toml`, checked."""

    data: Data
    churn: Churn = Churn()
    points: Points = Points()
    features: Features = Features()
    model: Model = Model()
    value: Value = Value()
    outreach: Outreach = Outreach()
    health_score: HealthScore = HealthScore()
    mlflow: Mlflow = Mlflow()
    output: Output = Output()
    file: Annotated[Path, Field(exclude=True)]

    @property
    def folder(self) -> Path:
        """The folder that relative paths start at."""
        return self.file.parent

    @property
    def out(self) -> Path:
        return Path(os.path.normpath(self.folder / self.output.dir))

    @property
    def tracking_uri(self) -> str:
        """MLflow's store; a relative SQLite path made to start at the config's folder."""
        uri = self.mlflow.tracking_uri
        prefix = "sqlite:///"
        if uri.startswith(prefix) and not uri.startswith(prefix + "/") and ":memory:" not in uri:
            return prefix + str((self.folder / uri.removeprefix(prefix)).resolve())
        return uri

    @property
    def shown_uri(self) -> str:
        """MLflow's store as it may be shown: without a password."""
        scheme, _, rest = self.mlflow.tracking_uri.partition("://")
        if "@" not in rest:
            return self.mlflow.tracking_uri
        return f"{scheme}://…@{rest.rpartition('@')[2]}"

    def as_shown(self) -> dict[str, Any]:
        """All keys and values, without a password."""
        values = self.model_dump(mode="json")
        values["data"]["source"] = redaction.shown(self.data.source)
        values["mlflow"]["tracking_uri"] = self.shown_uri
        return values

    @property
    def hash(self) -> str:
        """A short fingerprint of everything the config says, but for passwords."""
        text = json.dumps(self.as_shown(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load(file: Path) -> Config:
    """Read and check a config.

    Raises
    ------
    UsageError
        When the file is missing, is no TOML, or a key or value is not allowed.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            "There is no config file here.",
            where=str(file),
            allowed="a TOML file with at least [data] source",
            fix="name one with --config FILE",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The config cannot be read: {error}.", where=str(file)) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            "The config is not valid TOML.",
            where=str(file),
            value=error,
            allowed='sections such as [data], and below them lines such as source = "data"',
            fix="correct the line that is named; texts stand in double quotes",
        ) from None
    return from_values(values, file)


def from_values(values: dict[str, Any], file: Path) -> Config:
    """Check the values of a config read from `file`."""
    if "file" in values:
        raise _unknown_key(("file",), values["file"], file)
    if "data" not in values:
        raise UsageError(
            "The config does not say where the histories are.",
            where=f"{file}, [data] source",
            allowed="a folder of <table>.parquet or <table>.csv files",
            fix='add: [data]\nsource = "data"',
        )
    _refuse_unknown_names(values["data"], file)
    try:
        config = Config.model_validate({**values, "file": file})
    except ValidationError as error:
        raise _readable(error, file) from None
    if config.out.resolve() == config.folder.resolve():
        # Outputs replace whole folders, so they need one of their own.
        raise UsageError(
            "The output folder is the config's own.",
            where=f"{file}, [output] dir",
            value=repr(config.output.dir),
            allowed="a folder that holds nothing else",
            fix='dir = "out"',
        )
    return config


def _readable(error: ValidationError, file: Path) -> UsageError:
    """The first problem pydantic found, in our words; unknown keys come first."""
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    if first["type"] == "extra_forbidden":
        return _unknown_key(first["loc"], first["input"], file)
    where = f"{file}, {_key(first['loc'])}"
    if first["type"] == "missing":
        return UsageError("A key is missing in the config.", where=where, fix="add it")
    message = _in_our_words(first["msg"])
    same_key = [_in_our_words(p["msg"]) for p in problems if p["loc"][:2] == first["loc"][:2]]
    return UsageError(
        "A value in the config is not allowed.",
        where=where,
        value=None if _holds_sections(first["input"]) else _told(first["input"]),
        allowed="; or ".join(dict.fromkeys(same_key)) if len(same_key) > 1 else message,
        fix="correct it in the config",
    )


def _holds_sections(value: object) -> bool:
    """Whether a value is a section, or a list of some: too long to be shown."""
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict) for one in value)
    )


def _in_our_words(message: str) -> str:
    """Pydantic's message without its preamble."""
    for preamble in ("Value error, ", "Input should be "):
        message = message.removeprefix(preamble)
    return "a section of keys" if "dictionary" in message else message


def _unknown_key(location: tuple[int | str, ...], value: object, file: Path) -> UsageError:
    shown = None if isinstance(value, dict) else _told(value)
    return _unknown(_key(location), str(location[-1]), _keys_beside(location), file, shown)


def _unknown(
    where: str, key: str, known: list[str], file: Path, value: str | None = None
) -> UsageError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return UsageError(
        f"Unknown key {key!r} in the config.",
        where=f"{file}, {where}",
        value=value,
        allowed=", ".join(known),
        fix=f"did you mean {near[0]!r}?" if near else "remove it",
    )


def _told(value: object) -> str:
    """A value as it may be shown: a URL under a wrong key may hold a password."""
    if isinstance(value, str):
        return repr(redaction.shown(value))
    return redaction.hidden_in(repr(value))


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where `location` is."""
    section: type[BaseModel] = Config
    for part in location[:-1]:
        if isinstance(part, str) and part in section.model_fields:
            section = _section_in(section.model_fields[part].annotation) or section
    return [name for name in section.model_fields if name != "file"]


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section a key holds: itself, or what its list holds."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_section_in(inner) for inner in typing.get_args(annotation))
    return next((section for section in found if section), None)


def _key(location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location if not (isinstance(part, str) and "[" in part)]
    return f"[{parts[0]}]" + (" " + ".".join(parts[1:]) if len(parts) > 1 else "")


if __name__ == "__main__":
    import sys

    print(load(Path(sys.argv[1])).tracking_uri)
