"""Vectors: one row per customer and cutoff, from what was known strictly before the cutoff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features import (
    contacts,
    failures,
    payments,
    profile,
    rhythm,
    subscription,
    surveys,
    tickets,
    usage,
)
from features.catalogue import Feature
from features.compute import Family, compute, timeline_of
from features.histories import Histories
from features.plan import Plan, require
from features.points import UNKNOWN, LabelledPoints
from features.telling import settled
from features.timeline import EPOCH, day_number

if TYPE_CHECKING:
    import pandas as pd

FAMILIES = (
    Family("customers", profile.reads, profile.columns),
    Family("subscriptions", subscription.reads, subscription.columns),
    Family("usage", usage.reads, usage.columns),
    Family("usage", rhythm.of_usage.reads, rhythm.of_usage.columns),
    Family("payments", payments.reads, payments.columns),
    Family("payments", rhythm.of_payments.reads, rhythm.of_payments.columns),
    Family("payments", failures.reads, failures.columns),
    Family("tickets", tickets.reads, tickets.columns),
    Family("surveys", surveys.reads, surveys.columns),
    Family("contacts", contacts.reads, contacts.columns),
)
"""Who makes the columns, in their order."""

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
    families: Sequence[Family] = FAMILIES,
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
    families = [family for family in families if plan.has(family.table)]
    timeline = timeline_of(plan, points.cutoffs)
    found = compute(histories, plan, timeline, points.points, families, progress=progress)
    columns = dict(_keys(histories, points))
    for feature, values in found:
        columns[feature.name] = pd.Categorical(values) if feature.is_text else values
    if labels:
        unknown = points.churned == UNKNOWN
        columns[LABEL] = pd.arrays.IntegerArray(np.where(unknown, 0, points.churned), unknown)
    catalogue = settled(feature for feature, _ in found)
    return Vectors(pd.DataFrame(columns, copy=False), catalogue)


def _keys(histories: Histories, points: LabelledPoints) -> Iterator[tuple[str, object]]:
    import pandas as pd
    import pyarrow as pa

    ids = histories.customer_ids().take(pa.array(points.points.customer))
    yield KEYS[0], ids.to_pandas()
    days = np.array([day_number(cutoff) for cutoff in points.cutoffs])[points.points.cutoff]
    yield KEYS[1], pd.to_datetime(days, unit="D", origin=str(EPOCH))
