"""Cohorts by the month in which customers came: how many are still there, and what they bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.churn import NEVER
from features.collected import Collected
from features.periods import Period, calendar
from features.prices import Terms
from features.timeline import day_number
from models.triangle import SMALL, Row, mean_kept, triangle
from pipeline.business import Business
from pipeline.kpi_revenue import basis_of
from pipeline.kpi_survival import lifetimes_in

MOST_MONTHS = 120
"""Of older cohorts nobody asks any more, and the triangle grows with the square."""


@dataclass(frozen=True)
class Cohorts:
    """Customers by the month in which they came.

    Attributes
    ----------
    currencies
        What the money of each entry of `rows` is in; one entry without money where there is none.
    months
        The month of each cohort, in order; all are over.
    rows
        By currency, a row for each cohort: who is left, and the money. Who is left is the same in
        all of them.
    mean
        Over all cohorts, of those old enough, who is left after each month.
    """

    currencies: tuple[str | None, ...]
    months: tuple[date, ...]
    rows: tuple[tuple[Row, ...], ...]
    mean: tuple[float | None, ...]
    basis: str | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """By cohort, and by currency within; cells that are not over are null, or not there."""
        cohorts = []
        for n, month in enumerate(self.months):
            row = self.rows[0][n].as_json()
            del row["revenue"]
            cohorts.append({"month": month, **row, "revenue": self._money(n)})
        return {"revenue_basis": self.basis, "cohorts": cohorts, "kept": list(self.mean)}

    def _money(self, cohort: int) -> list[dict[str, Any]]:
        if self.basis is None:
            return []
        return [
            {"currency": currency, "kept": list(rows[cohort].money)}
            for currency, rows in zip(self.currencies, self.rows, strict=True)
        ]


def cohorts_of(business: Business) -> Cohorts:
    """The cohorts of all months of which departures are known, at most the newest 120.

    A month in the middle of which the record begins has no cohort: of those who came then and left
    at once nobody knows; nor has one that is not over. By prices the money is that of the running
    subscriptions at the first of a month, by payments what was collected in the month after it.
    """
    months = _months(business)
    cohort, sizes = _cohorts(business, months)
    there = _there(business, months, cohort)
    money = _money(business, months, cohort)
    tables = [triangle(sizes, there, each) for each in money.values()] or [triangle(sizes, there)]
    return Cohorts(
        currencies=tuple(money) or (None,),
        months=tuple(month.start for month in months),
        rows=tuple(map(tuple, tables)),
        mean=tuple(mean_kept(tables[0])),
        basis=basis_of(business),
        notes=tuple(_notes(business, months, tables[0])),
    )


def _months(business: Business) -> list[Period]:
    begins, until = lifetimes_in(business).since, business.seen_until
    begins = max(begins, date(max(until.year - MOST_MONTHS // 12 - 1, 1), 1, 1))
    if begins >= until:
        return []
    whole = [month for month in calendar("month", begins, until) if month.start >= begins]
    return [month for month in whole if month.end <= until][-MOST_MONTHS:]


def _cohorts(business: Business, months: list[Period]) -> tuple[np.ndarray, np.ndarray]:
    """Per customer the place of the month in which it first became one, else -1; their sizes."""
    edges = [day_number(month.start) for month in months]
    edges += [day_number(months[-1].end)] if months else [NEVER]
    first = business.spells.first
    place = np.searchsorted(edges, first, side="right") - 1
    place[first >= edges[-1]] = -1
    return place, np.bincount(place[place >= 0], minlength=len(months))


def _there(business: Business, months: list[Period], cohort: np.ndarray) -> np.ndarray:
    """Months x cohorts: customers at the end of each month.

    Every spell covers the borders from the first after its start to the last up to its end.
    """
    spells, size = business.spells, len(months)
    borders = np.array([day_number(month.end) for month in months], dtype=np.int64)
    inside = cohort[spells.customer] >= 0
    column = cohort[spells.customer[inside]]
    begins = np.searchsorted(borders, spells.start[inside], side="right")
    stops = np.searchsorted(borders, spells.end[inside], side="right")
    cells = (size + 1) * size
    change = np.bincount(begins * size + column, minlength=cells)
    change = change - np.bincount(stops * size + column, minlength=cells)
    found: np.ndarray = change.reshape(size + 1, size)[:-1].cumsum(axis=0)
    return found


def _money(
    business: Business, months: list[Period], cohort: np.ndarray
) -> dict[str | None, np.ndarray]:
    """By currency, cents of each cohort by month; empty where the histories hold no money."""
    terms, collected, basis = business.terms, business.collected, basis_of(business)
    size = len(months)
    if basis == "mrr" and terms is not None:
        lines = [_priced(business, terms, month.end, cohort, size) for month in months]
        currencies = terms.currencies
    elif basis == "collected" and collected is not None:
        lines = [_collected(collected, month, cohort, size) for month in months[1:]]
        # Of the month that runs now not everything is collected yet.
        lines += [np.full((len(collected.currencies), size), np.nan)] * bool(months)
        currencies = collected.currencies
    else:
        return {}
    table = np.array(lines).reshape(size, len(currencies), size)
    return {currency: table[:, place] for place, currency in enumerate(currencies)}


def _priced(
    business: Business, terms: Terms, day: date, cohort: np.ndarray, size: int
) -> np.ndarray:
    """Currencies x cohorts: cents a month of the subscriptions that run for customers at a day."""
    number = day_number(day)
    runs = (terms.start < number) & (terms.end >= number)
    runs &= business.at(day)[terms.customer]
    return _summed(
        terms.customer[runs],
        terms.currency[runs],
        terms.cents[runs],
        cohort,
        (len(terms.currencies), size),
    )


def _collected(money: Collected, month: Period, cohort: np.ndarray, size: int) -> np.ndarray:
    """Currencies x cohorts: cents collected in a month."""
    rows = money.month == day_number(month.start)
    return _summed(
        money.customer[rows],
        money.currency[rows],
        money.cents[rows],
        cohort,
        (len(money.currencies), size),
    )


def _summed(
    customer: np.ndarray,
    currency: np.ndarray,
    cents: np.ndarray,
    cohort: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    inside = cohort[customer] >= 0
    cell = currency[inside] * shape[1] + cohort[customer[inside]]
    return np.bincount(cell, weights=cents[inside], minlength=shape[0] * shape[1]).reshape(shape)


def _notes(business: Business, months: list[Period], rows: list[Row]) -> Iterator[str]:
    if not months:
        yield "No cohorts are told: that needs a whole month of histories."
        return
    earlier = int((business.spells.first < day_number(months[0].start)).sum())
    if earlier:
        who, are = ("customer", "is") if earlier == 1 else ("customers", "are")
        yield (
            f"{earlier:,} {who} came before {months[0].start} and {are} in no cohort: of those who "
            "came with them and left, the histories may not tell."
        )
    small = sum(row.small and row.customers > 0 for row in rows)
    if small:
        have, their = ("cohort has", "its") if small == 1 else ("cohorts have", "their")
        yield f"{small} {have} fewer than {SMALL} customers: {their} shares move by chance."
