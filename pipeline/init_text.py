"""The text of a first `churn.toml`: what was guessed, why, and which other keys there are."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.contract import Account
from features.leaks import Suspect
from pipeline.config import Config, Section
from pipeline.guess_churn import Churn
from pipeline.guess_tables import LeftOut, Mapped, candidates

COMMENT_AT = 34

MEANINGS: dict[str, dict[str, str]] = {
    "data": {
        "observed_until": "default: the last moment seen in the tables",
        "timezone": "in which naive stamps are read and days begin",
        "max_bad_share": "more bad rows than this in a table stop the run",
        "memory_limit": "for the engine; default: its own",
    },
    "churn": {
        "lead_days": "time the team needs before the window opens",
        "grace_days": "a return within these days is no churn",
    },
    "points": {
        "every": "month | week | a number of days between cutoffs",
        "first": "default: the first with some history behind it",
        "last": "default: the last whose label is known",
        "min_tenure_days": "customers younger than this are no points",
    },
    "features": {"windows_days": "over which histories are aggregated"},
    "model": {
        "test_points": "newest labelled cutoffs, untouched until the final evaluation",
        "seed": "the same seed gives the same predictions",
    },
    "value": {
        "margin": "share of the revenue that is left after direct costs",
        "discount_rate": "a year",
        "horizon_months": "how far a customer's value reaches",
        "high_value_share": "top share of customers by value",
    },
    "outreach": {
        "budget": "what a run may spend on contacts; default: no limit",
        "capacity": "how many customers a run may contact; default: no limit",
        "holdout_share": "share of those to contact who are held out",
        "suppress_days": "not contacted again within these days",
    },
    "mlflow": {
        "tracking_uri": "where runs are recorded",
        "experiment": "",
        "model": "the registered name",
    },
    "output": {"dir": "where lists and reports are written"},
}
"""Keys that are written as comments with their defaults, and what they mean."""

EXAMPLES: dict[str, Any] = {
    "memory_limit": "4GB",
    "budget": 5000.0,
    "capacity": 500,
}
"""For keys whose default is that nothing is set."""


@dataclass(frozen=True)
class Draft:
    """Everything that a config is written from.

    ``named`` is what `[data.tables]` has to say: the other tables are found without a word.
    ``customers`` tells how many customers each table names.
    """

    searched: str
    source: str
    tables: Mapping[str, Mapped]
    named: Mapping[str, str]
    accounts: Mapping[str, Account]
    customers: Mapping[str, int]
    suspects: Sequence[Suspect]
    churn: Churn
    left_out: Sequence[LeftOut]
    unread: Sequence[str]
    max_bad_share: float | None
    why_bad_share: str


def config_text(draft: Draft) -> str:
    """The whole file."""
    parts = [_head(draft), _data(draft), _tables(draft)]
    parts += [_columns(one, draft.suspects) for one in draft.tables.values()]
    parts += [_left_out(draft), _churn(draft.churn), _points(draft.churn)]
    live = _line("tune_trials", 0, "30 searches LightGBM's parameters first: slower, a bit better")
    parts.append("\n".join(["[model]", *_others("model"), live]))
    parts += [
        "\n".join([f"[{section}]", *_others(section)])
        for section in ("features", "value", "outreach", "mlflow", "output")
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(draft: Draft) -> str:
    lines = [
        f"# Written by churn init from what was found in {plain(draft.searched)}.",
        "# Every guess stands beside its evidence: correct what is wrong, then run",
        "#   churn check      reads every table against the contract",
        "#   churn train      the whole job",
        "# All keys: docs/config.md; all columns: docs/tables.md.",
    ]
    if draft.churn.too_little:
        lines += ["#", *comment(f"Training will not work yet: {draft.churn.too_little}.")]
    return "\n".join(lines)


def _data(draft: Draft) -> str:
    lines = ["[data]", _line("source", draft.source)]
    churn = draft.churn
    live: dict[str, tuple[Any, str]] = {}
    if churn.observed_until:
        live["observed_until"] = (churn.observed_until, churn.why["observed_until"])
    if draft.max_bad_share is not None:
        live["max_bad_share"] = (draft.max_bad_share, draft.why_bad_share)
    return "\n".join(
        lines + _explained(live) + _others("data", but=live, observed_until=churn.seen_until)
    )


def _tables(draft: Draft) -> str:
    """The tables with their figures; a line of config only where a file has another name."""
    lines = ["[data.tables]"]
    for name, one in draft.tables.items():
        account = draft.accounts[name]
        told = f"{name}: {one.pattern}, {account.rows:,} rows of "
        told += f"{draft.customers.get(name, 0):,} customers"
        if account.first and account.last:
            told += f", {account.first[:10]} to {account.last[:10]}"
        if account.bad:
            told += f"; {bad_rows(account)}"
        lines += comment(told)
        if one.through_subscriptions:
            lines += comment(f"{name} name their customers by subscription_id.")
        if name in draft.named:
            lines.append(_line(name, one.pattern))
    absent = [name for name in draft.named if name not in draft.tables]
    lines += [_line(name, "", "the files called so are not read as this table") for name in absent]
    return "\n".join(lines)


def bad_rows(account: Account) -> str:
    """How many rows of a table would be set aside, and why."""
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in account.quarantined.items())
    return f"{account.bad / account.rows:.1%} would be set aside ({reasons})"


def _columns(one: Mapped, suspects: Sequence[Suspect]) -> str:
    """The columns of a table that have other names, and what to know about the others."""
    why = {**one.unfit, **one.why}
    lines = [_line(ours, theirs, why.get(ours, "")) for ours, theirs in one.renamed.items()]
    for ours, wrong in one.unfit.items():
        if ours not in one.columns and ours not in one.renamed:
            lines += comment(f"{ours} is not mapped: {wrong}.")
    if one.name == "customers" and suspects:
        lines += comment(
            "Beware: every further column becomes an attribute, as if it were known at sign-up. "
            "One that tells the future makes the model look better than it is: uncomment its line, "
            "and it is not read."
        )
        for suspect in suspects:
            *above, line = _line(suspect.column, "", suspect.evidence).split("\n")
            lines += [*above, f"# {line}"]
    if not lines:
        return ""
    return "\n".join([f"[data.columns.{one.name}]", *lines])


def _left_out(draft: Draft) -> str:
    lines: list[str] = []
    for left in draft.left_out:
        lines += comment(f"Left out: {left.profile.group.pattern}: {left.why}.")
        if left.mapped is not None and left.mapped.missing:
            lines += _commented_block(left.mapped)
    for text in draft.unread:
        lines += comment(f"Not read: {text}.")
    return "\n".join(lines)


def _commented_block(one: Mapped) -> list[str]:
    """A table that lacks columns, ready to be completed."""
    lines = [f"[data.columns.{one.name}]"]
    lines += [_line(ours, theirs) for ours, theirs in one.columns.items()]
    for ours in one.missing:
        could = ", ".join(map(repr, candidates(one, ours)[:8]))
        told = one.unfit.get(ours) or (f"candidates: {could}" if could else "no column fits")
        lines.append(_line(ours, "?", told))
    block = "\n".join(["[data.tables]", _line(one.name, one.pattern), *lines])
    return [f"#   {line}" for line in block.split("\n")]


def _churn(churn: Churn) -> str:
    definition = churn.definition
    guessed: dict[str, Any] = {
        "definition": definition.kind,
        "horizon_days": definition.horizon_days,
    }
    if definition.grace_days:
        guessed["grace_days"] = definition.grace_days
    if definition.kind == "inactivity":
        guessed["active_days"] = definition.active_days
        guessed["activity"] = list(definition.activity)
    live = {key: (value, churn.why.get(key, "")) for key, value in guessed.items()}
    return "\n".join(["[churn]", *_explained(live), *_others("churn", but=live)])


def _points(churn: Churn) -> str:
    live: dict[str, tuple[Any, str]] = {}
    if churn.every != "month":
        live["every"] = (churn.every, churn.why.get("every", ""))
    if churn.first:
        live["first"] = (churn.first, churn.why["first"])
    ends = dict(zip(("first", "last"), churn.labelled, strict=True))
    return "\n".join(["[points]", *_explained(live), *_others("points", but=live, **ends)])


def _explained(live: Mapping[str, tuple[Any, str]]) -> list[str]:
    """Guessed keys, each with its evidence: beside it, or above where that is long."""
    return [_line(key, value, why) for key, (value, why) in live.items()]


def _others(section: str, but: Iterable[str] = (), **examples: Any) -> list[str]:
    """The other keys of a section as comments, with the defaults that the config declares.

    ``examples`` are values for keys that are not set by default.
    """
    model: type[Section] = Config.model_fields[section].annotation  # type: ignore[assignment]
    lines = []
    for key, meaning in MEANINGS[section].items():
        if key not in but:
            default = model.model_fields[key].default
            value = {**EXAMPLES, **examples}[key] if default is None else default
            text = f"# {key} = {toml(value)}"
            lines.append(f"{text:<{COMMENT_AT}} # {meaning}" if meaning else text)
    return lines


def _line(key: str, value: Any, why: str = "") -> str:
    """A key with its value; its comment beside it, or above where the line would be long."""
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
    text = f"{key if bare else toml(key)} = {toml(value)}"
    if not why:
        return text
    beside = f"{text:<{COMMENT_AT}} # {plain(why)}"
    if len(beside) <= 100:
        return beside
    return "\n".join([*comment(f"{key}: {why}"), text])


def comment(text: str) -> list[str]:
    """Text as comment lines."""
    return [f"# {line}" for line in textwrap.wrap(plain(text), 96)]


def plain(text: str) -> str:
    """Text that is safe in a comment: names of files and columns may hold anything."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, date):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
