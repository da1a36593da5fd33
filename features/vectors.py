"""Vectors: one row per customer and cutoff, from what was known strictly before the cutoff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.catalogue import Feature
from features.histories import Histories
from features.past import Past
from features.payments import payments
from features.plan import Plan, require
from features.points import UNKNOWN, LabelledPoints
from features.profile import profile
from features.subscription import subscription
from features.surveys import surveys
from features.tickets import tickets
from features.timeline import EPOCH, day_number
from features.usage import usage

if TYPE_CHECKING:
    import pandas as pd

Column = tuple[Feature, np.ndarray]
FAMILIES: dict[str, Callable[[Past], Iterator[Column]]] = {
    "customers": profile,
    "subscriptions": subscription,
    "usage": usage,
    "payments": payments,
    "tickets": tickets,
    "surveys": surveys,
}
"""The builder of each input table; a table that is not there adds no features."""

KEYS = ("customer_id", "cutoff")
LABEL = "churned"


@dataclass(frozen=True)
class Vectors:
    """Vectors and what their columns mean.

    Attributes
    ----------
    frame
        `KEYS`, then a column per feature (float64, or text as categories), ordered by cutoff and
        customer; `LABEL` (Int8: 1, 0 or missing) last, where labels were asked for.
    catalogue
        One `Feature` per column, in the same order.
    """

    frame: pd.DataFrame
    catalogue: tuple[Feature, ...]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        return [feature.name for feature in self.catalogue]


def build_vectors(
    histories: Histories,
    plan: Plan,
    points: LabelledPoints,
    *,
    labels: bool = True,
    progress: Callable[[str], None] = lambda table: None,
) -> Vectors:
    """Compute the vectors of these points; `progress` hears of each table before its pass.

    Raises
    ------
    ContractBroken
        When the histories lack a table or column that the plan counts on.
    """
    import pandas as pd

    require(histories, plan)
    past = Past(histories, plan, points.cutoffs, points.points)
    columns = dict(_keys(histories, points))
    catalogue: list[Feature] = []
    for table, family in FAMILIES.items():
        if not plan.has(table):
            continue
        progress(table)
        for feature, values in family(past):
            columns[feature.name] = pd.Categorical(values) if feature.is_text else values
            catalogue.append(feature)
    if labels:
        unknown = points.churned == UNKNOWN
        columns[LABEL] = pd.arrays.IntegerArray(np.where(unknown, 0, points.churned), unknown)
    return Vectors(pd.DataFrame(columns), tuple(catalogue))


def _keys(histories: Histories, points: LabelledPoints) -> Iterator[tuple[str, object]]:
    import pandas as pd
    import pyarrow as pa

    ids = histories.customer_ids().take(pa.array(points.points.customer))
    yield KEYS[0], ids.to_pandas()
    days = np.array([day_number(cutoff) for cutoff in points.cutoffs])[points.points.cutoff]
    yield KEYS[1], pd.to_datetime(days, unit="D", origin=str(EPOCH))
