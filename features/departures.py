"""When customers left, by their subscriptions or by the churn that the business recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.contract import ENDS
from features.tables import CUSTOMER

if TYPE_CHECKING:
    import ibis

KNOWN_FROM = "version_known_from"
KNOWN_UNTIL = "version_known_until"
STILL_THERE = "9999-01-01"
"""When a stay ends that has not ended."""


def latest_versions(subscriptions: ibis.Table) -> ibis.Table:
    """One row per subscription: the newest version of it, with an `ended_at` in any case."""
    import ibis

    if "ended_at" not in subscriptions.columns:
        subscriptions = subscriptions.mutate(ended_at=ibis.null("timestamp(6)"))
    if "valid_from" not in subscriptions.columns:
        return subscriptions
    newest = ibis.window(
        group_by="subscription_id", order_by=ibis.desc("valid_from", nulls_first=False)
    )
    ranked = subscriptions.mutate(version=ibis.row_number().over(newest))
    return ranked.filter(ranked["version"] == 0).drop("version")


def in_turn(subscriptions: ibis.Table) -> Any:
    """A window over the versions of each subscription, in the order in which they became known."""
    import ibis

    since = subscriptions["valid_from"]
    known = since.fill_null(subscriptions["started_at"])
    order = [known, ibis.asc(since, nulls_first=True)]
    return ibis.window(group_by="subscription_id", order_by=order)


def first_versions(subscriptions: ibis.Table) -> ibis.Table:
    """One row per subscription: the first version of it; the table has to have versions."""
    import ibis

    ranked = subscriptions.mutate(version=ibis.row_number().over(in_turn(subscriptions)))
    return ranked.filter(ranked["version"] == 0).drop("version")


def versions_of(subscriptions: ibis.Table) -> ibis.Table:
    """Every version of every subscription, with the time in which it was the newest one known.

    A version was known after `KNOWN_FROM` and up to `KNOWN_UNTIL`, null for the newest one: what a
    later one says of the past, such as an end dated back, was not known before it.
    """
    import ibis

    if "ended_at" not in subscriptions.columns:
        subscriptions = subscriptions.mutate(ended_at=ibis.null("timestamp(6)"))
    known, until = subscriptions["started_at"], ibis.null("timestamp(6)")
    if "valid_from" in subscriptions.columns:
        known = subscriptions["valid_from"].fill_null(known)
        until = known.lead().over(in_turn(subscriptions))
    return subscriptions.mutate(**{KNOWN_FROM: known, KNOWN_UNTIL: until})


def stays_of(subscriptions: ibis.Table, grace_days: int) -> ibis.Table:
    """How long customers stayed, one row a stay: `CUSTOMER`, began_at, left_at.

    Subscriptions that overlap, or follow within the grace, form one stay, which lasts until
    `STILL_THERE` where one of them runs. Gaps and islands: a stay begins where a start lies later
    than all ends so far.
    """
    import ibis

    rows = subscriptions.mutate(until=subscriptions["ended_at"].fill_null(_still_there()))
    rows = rows.select(CUSTOMER, "started_at", "until")
    so_far = ibis.cumulative_window(group_by=CUSTOMER, order_by=["started_at", "until"])
    rows = rows.mutate(latest=rows["until"].max().over(so_far))
    in_turn = ibis.window(group_by=CUSTOMER, order_by=["started_at", "until"])
    rows = rows.mutate(covered=rows["latest"].lag().over(in_turn))
    follows = rows["started_at"] <= rows["covered"] + ibis.interval(days=grace_days)
    rows = rows.mutate(begins=(~follows).fill_null(True).cast("int32"))
    rows = rows.mutate(stay=rows["begins"].sum().over(so_far))
    stays = rows.group_by([CUSTOMER, "stay"])
    return stays.agg(began_at=rows["started_at"].min(), left_at=rows["until"].max()).drop("stay")


def departures_of(subscriptions: ibis.Table, grace_days: int) -> ibis.Table:
    """When customers left: the ends of their stays, as `CUSTOMER` and left_at."""
    stays = stays_of(subscriptions, grace_days)
    return stays.filter(stays["left_at"] < _still_there()).select(CUSTOMER, "left_at")


def _still_there() -> Any:
    import ibis

    return ibis.timestamp(f"{STILL_THERE} 00:00:00")


def ends_of(churned: ibis.Table | None, subscriptions: ibis.Table | None) -> ibis.Table:
    """When customers left for good, by `CUSTOMER`, as `ENDS`: nothing for those who are there.

    A recorded churn is believed, unless a subscription began after it; without the table of
    churners the end of the last subscription counts.
    """
    import ibis

    if churned is not None:
        left = churned.group_by(CUSTOMER).agg(**{ENDS: churned["churned_at"].max()})
        if subscriptions is None:
            return left
        last = subscriptions.group_by(CUSTOMER).agg(began=subscriptions["started_at"].max())
        both = left.left_join(last, CUSTOMER).drop(f"{CUSTOMER}_right")
        back = both["began"] > both[ENDS]
        return both.filter(~back.fill_null(False)).drop("began")
    assert subscriptions is not None
    latest = latest_versions(subscriptions)
    running = latest["ended_at"].isnull().any()
    ends = latest.group_by(CUSTOMER).agg(**{ENDS: latest["ended_at"].max(), "running": running})
    return ends.filter(~ends["running"]).select(CUSTOMER, ibis._[ENDS])
