"""Tickets that went badly, at each cutoff: those that wait for long, and those that were slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from features.arrays import days, indices
from features.churn import NEVER
from features.histories import Histories
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis

NAMELESS = "(none)"


@dataclass(frozen=True)
class Limits:
    """What went badly: open for longer than `waiting_days`; or closed within `recent_days` before
    the cutoff after more than `slow_days`, or with a satisfaction of `poor_csat` or less.
    """

    waiting_days: int = 7
    slow_days: int = 14
    recent_days: int = 30
    poor_csat: float = 2.0


LIMITS = Limits()


@dataclass(frozen=True)
class Problems:
    """Tickets that went badly, a row per cutoff at which they do.

    Attributes
    ----------
    cutoff, customer
        Indices.
    category
        What the ticket is about, as objects; ``(none)`` where that is not told.
    """

    cutoff: np.ndarray
    customer: np.ndarray
    category: np.ndarray


def problems_at(
    histories: Histories, cutoffs: Sequence[date], limits: Limits = LIMITS
) -> Problems | None:
    """The tickets that went badly at each cutoff; None without tickets that tell their close."""
    table = histories.tables.get("tickets")
    if table is None or "closed_at" not in table.columns:
        return None
    rows = _suspects(table, limits)
    found = histories.engine.to_pyarrow(rows)
    opened, closed = days(found["opened_at"], null=0), days(found["closed_at"], null=NEVER)
    known = days(found["known_at"], null=0)
    bad = found["bad"].to_numpy(zero_copy_only=False).astype(bool)
    owner = indices(found[CUSTOMER])
    category = found["category"].to_numpy(zero_copy_only=False).astype(object)
    parts = []
    for index, cutoff in enumerate(cutoffs):
        day = day_number(cutoff)
        waits = (opened < day - limits.waiting_days) & (closed >= day)
        recent = bad & (closed >= day - limits.recent_days) & (closed < day)
        here = np.flatnonzero((waits | recent) & (known < day))
        parts.append((np.full(len(here), index), owner[here], category[here]))
    cutoff_of, customer, kinds = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Problems(cutoff_of, customer, kinds)


def _suspects(table: ibis.Table, limits: Limits) -> ibis.Table:
    """Tickets that were open for longer than a problem takes, or closed badly: a small part."""
    import ibis

    rows = table.mutate(csat=ibis.null("float64")) if "csat" not in table.columns else table
    if "category" not in rows.columns:
        rows = rows.mutate(category=ibis.null("string"))
    slow = rows["closed_at"] > rows["opened_at"] + ibis.interval(days=limits.slow_days)
    poor = rows["closed_at"].notnull() & (rows["csat"].cast("float64") <= limits.poor_csat)
    long = rows["closed_at"] > rows["opened_at"] + ibis.interval(days=limits.waiting_days)
    rows = rows.mutate(
        bad=slow.fill_null(False) | poor.fill_null(False),
        long=long.fill_null(True),
        category=rows["category"].fill_null(NAMELESS),
    )
    known = rows["opened_at"]
    if "available_at" in rows.columns:
        known = rows["available_at"].fill_null(known)
    rows = rows.mutate(known_at=known).filter(rows["bad"] | rows["long"])
    return rows.select(CUSTOMER, "opened_at", "closed_at", "known_at", "category", "bad")
