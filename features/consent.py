"""Who may be contacted at a cutoff: consent, and contacts that were made too recently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalogue import Feature
from features.compute import Column, Family, compute
from features.histories import Histories
from features.past import Past, Present
from features.plan import Plan
from features.points import LabelledPoints
from features.reads import Read, Roll, Traits, count
from features.tables import CUSTOMER
from features.timeline import Span, Timeline


def contact_allowed(histories: Histories, plan: Plan, points: LabelledPoints) -> np.ndarray:
    """Whether each point's customer may be contacted; without the column everybody may.

    A missing consent is none.
    """
    if "contact_allowed" not in histories.tables["customers"].columns:
        return np.ones(len(points), dtype=bool)
    timeline = Timeline(points.cutoffs, [])
    family = Family("customers", _consents, _consent)
    return compute(histories, plan, timeline, points.points, [family])[0][1] == 1


def _consents(present: Present) -> dict[str, Read]:
    return {"consent": Traits(present.table("customers").select(CUSTOMER, "contact_allowed"))}


def _consent(past: Past) -> Iterator[Column]:
    allowed = past.traits("consent", "contact_allowed")
    yield Feature("allowed", "may be contacted", "0 or 1", "profile", "customers"), allowed


def recently_contacted(
    histories: Histories, plan: Plan, points: LabelledPoints, *, days: int
) -> np.ndarray:
    """Whether each point's customer was contacted in the `days` before the cutoff."""
    return _in_group(histories, plan, points, "treated", days)


def recently_held_out(
    histories: Histories, plan: Plan, points: LabelledPoints, *, days: int
) -> np.ndarray:
    """Whether each point's customer was held out in the `days` before the cutoff.

    Until its window has closed it must not be contacted: it stands for those who were.
    """
    return _in_group(histories, plan, points, "holdout", days)


def _in_group(
    histories: Histories, plan: Plan, points: LabelledPoints, group: str, days: int
) -> np.ndarray:
    if days == 0 or "contacts" not in histories.tables:
        return np.zeros(len(points), dtype=bool)
    span = Span.last(days)

    def reads(present: Present) -> dict[str, Read]:
        own = count("own", lambda rows: rows["group"] == group)
        return {"contacts": Roll(present.table("contacts"), "occurred_at", [own])}

    def columns(past: Past) -> Iterator[Column]:
        feature = Feature("contacts", "contacts", "contacts", "support", "contacts", days)
        yield feature, past.rolled("contacts").over("own", span)

    timeline = Timeline(points.cutoffs, [span])
    family = Family("contacts", reads, columns)
    return compute(histories, plan, timeline, points.points, [family])[0][1] > 0
