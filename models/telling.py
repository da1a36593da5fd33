"""Which of a driver's features is told: the strongest of the strongest subject.

Features of one subject say the same in other windows and forms (``says``), so their contributions
are summed before subjects are compared: five counts that share a fall between them are one reason,
and a stronger one than the single feature of another subject.
"""

from __future__ import annotations

import numpy as np

from models.drivers import MOST_DRIVERS, Drivers
from models.groups import membership

NOTHING = -1


def told_features(drivers: Drivers) -> np.ndarray:
    """The place of the feature to tell, points x `MOST_DRIVERS`; `NOTHING` where there is none.

    Columns are in the order of `Drivers.ranked`.
    """
    explanation = drivers.explanation
    usual = explanation.model.usual.features
    excess = explanation.contributions - [usual.get(n, 0.0) for n in explanation.model.names]
    found = np.full((len(excess), MOST_DRIVERS), NOTHING)
    ranked = np.full_like(found, NOTHING)
    for row, places in enumerate(drivers.ranked):
        ranked[row, : len(places)] = places
    for place, group in enumerate(drivers.groups):
        rows, ranks = np.nonzero(ranked == place)
        if len(rows):
            found[rows, ranks] = _strongest(drivers, group, rows, excess[rows])
    return found


def _strongest(drivers: Drivers, group: str, rows: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """The feature to tell of one group, for some rows."""
    features = drivers.explanation.model.features
    columns, member = membership(features, drivers.explanation.frame, group, rows)
    weighed = np.where(member, excess[:, columns], 0.0)
    subjects, of_column = np.unique(
        [features[c].get("says") or features[c]["name"] for c in columns], return_inverse=True
    )
    sums = weighed @ np.eye(len(subjects))[of_column]
    best = sums.argmax(axis=1)
    within = np.where(member & (of_column == best[:, None]), weighed, -np.inf)
    return np.asarray(columns[within.argmax(axis=1)])
