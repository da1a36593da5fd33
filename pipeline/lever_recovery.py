"""The lever of payment recovery: failed invoices by day, method and attempt, and longer dunning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.churn import Definition
from features.histories import Histories
from features.recovery import FailedInvoices, failed_invoices
from models.exposure import Excess
from models.recovery import Curve, Kept, kept_by, recovery_curve
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, Rate, fields_of

PERIODS = (7, 14, 21, 30)
MOST_ATTEMPTS, MOST_METHODS, FEWEST = 8, 8, 20
EVIDENCE = Evidence(
    ASSOCIATION,
    "What was recovered by a day is counted. What a longer period would have recovered of those "
    "who left before is an extrapolation: they are taken to pay as those did who were still open "
    "on the same day.",
)


@dataclass(frozen=True)
class Recovery:
    """What becomes of failed invoices.

    Attributes
    ----------
    invoices, recovered, left
        How many failed, were recovered, and were open when their customer left; the others are
        open to this day.
    curve
        The share open by day, if nobody left.
    by_method
        Curves of methods with 20 failed invoices or more.
    by_attempt
        Of so many invoices tried an n-th time (the first failure is the first), how many paid.
    kept
        What dunning periods keep, in customers and, with money, in their remaining margin.
    excess
        Excess churn of customers with an open invoice; None: too few to tell.
    """

    invoices: int
    recovered: int
    left: int
    curve: Curve
    by_method: dict[str, Curve]
    by_attempt: dict[int, Rate]
    kept: tuple[Kept, ...]
    excess: Excess | None
    told: str
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        found = fields_of(self)
        found["curve"] = _told(self.curve)
        found["by_method"] = {name: _told(one) for name, one in self.by_method.items()}
        found["kept"] = [fields_of(one) for one in self.kept]
        return found


def _told(curve: Curve) -> dict[str, Any]:
    """The share recovered by the end of each dunning period; null where nobody was seen so long."""
    return {
        str(day): curve.recovered_by(day).as_json() if curve.reaches(day) else None
        for day in PERIODS
    }


def recovery(panel: Panel) -> Recovery | None:
    """What becomes of failed invoices, and of customers with one; None where none ever failed."""
    return counted(
        panel.histories,
        panel.definition,
        values=values_by_customer(panel),
        excess=panel.excess(*open_invoices(panel), without=("payments",)),
        told=panel.told,
    )


def counted(
    histories: Histories,
    definition: Definition,
    *,
    values: np.ndarray | None = None,
    excess: Excess | None = None,
    told: str = "all failed invoices",
) -> Recovery | None:
    """What becomes of failed invoices, from payments alone; None where none ever failed.

    Parameters
    ----------
    values
        By customer, the margin that is expected of it.
    """
    found = failed_invoices(histories, definition)
    if found is None:
        return None
    worth = None if values is None else values[found.customer]
    return Recovery(
        invoices=len(found),
        recovered=int(found.recovered.sum()),
        left=int(found.left.sum()),
        curve=recovery_curve(found.days, found.recovered, found.customer),
        by_method=_by_method(found),
        by_attempt=_by_attempt(found),
        kept=tuple(
            kept_by(period, found.days, found.recovered, found.left, worth, found.customer)
            for period in PERIODS
        ),
        excess=excess,
        told=told,
    )


def values_by_customer(panel: Panel) -> np.ndarray | None:
    """What each customer is worth at its newest point; of those without one the mean."""
    if panel.values is None:
        return None
    found = np.full(panel.histories.customers, float(panel.values.mean()))
    # Points are in the order of their cutoffs, so the newest one stays.
    found[panel.customers] = panel.values
    return found


def open_invoices(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Points with an open failed payment; and those without a failure in the last month."""
    failed = panel.column("payments_last_failed")
    since = panel.column("payments_days_since_failed")
    if failed is None or since is None:
        nobody = np.zeros(len(panel.points), bool)
        return nobody, nobody
    lately = np.nan_to_num(since, nan=np.inf) <= panel.horizon_days + 1
    return failed == 1, (failed != 1) & ~lately


def _by_method(found: FailedInvoices) -> dict[str, Curve]:
    names, counts = np.unique(found.method.astype(str), return_counts=True)
    common = [n for _, n in sorted(zip(-counts, names, strict=True))][:MOST_METHODS]
    masks = {str(name): found.method == name for name in common}
    return {
        name: recovery_curve(found.days[mask], found.recovered[mask], found.customer[mask])
        for name, mask in masks.items()
        if mask.sum() >= FEWEST
    }


def _by_attempt(found: FailedInvoices) -> dict[int, Rate]:
    """The first attempt failed for all of them; of each further one, how many went through."""
    return {
        number: Rate(int((found.attempt == number).sum()), int((found.tried >= number).sum()))
        for number in range(2, MOST_ATTEMPTS + 1)
        if (found.tried >= number).any()
    }
