"""Guards before scoring: what a model cannot know is told, and refused where it decides the result.

A booster gives a probability for anything, for a table of gaps, too. The rules: docs/mlflow.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.matrix import lacking
from models.model import ChurnModel
from models.numbers import NotNumbers

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 20
"""Fewer rows are not refused for their gaps: they may be odd customers."""
CHANCE = 1e-6
"""A feature is lost where so many gaps would be less likely than this, by its gaps in training."""
MOST_LOST = 0.25
"""Features that carry more of what all splits gained may not be lost together."""
SELDOM, MOSTLY = 0.2, 0.8
"""Gaps are told where they were fewer than the one in training and are more than the other now."""
MOST_UNSEEN = 0.05
"""Of the rows with a text, how many may have one that the model never saw without being told."""
MOST_NAMED = 5
OTHER = "other"
"""The text that stands for all that are not told apart."""


class Refused(ValueError):
    """The model must not score these vectors: what is wrong, where, the value, the fix."""

    def __init__(self, what: str, *, where: str, value: str, allowed: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.value = value
        self.allowed = allowed
        self.fix = fix


def guard(model: ChurnModel, frame: pd.DataFrame) -> list[str]:
    """What should be told before these vectors are scored, a sentence each.

    Columns that are no features are ignored; an empty frame is fine.

    Raises
    ------
    Refused
        When features are missing or hold no numbers, or so many lost their values that the result
        would be made up.
    """
    unknown = np.isnan(_matrix(model, frame))
    if not len(frame):
        return []
    gaps, unseen = unknown.copy(), {}
    for place, name in enumerate(model.names):
        if name in model.levels:
            gaps[:, place] = frame[name].isna()
            unseen[name] = _unseen(model, name, frame[name], unknown[:, place])
    _refuse_what_decides(model, _lost(model, unknown), len(frame))
    return [*_told_gaps(model, gaps), *_told_unseen(unseen)]


def _matrix(model: ChurnModel, frame: pd.DataFrame) -> np.ndarray:
    missing = lacking(frame, model.names)
    if missing:
        raise Refused(
            f"The vectors lack {len(missing):,} of the model's {len(model.names):,} features.",
            where=", ".join(_tables(model, missing)),
            value=_some(missing),
            allowed="a column for each feature that the model was trained with",
            fix="restore the table or column that they come from, or train again: churn train",
        )
    try:
        return model.matrix(frame)
    except NotNumbers as error:
        raise Refused(
            f"The feature {error.name} holds what is no number.",
            where=", ".join(_tables(model, [error.name])),
            value=f"{error.example!r}, in a column of type {error.dtype}",
            allowed="finite numbers, in any type that holds them, or no value",
            fix="send numbers as in training, or train again: churn train",
        ) from None


def _told_gaps(model: ChurnModel, gaps: np.ndarray) -> Iterator[str]:
    """What is told of features that lost their values; those the model never looks at are not."""
    lost = _lost(model, gaps)
    if lost:
        yield f"No row has a value of {_named(model, lost)}; the training had some."
    if len(gaps) < FEWEST_ROWS:
        return
    rare = [
        name
        for name, now in zip(model.names, gaps.mean(axis=0).tolist(), strict=True)
        if model.gains[name] > 0 and model.missing.get(name, 0.0) < SELDOM and MOSTLY < now < 1.0
    ]
    if rare:
        yield f"Most rows lack a value of {_named(model, rare)}; in training few did."


def _lost(model: ChurnModel, without: np.ndarray) -> list[str]:
    """The features that are without a value in all rows, though training says they have some."""
    return [
        name
        for name, all_are in zip(model.names, np.all(without, axis=0), strict=True)
        if all_are
        and model.gains[name] > 0
        and model.missing.get(name, 0.0) ** len(without) < CHANCE
    ]


def _refuse_what_decides(model: ChurnModel, lost: Sequence[str], rows: int) -> None:
    share = _gain(model, lost)
    if share <= MOST_LOST or rows < FEWEST_ROWS:
        return
    raise Refused(
        f"Features that carry {share:.0%} of what the model learned have no value in any row that "
        "it knows.",
        where=", ".join(_tables(model, lost)),
        value=_some(_by_gain(model, lost)),
        allowed=f"gaps as in training; at most {MOST_LOST:.0%} of what was learned may be lost",
        fix="look at these tables (churn check): newer rows may be missing, a column's values, or "
        "texts may have new names; what is gone for good, keep out "
        '([data.columns.<table>] column = "") and train again',
    )


def _unseen(model: ChurnModel, name: str, texts: pd.Series, unknown: np.ndarray) -> float:
    """Of the rows with a text, the share with one that the model never saw.

    Where all texts that are not told apart are one, as many are new as there are more of it than
    in training, beyond chance.
    """
    there = texts.notna().to_numpy()
    rows = int(there.sum())
    if not rows or model.gains[name] <= 0:
        return 0.0
    before = model.others.get(name, 0.0)
    more = float((texts == OTHER).sum()) / rows - before
    by_chance = 3 * np.sqrt(before * (1 - before) / rows)
    known_other = OTHER in model.levels[name]
    return float(unknown[there].mean()) + (more if known_other and more > by_chance else 0.0)


def _told_unseen(shares: Mapping[str, float]) -> Iterator[str]:
    named = [f"{share:.0%} in {name}" for name, share in shares.items() if share > MOST_UNSEEN]
    if named:
        yield f"Texts that the model has not learned, of the rows that have one: {_some(named)}."


def _gain(model: ChurnModel, names: Sequence[str]) -> float:
    return sum(model.gains[name] for name in names)


def _by_gain(model: ChurnModel, names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: -model.gains[name])


def _named(model: ChurnModel, names: Sequence[str]) -> str:
    """The features that matter most, their tables, and what all of them carry."""
    tables = ", ".join(_tables(model, names))
    return (
        f"{_some(_by_gain(model, names))} (from {tables}; {_gain(model, names):.1%} of what the "
        "model learned)"
    )


def _tables(model: ChurnModel, names: Sequence[str]) -> list[str]:
    wanted = set(names)
    return list(dict.fromkeys(f["table"] for f in model.features if f["name"] in wanted))


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
