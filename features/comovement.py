"""What follows what across tables: tickets opened soon after a payment failed.

Tickets alone are a question, failures alone an expired card; a ticket after a failure is a quarrel
about money.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.catalogue import Feature
from features.past import Past, Present
from features.plan import Plan
from features.reads import Measure, Read, Roll
from features.tables import CUSTOMER

Column = tuple[Feature, np.ndarray]
SOON = 14
"""Days after a failed payment in which a ticket is taken to be about it."""


def _both(plan: Plan) -> bool:
    return plan.has("payments", "status") and plan.has("tickets")


def reads(present: Present) -> dict[str, Read]:
    """Failed payments and tickets in one order."""
    if not _both(present.plan):
        return {}
    payments, tickets = present.table("payments"), present.table("tickets")
    failed = payments.filter(payments["status"] == "failed")
    late = "available_at" in failed.columns or "available_at" in tickets.columns
    moments = _moments(failed, "occurred_at", 0, late).union(
        _moments(tickets, "opened_at", 1, late)
    )
    soon = Measure("soon", "after", lambda t: t["follows"], within=SOON)
    return {"failures and tickets": Roll(moments, "at", [soon])}


def _moments(rows: Any, time: str, follows: int, late: bool) -> Any:
    import ibis

    columns = {"at": rows[time], "follows": ibis.literal(follows, "int8")}
    if late:
        never = ibis.null("timestamp(6)")
        columns["available_at"] = rows["available_at"] if "available_at" in rows.columns else never
    return rows.select(rows[CUSTOMER], **columns)


def columns(past: Past) -> Iterator[Column]:
    """Tickets soon after a failed payment, by window."""
    if not _both(past.plan):
        return
    rolled = past.rolled("failures and tickets")
    for days in past.windows:
        yield (
            Feature(
                f"tickets_after_failure_count_{days}d",
                f"tickets within {SOON} days after a failed payment in the last {days} days",
                "tickets",
                "payments",
                "tickets",
                days,
            ),
            rolled.last("soon", days),
        )
