"""Whether a model may score these histories: the churn it predicts, its features, broken feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from features.errors import ContractBroken, UsageError
from features.histories import Histories
from features.inspection import stopped
from models.guards import Refused, guard
from models.model import ChurnModel
from pipeline.config import Config
from pipeline.opening import definition_of, open_histories
from pipeline.progress import Progress
from pipeline.registry import resolve

if TYPE_CHECKING:
    import pandas as pd


CONTACTS = "contacts"


def suited(config: Config, model: str | None, progress: Progress) -> tuple[ChurnModel, str]:
    """The model in charge, or the one that is named by an MLflow URI or a folder; and its label.

    Raises
    ------
    UserError
        When there is none, or it was made for another churn.
    """
    with progress.stage("loading the model"):
        found, label = resolve(config, model)
    refuse_other_churn(config, found, label)
    return found, label


@contextmanager
def model_and_histories(
    config: Config, model: str | None, progress: Progress
) -> Iterator[tuple[ChurnModel, str, Histories]]:
    """A suited model with its label, and the histories, which are closed in the end.

    Without the table contacts, which the model was trained with and does not look at, the
    histories are those of a business that has contacted nobody.
    """
    found, label = suited(config, model, progress)
    histories = open_histories(config, progress)
    try:
        if _spared(found, histories):
            histories = histories.with_empty(CONTACTS)
        yield found, label, histories
    finally:
        histories.close()


def refuse_other_churn(config: Config, model: ChurnModel, label: str) -> None:
    """Stop where the model was made for another churn definition.

    Raises
    ------
    UsageError
        With what differs.
    """
    ours = definition_of(config).as_dict()
    theirs = model.context["definition"]
    if ours == theirs:
        return
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    raise UsageError(
        f"The model {label} predicts another churn than the config defines.",
        where="[churn] " + ", ".join(differing),
        value=", ".join(
            f"{key}: config {ours.get(key)}, model {theirs.get(key)}" for key in differing
        ),
        allowed="the definition that the model was trained for",
        fix="train a model for this config: churn train; or name another one with --model",
    )


def warnings_of(
    model: ChurnModel, histories: Histories, cutoff: date, frame: pd.DataFrame, progress: Progress
) -> list[str]:
    """What was told of the feeds and the vectors of a cutoff.

    Raises
    ------
    ContractBroken
        When the vectors lack what the model lives on.
    """
    told = [
        *_without_contacts(model, histories, progress),
        *_stopped(histories, cutoff, progress),
    ]
    return [*told, *_guarded(model, frame, progress)]


def _spared(model: ChurnModel, histories: Histories) -> bool:
    """Whether the table contacts is gone, and the model never looks at what comes from it."""
    if CONTACTS in histories.tables or CONTACTS not in model.context["plan"]["tables"]:
        return False
    return not any(f["name"] in model.used for f in model.features if f["table"] == CONTACTS)


def _without_contacts(model: ChurnModel, histories: Histories, progress: Progress) -> Iterator[str]:
    """What was told where the model was trained with contacts, and none are there now."""
    if CONTACTS in model.context["plan"]["tables"] and CONTACTS not in histories.accounts:
        warning = (
            "The table contacts, which the model was trained with, is gone. The model does not "
            "look at it, so the list is made without: who was contacted or held out lately is not "
            "spared, and success rates are those of the config. Restore it before you contact "
            "anybody by this list."
        )
        progress.warn(warning)
        yield warning


def _stopped(histories: Histories, cutoff: date, progress: Progress) -> list[str]:
    """What was told of feeds that broke off: their silence looks like the customers' own."""
    warnings = [
        f"{found.table} may have broken off: {found.evidence}. Its silence looks like churn."
        for found in stopped(histories, cutoff)
    ]
    for warning in warnings:
        progress.warn(warning)
    return warnings


def _guarded(model: ChurnModel, frame: pd.DataFrame, progress: Progress) -> list[str]:
    """What was told of the vectors; stops where the model must not score them."""
    try:
        warnings = guard(model, frame)
    except Refused as error:
        told = {name: getattr(error, name) for name in ("where", "value", "allowed", "fix")}
        raise ContractBroken(error.what, **told) from None
    for warning in warnings:
        progress.warn(warning)
    return warnings
