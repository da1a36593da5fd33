"""Kinds of customers to be judged apart: the common values of their text attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_FEATURES = 6
MOST_LEVELS = 8
FEWEST_POINTS, FEWEST_OF_EACH = 200, 20
"""A segment needs so many points, and so many churners and others: fewer would say nothing."""


def segments(
    frame: pd.DataFrame, texts: Sequence[str], labels: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Masks of the segments: by text feature, by its value.

    The commonest values with enough points; of a feature that tells only one such value apart,
    nothing. Of many features those are taken whose segments cover most points (ties in the
    given order).
    """
    found = {
        name: {text: mask for text, mask in levels_of(frame[name]).items() if enough(mask, labels)}
        for name in texts
        if name in frame.columns
    }
    useful = [name for name, levels in found.items() if len(levels) > 1]
    covered = {name: sum(int(mask.sum()) for mask in found[name].values()) for name in useful}
    chosen = sorted(useful, key=lambda name: -covered[name])[:MOST_FEATURES]
    return {name: found[name] for name in useful if name in chosen}


def levels_of(column: pd.Series) -> dict[str, np.ndarray]:
    """The commonest values of a column, each with its rows; those without a value are in none."""
    texts = column.astype(object)
    counted = texts.dropna().value_counts()
    common = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))[:MOST_LEVELS]
    return {str(text): (texts == text).to_numpy(dtype=bool) for text, _ in common}


def enough(mask: np.ndarray, labels: np.ndarray) -> bool:
    """Whether there are points, churners and others enough to judge a part by."""
    churned = int(labels[mask].sum())
    points = int(mask.sum())
    return points >= FEWEST_POINTS and min(churned, points - churned) >= FEWEST_OF_EACH
