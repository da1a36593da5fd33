"""Who is in charge, by hand: put a version in charge, or go back to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.errors import UsageError
from pipeline.config import Config
from pipeline.registry import Registered, Registry, existing_registry


@dataclass(frozen=True)
class Change:
    """Who is in charge now, and who was before."""

    model: Registered
    before: Registered | None
    reason: str

    @property
    def is_none(self) -> bool:
        """Whether that version was in charge anyway."""
        return self.before == self.model

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model.label,
            "before": None if self.before is None else self.before.label,
            "reason": self.reason,
        }


def promote(config: Config, version: str, *, reason: str | None = None) -> Change:
    """Put a version in charge, whatever was decided about it.

    Raises
    ------
    UsageError
        When there is no such version, or the store cannot be reached.
    """
    registry = existing_registry(config)
    chosen = registry.find(version)
    why = f"promoted by hand{_because(reason)}"
    return Change(chosen, registry.promote(chosen, why), why)


def rollback(config: Config, *, to: str | None = None, reason: str | None = None) -> Change:
    """Put the version in charge again that was before, or an earlier one.

    Rolled back twice, it goes back twice: what was rolled back is no longer in the history.

    Raises
    ------
    UsageError
        When no model is in charge, none was before, or `to` never was.
    """
    registry = existing_registry(config)
    champion = registry.champion()
    if champion is None:
        raise UsageError(
            "No model is in charge: there is nothing to roll back.",
            where=f"[mlflow] model = {registry.name!r}",
            value=config.shown_uri,
            allowed="a registered model with the alias champion",
            fix="train one: churn train; or put a version in charge: churn promote VERSION",
        )
    history = _before(registry, champion)
    if to is None:
        if not history:
            raise _nothing_before(registry, champion)
        target = registry.find(history[-1])
    else:
        target = registry.find(to)
        if target == champion:
            return Change(champion, champion, f"{champion.label} is in charge already")
        if target.version not in history:
            raise _never_in_charge(registry, target, history)
        history = history[: len(history) - history[::-1].index(target.version)]
    why = f"rolled back from {champion.label}{_because(reason)}"
    registry.put_in_charge(target, history)
    registry.tag(target, {"reason": why})
    registry.tag(champion, {"rolled_back": f"to {target.label}{_because(reason)}"})
    return Change(target, champion, why)


def _before(registry: Registry, champion: Registered) -> list[str]:
    """Who was in charge before, the newest last, without versions that were deleted."""
    there = {one.version for one in registry.versions()}
    history = [version for version in registry.history() if version in there]
    while history and history[-1] == champion.version:
        history.pop()
    return history


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _nothing_before(registry: Registry, champion: Registered) -> UsageError:
    others = [one.version for one in registry.versions() if one != champion]
    return UsageError(
        f"No model was in charge before {champion.label}.",
        where=f"[mlflow] model = {registry.name!r}",
        value=f"other versions: {', '.join(others)}" if others else "it is the only version",
        allowed="a model that took over from another one",
        fix="put another version in charge: churn promote VERSION"
        if others
        else "train another one: churn train",
    )


def _never_in_charge(registry: Registry, target: Registered, history: list[str]) -> UsageError:
    return UsageError(
        f"{target.label} was not in charge before: there is no going back to it.",
        where=f"[mlflow] model = {registry.name!r}",
        value=target.version,
        allowed=", ".join(dict.fromkeys(reversed(history))) or "none: no model was before",
        fix=f"put it in charge all the same: churn promote {target.version}",
    )
