"""The tables of the notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.vectors import KEYS
from features.wording import Wording
from models.drivers import LEAST_PUSH, Drivers
from models.shifts import Reasons
from pipeline.explain import Explained
from pipeline.explaining import CUTOFF, Global, at_risk
from pipeline.looking import Look
from pipeline.reasons import reasons_of
from pipeline.steadying import drivers_of

if TYPE_CHECKING:
    import pandas as pd

LEVER, FACT = "lever", "fact"


def drivers_at_risk(drivers: Drivers) -> pd.DataFrame:
    """What raises the risk of the points at risk, against a usual customer; the most first.

    By driver:

    ``kind``
        Whether somebody can act on it (lever) or not (fact).
    ``log_odds``
        The mean of what it adds where it raises the risk (`Drivers.importance`).
    ``points``
        The same in percentage points of probability.
    ``first_of``
        The share of these points whose first driver it is.
    """
    import pandas as pd

    rows = np.flatnonzero(at_risk(drivers))
    first = [drivers.groups[drivers.ranked[row][0]] for row in rows if drivers.ranked[row]]
    raised = np.where(drivers.pushes[rows] >= LEAST_PUSH, drivers.in_probability[rows], 0.0)
    added = raised.mean(axis=0) if len(rows) else np.zeros(len(drivers.groups))
    found = pd.DataFrame({"log_odds": drivers.importance(rows)})
    found.insert(0, "kind", [FACT if name in drivers.facts else LEVER for name in found.index])
    found["points"] = 100 * pd.Series(added, index=list(drivers.groups))
    found["first_of"] = [first.count(name) / max(len(rows), 1) for name in found.index]
    found.index.name = "driver"
    return found


def changes(reasons: Reasons) -> pd.DataFrame:
    """Of how many customers each driver is the first, now and before (`models.shifts.Change`)."""
    import pandas as pd

    columns = ["group", "now", "before", "change", "low", "high", "beyond_noise"]
    rows = [one.as_dict() for one in reasons.changes]
    return pd.DataFrame(rows, columns=columns).set_index("group").rename_axis("driver")


def raised_most(overall: Global) -> pd.DataFrame:
    """For each driver the part of the customers whose risk it raises most, the most first."""
    parts = overall.parts[overall.parts["of"] != CUTOFF]
    columns = ["group", "of", "part", "points", "mean_shap"]
    found = parts.sort_values("mean_shap", ascending=False, kind="stable")[columns]
    return found.drop_duplicates("group").set_index("group").rename_axis("driver")


def cohorts(look: Look) -> pd.DataFrame:
    """The cohorts of the customers at risk, each with its most typical customer and its reason."""
    import pandas as pd

    found = look.overall.cohorts
    typical = look.tested.iloc[[one.typical for one in found]].reset_index(drop=True)
    reasons: list[str | None] = []
    if len(typical):
        alone = drivers_of(look.model, typical)
        told = reasons_of(alone, Wording.of(), np.zeros(len(typical), dtype=bool)).reasons
        reasons = [first for first, *_ in told]
    columns = {
        "customers": [one.size for one in found],
        "share": [one.share for one in found],
        "expected": [one.mean_probability for one in found],
        "typical": typical[KEYS[0]].astype(str).tolist(),
        "its first reason": reasons,
    }
    return pd.DataFrame(columns, index=pd.Index([one.name for one in found], name="cohort"))


def drivers_of_one(found: Explained) -> pd.DataFrame:
    """The drivers of one customer, those that raise the risk most first.

    ``points`` are percentage points that a driver adds to the probability of a usual customer.
    """
    import pandas as pd

    rows = [
        (one.name, LEVER if one.is_lever else FACT, 100 * one.points, one.reason or "")
        for one in found.drivers
    ]
    return pd.DataFrame(rows, columns=["driver", "kind", "points", "reason"]).set_index("driver")
