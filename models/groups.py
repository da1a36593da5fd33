"""Which driver group each feature belongs to, for each customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

TENURE = "customers_tenure_days"
ONBOARDING = "onboarding"

Features = Sequence[Mapping[str, Any]]


def group_sums(
    features: Features, frame: pd.DataFrame, contributions: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """The driver groups by name, and points x groups: the sum of each group's contributions.

    A feature with ``onboarding_below`` counts as onboarding for customers who signed up fewer days
    ago than that: whatever they did so far is their beginning.
    """
    below = _below(features)
    of_feature = [feature["group"] for feature in features]
    groups = sorted({*of_feature, *([ONBOARDING] if below.any() else [])})
    member = np.array([[group == g for g in groups] for group in of_feature], dtype=float)
    sums = contributions @ member
    tenure = _tenure(frame)
    young = np.flatnonzero(tenure < below.max(initial=0.0))
    if len(young):
        moved = contributions[young] * (tenure[young, None] < below)
        sums[young] -= moved @ member
        sums[young, groups.index(ONBOARDING)] += moved.sum(axis=1)
    return groups, sums


def membership(
    features: Features, frame: pd.DataFrame, group: str, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The places of the features that may belong to a group, and rows x places: where they do."""
    below = _below(features)
    own = np.array([feature["group"] == group for feature in features])
    places = np.flatnonzero(own | (below > 0) if group == ONBOARDING else own)
    young = _tenure(frame)[rows, None] < below[places]
    return places, young | own[places] if group == ONBOARDING else own[places] & ~young


def _below(features: Features) -> np.ndarray:
    return np.array([feature.get("onboarding_below") or 0.0 for feature in features])


def _tenure(frame: pd.DataFrame) -> np.ndarray:
    """Days since sign-up; where nobody knows, nobody is new."""
    if TENURE not in frame.columns:
        return np.full(len(frame), np.inf)
    return np.nan_to_num(frame[TENURE].to_numpy(dtype=np.float64), nan=np.inf)
