"""Who may be contacted at a cutoff: consent, and contacts that were made too recently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.cut import count
from features.histories import Histories
from features.past import Past
from features.plan import Plan
from features.points import LabelledPoints


def contact_allowed(histories: Histories, plan: Plan, points: LabelledPoints) -> np.ndarray:
    """Whether each point's customer may be contacted; without the column everybody may.

    A missing consent is none.
    """
    if "contact_allowed" not in histories.tables["customers"].columns:
        return np.ones(len(points), dtype=bool)
    past = Past(histories, plan, points.cutoffs, points.points)
    return past.customers("contact_allowed") == 1


def recently_contacted(
    histories: Histories, plan: Plan, points: LabelledPoints, *, days: int
) -> np.ndarray:
    """Whether each point's customer was contacted in the `days` before the cutoff."""
    if days == 0 or "contacts" not in histories.tables:
        return np.zeros(len(points), dtype=bool)
    past = Past(histories, replace(plan, windows=(days,)), points.cutoffs, points.points)
    rows = past.table("contacts")
    treated = past.roll(
        rows, [count("treated", lambda t: t["group"] == "treated")], time="occurred_at"
    )
    return treated.last("treated", days) > 0
