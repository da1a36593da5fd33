"""From vectors to the matrix a booster reads: one float32 column per feature, categories as codes.

Levels are fixed at training and stored with the model, so the same text has the same code at
scoring; texts that were rare or unseen then are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 64


def find_levels(frame: pd.DataFrame, texts: Sequence[str]) -> dict[str, list[str]]:
    """The commonest texts of each column, at most `MOST_LEVELS`, ties by name."""
    found = {}
    for name in texts:
        counted = frame[name].astype(object).dropna().value_counts()
        ordered = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))
        found[name] = [str(text) for text, _ in ordered[:MOST_LEVELS]]
    return found


def to_matrix(
    frame: pd.DataFrame, features: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """The rows of a frame as float32, in the order of `features`.

    Raises
    ------
    ValueError
        When a feature is missing in the frame.
    """
    missing = [name for name in features if name not in frame.columns]
    if missing:
        raise ValueError(f"the vectors lack features of the model: {', '.join(missing[:5])}")
    matrix = np.empty((len(frame), len(features)), dtype=np.float32)
    for position, name in enumerate(features):
        if name in levels:
            matrix[:, position] = _codes(frame[name], levels[name])
        else:
            matrix[:, position] = frame[name].to_numpy(dtype=np.float32, na_value=np.nan)
    return matrix


def _codes(column: pd.Series, levels: Sequence[str]) -> np.ndarray:
    """Positions in `levels`; NaN for texts that are not among them."""
    import pandas as pd

    codes = pd.Index(levels, dtype=object).get_indexer(column.astype(object))
    return np.where(codes < 0, np.nan, codes).astype(np.float32)
