"""Which of a driver's features is told: the strongest of the strongest subject.

Features of one subject say the same in other windows and forms (``says``), so their contributions
are summed before subjects are compared: five counts that share a fall between them are one reason,
and a stronger one than the single feature of another subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.drivers import Drivers
from models.groups import membership

NOTHING = -1


def told_features(drivers: Drivers, ranked: Sequence[Sequence[int]] | None = None) -> np.ndarray:
    """The place of the feature to tell for each driver, points x drivers; `NOTHING` beyond them.

    Parameters
    ----------
    ranked
        For each point the places of the drivers to tell; by default those of `Drivers.ranked`. Of
        one that lowers the risk, the feature that lowers it most is told.
    """
    wanted = drivers.ranked if ranked is None else ranked
    most = max((len(places) for places in wanted), default=0)
    found = np.full((len(wanted), max(most, 1)), NOTHING)
    asked = np.full_like(found, NOTHING)
    for row, places in enumerate(wanted):
        asked[row, : len(places)] = places
    for place, group in enumerate(drivers.groups):
        rows, ranks = np.nonzero(asked == place)
        if len(rows):
            sign = np.sign(drivers.pushes[rows, place])[:, None]
            found[rows, ranks] = _strongest(drivers, group, rows, sign)
    return found


def _strongest(drivers: Drivers, group: str, rows: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """The feature to tell of one group, for some rows: that which goes furthest with the sign."""
    explanation = drivers.explanation
    features, known = explanation.model.features, explanation.model.usual.features
    columns, member = membership(features, explanation.frame, group, rows)
    usual = [known.get(features[column]["name"], 0.0) for column in columns]
    excess = explanation.contributions[np.ix_(rows, columns)] - usual
    weighed = np.where(member, sign * excess, 0.0)
    subjects, of_column = np.unique(
        [features[c].get("says") or features[c]["name"] for c in columns], return_inverse=True
    )
    sums = weighed @ np.eye(len(subjects))[of_column]
    best = sums.argmax(axis=1)
    within = np.where(member & (of_column == best[:, None]), weighed, -np.inf)
    # The longest window has nothing before it to be compared with: a shorter one that says the
    # same is told.
    shorter = np.where(_is_longest(features)[columns], -np.inf, within)
    there = np.any(shorter > 0, axis=1, keepdims=True)
    told = np.where(there, shorter, within)
    return np.asarray(columns[told.argmax(axis=1)])


def _is_longest(features: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Which features look at the longest window of all, where there are several."""
    windows = [feature.get("window_days") or 0 for feature in features]
    several = len({*windows} - {0}) > 1
    return np.array([several and days == max(windows) for days in windows])
