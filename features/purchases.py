"""What is known of everybody's purchases at a cutoff: how often, since when, how lately, how dear.

The summary that models of buying without a contract learn from (Fader and Hardie 2005): days with
a purchase count, several on one day are one. Every customer that has bought is told, whether it is
still active or not: who stopped is what such a model learns from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.catalogue import Feature
from features.compute import Column, Family, compute
from features.cut import Points
from features.histories import Histories
from features.past import Past, Present
from features.plan import Plan
from features.reads import Measure, Read, Roll
from features.receipts import net_amount
from features.tables import CUSTOMER
from features.timeline import EVER, Timeline


@dataclass(frozen=True)
class Purchases:
    """Of all customers at one cutoff, an entry each, in the order of `histories.CUSTOMER`.

    Attributes
    ----------
    repeats
        Days with a purchase after the first one; NaN for customers that have bought nothing.
    recency
        Days from the first of them to the last.
    age
        Days from the first of them to the cutoff.
    basket
        Mean money of the repeat days, the customer's refunds taken off; NaN without any.
    """

    repeats: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    basket: np.ndarray

    @property
    def bought(self) -> np.ndarray:
        """Who has bought at all."""
        return ~np.isnan(self.repeats)


def purchases(histories: Histories, plan: Plan, cutoff: date) -> Purchases | None:
    """What was known of purchases strictly before a cutoff; None without a table of payments.

    A row that became known later counts from then. Which day is a customer's first is told by all
    of its rows, so a first purchase that was not known yet merely moves which days the mean basket
    is taken over.
    """
    if not plan.has("payments"):
        return None
    everybody = Points(
        cutoff=np.zeros(histories.customers, dtype=np.int32),
        customer=np.arange(histories.customers, dtype=np.int32),
    )
    families = [Family("payments", _reads, _columns)]
    found = compute(histories, plan, Timeline([cutoff], [EVER]), everybody, families)
    by_name = {feature.name: values for feature, values in found}
    first, last = by_name["days_since_first"], by_name["days_since_last"]
    return Purchases(
        repeats=by_name["repeats"],
        # By whole days: a purchase counts by its day.
        recency=np.ceil(first) - np.ceil(last),
        age=np.ceil(first),
        basket=by_name["basket"],
    )


def _reads(present: Present) -> dict[str, Read]:
    """All payments, and what was bought on repeat days."""
    import ibis

    rows = present.table("payments")
    bought = (rows["status"] == "paid") & (rows["amount"].cast("float64") > 0)
    when = bought.ifelse(rows["occurred_at"], ibis.null(rows["occurred_at"].type()))
    first = when.min().over(ibis.window(group_by=CUSTOMER))
    marked = rows.mutate(bought=bought, repeat=bought & (when.date() > first.date()))
    return {"purchases": Roll(marked, "occurred_at", list(_measures()))}


def _measures() -> Iterator[Measure]:
    def gross(rows: Any) -> Any:
        return rows["bought"].ifelse(rows["amount"].cast("float64"), 0.0)

    def of_repeats(rows: Any) -> Any:
        return rows["repeat"].ifelse(rows["amount"].cast("float64"), 0.0)

    def moment(rows: Any) -> Any:
        import ibis

        return rows["bought"].ifelse(rows["occurred_at"], ibis.null(rows["occurred_at"].type()))

    yield Measure("net", "sum", net_amount, ever=True)
    yield Measure("gross", "sum", gross, ever=True)
    yield Measure("of_repeats", "sum", of_repeats, ever=True)
    yield Measure("days", "days", where=lambda rows: rows["bought"], ever=True)
    yield Measure("repeat_days", "days", where=lambda rows: rows["repeat"], ever=True)
    yield Measure("first", "min", moment, ever=True)
    yield Measure("last", "max", moment, ever=True)


def _columns(past: Past) -> Iterator[Column]:
    rolled = past.rolled("purchases")
    days, repeat_days = rolled.ever("days"), rolled.ever("repeat_days")
    gross, net = rolled.ever("gross"), rolled.ever("net")
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.clip(net / gross, 0.0, 1.0)
        basket = np.where(repeat_days > 0, rolled.ever("of_repeats") / repeat_days * kept, np.nan)
    found = {
        "repeats": np.where(days > 0, days - 1, np.nan),
        "days_since_first": rolled.days_since("first"),
        "days_since_last": rolled.days_since("last"),
        "basket": basket,
    }
    for name, values in found.items():
        yield Feature(name, name, "", "usage", "payments"), values
