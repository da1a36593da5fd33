"""From vectors to the matrix a booster reads: one float32 column per feature, categories as codes.

Levels are fixed at training and stored with the model, so the same text has the same code at
scoring; texts that were rare or unseen then are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from models.numbers import to_numbers

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 64


def find_levels(frame: pd.DataFrame, texts: Sequence[str]) -> dict[str, list[str]]:
    """The commonest texts of each column, at most `MOST_LEVELS`, ties by name."""
    found = {}
    for name in texts:
        counted = frame[name].astype(object).dropna().map(_as_text).value_counts()
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        found[name] = [text for text, _ in ordered[:MOST_LEVELS]]
    return found


def to_matrix(
    frame: pd.DataFrame, features: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """The rows of a frame as float32, in the order of `features`.

    Raises
    ------
    ValueError
        When a feature is missing in the frame; `NotNumbers` when one of numbers holds others.
    """
    missing = lacking(frame, features)
    if missing:
        raise ValueError(f"the vectors lack features of the model: {', '.join(missing[:5])}")
    matrix = np.empty((len(frame), len(features)), dtype=np.float32)
    for position, name in enumerate(features):
        if name in levels:
            matrix[:, position] = _codes(frame[name], levels[name])
        else:
            matrix[:, position] = to_numbers(frame[name])
    return matrix


def lacking(frame: pd.DataFrame, features: Sequence[str]) -> list[str]:
    """The features that the frame has no column of."""
    there = set(frame.columns)
    return [name for name in features if name not in there]


def _codes(column: pd.Series, levels: Sequence[str]) -> np.ndarray:
    """Positions in `levels`; NaN for texts that are not among them.

    A number is the text that it was in training, whether it comes as 3, 3.0 or "3".
    """
    import pandas as pd

    codes, found = pd.factorize(column.astype(object))
    place = {text: float(code) for code, text in enumerate(levels)}
    told = [place.get(_as_text(value), np.nan) for value in found]
    # Where there is no text the code is -1: the last one.
    return np.array([*told, np.nan], dtype=np.float32)[codes]


def _as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return str(value)
    return f"{value:.0f}" if float(value).is_integer() else f"{float(value):.15g}"
