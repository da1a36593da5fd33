"""Why customers leave, on the whole: what a training run finds in the explanation of its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.vectors import KEYS, LABEL
from models.calibration import probabilities
from models.cohorts import Cohort, cohorts
from models.drivers import Drivers
from models.evaluation import by_cutoff
from models.explanation import Explanation
from models.importance import driver_importance, feature_importance
from models.interactions import interactions
from models.risk import LOW, risk_bands
from models.shifts import Reasons, attribute_parts, drivers_by_part, reasons_by_time

if TYPE_CHECKING:
    import pandas as pd

ALL, CUTOFF = "all", "cutoff"


@dataclass(frozen=True)
class Global:
    """What moves the risk of all explained points, and why those at risk are about to leave.

    Attributes
    ----------
    features, drivers
        Importances with intervals (`models.importance`).
    parts
        Drivers by cutoff and by the values of attributes (`models.shifts.drivers_by_part`).
    pairs
        Which features act together (`models.interactions`).
    reasons
        First drivers of the customers at risk at each cutoff, and what changed.
    cohorts
        Of the customers at risk, each at the newest cutoff at which it is; their positions are
        rows of the explanation.
    """

    explained: Explanation
    features: pd.DataFrame
    drivers: pd.DataFrame
    parts: pd.DataFrame
    pairs: pd.DataFrame
    reasons: Reasons
    cohorts: Sequence[Cohort]

    def catalogue(self) -> pd.DataFrame:
        """Every feature with its meaning and its importance, the most important first."""
        import pandas as pd

        described = pd.DataFrame(list(self.explained.model.features))
        found = self.features.drop(columns="group")
        return described.merge(found, on="name").sort_values(
            ["mean_abs_shap", "name"], ascending=[False, True], ignore_index=True
        )

    def drivers_of_all_and_parts(self) -> pd.DataFrame:
        """The drivers of all points, then those of each part."""
        import pandas as pd

        whole = self.drivers.assign(of=ALL, part=ALL, points=len(self.explained.frame))
        return pd.concat([whole[self.parts.columns], self.parts], ignore_index=True)

    def cohorts_as_json(self) -> Mapping[str, Any]:
        """The cohorts, each with the id of its most typical customer."""
        customers = self.explained.frame[KEYS[0]]
        return {
            "customers": sum(one.size for one in self.cohorts),
            "cohorts": [
                {**one.as_dict(), "typical": customers.iloc[one.typical]} for one in self.cohorts
            ],
        }


def explain_all(drivers: Drivers, *, seed: int) -> Global:
    """Everything that is told of the explained points together; their frame holds the keys."""
    explained = drivers.explanation
    frame, model = explained.frame, explained.model
    customers = _numbered(frame)
    cutoffs = frame[KEYS[1]].to_numpy()
    parts = {CUTOFF: by_cutoff(cutoffs), **attribute_parts(frame, model.features)}
    newest = _newest(np.flatnonzero(at_risk(drivers)), customers, cutoffs)
    return Global(
        explained=explained,
        features=feature_importance(explained, customers, seed=seed),
        drivers=driver_importance(drivers, customers, seed=seed),
        parts=drivers_by_part(list(drivers.groups), drivers.pushes, customers, parts, seed=seed),
        pairs=interactions(explained),
        reasons=reasons_over_time(drivers),
        cohorts=_cohorts(drivers, newest, seed=seed),
    )


def at_risk(drivers: Drivers) -> np.ndarray:
    """Which of the explained points are at risk."""
    explained = drivers.explanation
    bands = risk_bands(probabilities(explained.log_odds), explained.model.base_rate)
    return np.asarray(bands != LOW)


def reasons_over_time(drivers: Drivers) -> Reasons:
    """The first lever of the points at risk at each cutoff, and what changed at the newest."""
    frame = drivers.explanation.frame
    return reasons_by_time(
        [drivers.groups[place] for place in drivers.levers],
        drivers.pushes[:, drivers.levers],
        at_risk(drivers),
        _numbered(frame),
        frame[KEYS[1]].to_numpy(),
    )


def _numbered(frame: pd.DataFrame) -> np.ndarray:
    """Whose point each row is, as numbers: ids that are text are dear to compare."""
    return np.unique(frame[KEYS[0]].to_numpy(), return_inverse=True)[1]


def _newest(rows: np.ndarray, customers: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Of the rows the newest of each customer, ascending."""
    backwards = rows[np.argsort(cutoffs[rows], kind="stable")][::-1]
    _, first = np.unique(customers[backwards], return_index=True)
    return np.sort(backwards[first])


def _cohorts(drivers: Drivers, rows: np.ndarray, *, seed: int) -> list[Cohort]:
    """The cohorts of some rows, whose positions are rows of the frame again."""
    frame = drivers.explanation.frame
    labels = frame[LABEL].to_numpy()[rows] if LABEL in frame.columns else None
    probability = probabilities(drivers.explanation.log_odds)[rows]
    levers = [drivers.groups[place] for place in drivers.levers]
    pushes = drivers.pushes[rows][:, drivers.levers]
    found = cohorts(levers, pushes, probability, labels, seed=seed)
    return [
        replace(one, members=rows[one.members], typical=int(rows[one.typical])) for one in found
    ]
