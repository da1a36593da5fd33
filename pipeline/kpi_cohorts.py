"""Cohorts by the month in which customers came: how many are still there, and what they bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.churn import NEVER
from features.periods import Period, calendar
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
    there = np.array(
        [_counted(cohort, len(months), business.at(month.end)) for month in months]
    ).reshape(len(months), len(months))
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
    return place, _counted(place, len(months), np.ones(len(place), dtype=bool))


def _counted(cohort: np.ndarray, months: int, some: np.ndarray) -> np.ndarray:
    """How many of some customers each cohort has."""
    return np.bincount(cohort[some & (cohort >= 0)], minlength=months)


def _money(
    business: Business, months: list[Period], cohort: np.ndarray
) -> dict[str | None, np.ndarray]:
    """By currency, cents of each cohort by month; empty where the histories hold no money."""
    terms, collected, basis = business.terms, business.collected, basis_of(business)
    found: dict[str | None, np.ndarray] = {}
    source = terms if basis == "mrr" else collected
    if basis is None or source is None:
        return found
    for place, currency in enumerate(source.currencies):
        lines = [_line(business, months, n, place, cohort) for n in range(len(months))]
        found[currency] = np.array(lines).reshape(len(months), len(months))
    return found


def _line(
    business: Business, months: list[Period], n: int, currency: int, cohort: np.ndarray
) -> np.ndarray:
    """Cents by cohort at the end of month n, or in the month after it; NaN where not yet known."""
    end = months[n].end
    if basis_of(business) == "mrr":
        assert business.terms is not None
        cents = business.terms.at(end, currency) * business.at(end)
    elif n + 1 < len(months):
        assert business.collected is not None
        cents = business.collected.between(end, months[n + 1].end, currency)
    else:
        return np.full(len(months), np.nan)
    inside = cohort >= 0
    return np.bincount(cohort[inside], weights=cents[inside], minlength=len(months))


def _notes(business: Business, months: list[Period], rows: list[Row]) -> Iterator[str]:
    if not months:
        yield "No cohorts are told: that needs a whole month of histories."
        return
    earlier = int((business.spells.first < day_number(months[0].start)).sum())
    if earlier:
        yield (
            f"{earlier:,} customers came before {months[0].start} and are in no cohort: of those "
            "who came with them and left, the histories may not tell."
        )
    small = sum(row.small and row.customers > 0 for row in rows)
    if small:
        yield f"{small} cohorts have fewer than {SMALL} customers: their shares move by chance."
