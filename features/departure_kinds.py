"""How customers left: by notice, or because payments failed.

Told after the fact, to judge a model by; never a feature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import days, indices
from features.churn import NEVER, Definition
from features.departures import departures_of, latest_versions
from features.histories import Histories
from features.points import LabelledPoints
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis

VOLUNTARY, PAYMENT_FAILURE, UNKNOWN = "voluntary", "payment_failure", "unknown"
DUNNING_DAYS = 60
"""The last attempt to collect lies at most so long before the end that it brought about."""
MOST_REASONS = 6
OTHER = "other"


def departure_kinds(
    histories: Histories, definition: Definition, points: LabelledPoints
) -> np.ndarray | None:
    """The kind of churn of each point, as text; None for points that did not churn.

    Definition subscription: ``voluntary`` where notice was given for the subscription that ended,
    ``payment_failure`` where none was and the last attempt to collect before the end had failed,
    else ``unknown``. Definition event: the recorded reason, the commonest ones by name. None as a
    whole where the histories do not tell kinds apart.
    """
    lead, horizon = (timedelta(days=n) for n in (definition.lead_days, definition.horizon_days))
    opens, closes = min(points.cutoffs) + lead, max(points.cutoffs) + lead + horizon
    left = told_departures(histories, definition, opens, closes)
    return None if left is None else _at_points(definition, points, left)


@dataclass(frozen=True)
class Departures:
    """Departures with their kinds: customers' indices, days since 1970, and texts."""

    customer: np.ndarray
    day: np.ndarray
    kind: np.ndarray

    def last_within(self, opens: int, closes: int) -> dict[int, str]:
        """By customer the kind of its last departure in the days [opens, closes)."""
        inside = np.flatnonzero((self.day >= opens) & (self.day < closes))
        inside = inside[np.argsort(self.day[inside], kind="stable")]
        return dict(zip(self.customer[inside].tolist(), self.kind[inside], strict=True))


def told_departures(
    histories: Histories, definition: Definition, opens: date, closes: date
) -> Departures | None:
    """The departures from `opens` up to, without it, `closes`, with their kinds as for points.

    By recorded churn all departures come back, since the commonest reasons are those of all. None
    where the histories have nothing that tells kinds apart.
    """
    rows = None
    if definition.kind == "subscription":
        rows = _by_subscription(histories, definition, opens, closes)
    elif definition.kind == "event":
        rows = _by_reason(histories)
    if rows is None:
        return None
    found = histories.engine.to_pyarrow(rows)
    kinds = _common(found["kind"].to_pylist(), definition.kind == "event")
    return Departures(indices(found[CUSTOMER]), days(found["left_at"], null=NEVER), kinds)


def _by_subscription(
    histories: Histories, definition: Definition, opens: date, closes: date
) -> ibis.Table | None:
    """Departures as `CUSTOMER`, left_at, kind."""
    import ibis

    rows = histories.tables["subscriptions"]
    if "cancelled_at" not in rows.columns:
        return None
    latest = latest_versions(rows)
    ends = latest.filter(latest["ended_at"].notnull())
    ends = ends.group_by([CUSTOMER, "ended_at"]).agg(noticed=ends["cancelled_at"].notnull().any())
    left = _within(departures_of(latest, definition.grace_days), opens, closes)
    both = left.join(ends, [left[CUSTOMER] == ends[CUSTOMER], left["left_at"] == ends["ended_at"]])
    both = both.select(CUSTOMER, "left_at", "noticed")
    voluntary = both.mutate(kind=both["noticed"].ifelse(VOLUNTARY, UNKNOWN))
    if "payments" not in histories.tables:
        return voluntary
    last = _last_attempts(histories.tables["payments"], left)
    keys = [CUSTOMER, "left_at"]
    joined = both.left_join(last, keys).select(*keys, "noticed", "failed")
    return joined.mutate(
        kind=ibis.cases(
            (joined["noticed"], VOLUNTARY),
            (joined["failed"].fill_null(False), PAYMENT_FAILURE),
            else_=UNKNOWN,
        )
    )


def _within(left: ibis.Table, opens: date, closes: date) -> ibis.Table:
    """Of others nobody asks."""
    import ibis

    first, last = (ibis.timestamp(f"{day} 00:00:00") for day in (opens, closes))
    return left.filter((left["left_at"] >= first) & (left["left_at"] < last))


def _last_attempts(payments: ibis.Table, left: ibis.Table) -> ibis.Table:
    """Whether the last attempt to collect before each departure failed.

    Of attempts at one moment the one that was paid counts.
    """
    import ibis

    tried = payments.filter(payments["status"].isin(["paid", "failed"]))
    tried = tried.select(CUSTOMER, "occurred_at", failed=tried["status"] == "failed")
    both = left.join(tried, CUSTOMER)
    recent = both["left_at"] - ibis.interval(days=DUNNING_DAYS)
    both = both.filter((both["occurred_at"] <= both["left_at"]) & (both["occurred_at"] >= recent))
    turn = ibis.window(
        group_by=[CUSTOMER, "left_at"],
        order_by=[ibis.desc("occurred_at"), both["failed"].cast("int32")],
    )
    ranked = both.mutate(place=ibis.row_number().over(turn))
    return ranked.filter(ranked["place"] == 0).select(CUSTOMER, "left_at", "failed")


def _by_reason(histories: Histories) -> ibis.Table | None:
    """Each customer's first recorded churn, with its reason."""
    import ibis

    churned = histories.tables["churned"]
    if "reason" not in churned.columns:
        return None
    turn = ibis.window(group_by=CUSTOMER, order_by=["churned_at", "reason"])
    ranked = churned.mutate(place=ibis.row_number().over(turn))
    first = ranked.filter(ranked["place"] == 0)
    return first.select(CUSTOMER, left_at=first["churned_at"], kind=first["reason"])


def _common(kinds: Sequence[str | None], of_data: bool) -> np.ndarray:
    """Kinds as objects; of reasons that the data name, only the commonest by their own."""
    given = [kind or UNKNOWN for kind in kinds]
    if of_data:
        counted = Counter(kind for kind in given if kind != UNKNOWN)
        named = [UNKNOWN, *sorted(counted, key=lambda kind: (-counted[kind], kind))[:MOST_REASONS]]
        given = [kind if kind in named else OTHER for kind in given]
    return np.array(given, dtype=object)


def _at_points(
    definition: Definition, points: LabelledPoints, departures: Departures
) -> np.ndarray | None:
    """The kind of the first departure in each churned point's window."""
    found = np.full(len(points), None, dtype=object)
    left = departures.day
    for index, cutoff in enumerate(points.cutoffs):
        opens = day_number(cutoff) + definition.lead_days
        inside = np.flatnonzero((left >= opens) & (left < opens + definition.horizon_days))
        # Backwards, so that of several departures the first one stays.
        inside = inside[np.argsort(-left[inside], kind="stable")]
        by_customer: dict[int, Any] = dict(
            zip(departures.customer[inside], departures.kind[inside], strict=True)
        )
        for point in np.flatnonzero((points.points.cutoff == index) & (points.churned == 1)):
            found[point] = by_customer.get(int(points.points.customer[point]), UNKNOWN)
    told = {kind for kind in found if kind is not None and kind != UNKNOWN}
    return found if told else None
