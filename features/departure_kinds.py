"""How customers left: by notice, or because payments failed.

Told after the fact, to judge a model by; never a feature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
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
    rows = None
    if definition.kind == "subscription":
        rows = _by_subscription(histories, definition, points)
    elif definition.kind == "event":
        rows = _by_reason(histories)
    if rows is None:
        return None
    found = histories.engine.to_pyarrow(rows)
    left = days(found["left_at"], null=NEVER)
    kinds = _common(found["kind"].to_pylist(), definition.kind == "event")
    return _at_points(definition, points, indices(found[CUSTOMER]), left, kinds)


def _by_subscription(
    histories: Histories, definition: Definition, points: LabelledPoints
) -> ibis.Table | None:
    """Departures as `CUSTOMER`, left_at, kind."""
    import ibis

    rows = histories.tables["subscriptions"]
    if "cancelled_at" not in rows.columns:
        return None
    latest = latest_versions(rows)
    ends = latest.filter(latest["ended_at"].notnull())
    ends = ends.group_by([CUSTOMER, "ended_at"]).agg(noticed=ends["cancelled_at"].notnull().any())
    left = _within(departures_of(latest, definition.grace_days), definition, points)
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


def _within(left: ibis.Table, definition: Definition, points: LabelledPoints) -> ibis.Table:
    """Departures from the first label window to the last: of others nobody asks."""
    import ibis

    lead, horizon = (timedelta(days=n) for n in (definition.lead_days, definition.horizon_days))
    opens, closes = min(points.cutoffs) + lead, max(points.cutoffs) + lead + horizon
    first, last = (ibis.timestamp(f"{day:%Y-%m-%d}") for day in (opens, closes))
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
    definition: Definition,
    points: LabelledPoints,
    customers: np.ndarray,
    left: np.ndarray,
    kinds: np.ndarray,
) -> np.ndarray | None:
    """The kind of the first departure in each churned point's window."""
    found = np.full(len(points), None, dtype=object)
    for index, cutoff in enumerate(points.cutoffs):
        opens = day_number(cutoff) + definition.lead_days
        inside = np.flatnonzero((left >= opens) & (left < opens + definition.horizon_days))
        # Backwards, so that of several departures the first one stays.
        inside = inside[np.argsort(-left[inside], kind="stable")]
        by_customer: dict[int, Any] = dict(zip(customers[inside], kinds[inside], strict=True))
        for point in np.flatnonzero((points.points.cutoff == index) & (points.churned == 1)):
            found[point] = by_customer.get(int(points.points.customer[point]), UNKNOWN)
    told = {kind for kind in found if kind is not None and kind != UNKNOWN}
    return found if told else None
