"""Key figures part by part: by an attribute of customers, by plan, by tenure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.parts import Parting
from features.periods import Period
from models.rates import Rate
from pipeline.business import Business
from pipeline.kpi_periods import Borders
from pipeline.kpi_revenue import Revenue, odd_retention


@dataclass(frozen=True)
class PartFigures:
    """A part of the customers in one period; `part` None for those who belong to none.

    The part is that of the period's start; so by plan who is new in the period belongs to none.
    """

    part: str | None
    period: Period
    complete: bool
    rate: Rate
    kinds: dict[str, int] | None
    revenue: tuple[Revenue, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "start": self.period.start,
            "end": self.period.end,
            "complete": self.complete,
            "customers_start": self.rate.there,
            **self.rate.as_json(),
            "churned_by_kind": self.kinds,
            "revenue": [one.as_json() for one in self.revenue],
        }


@dataclass(frozen=True)
class Parts:
    """By what customers are parted, the figures of each part and period."""

    figures: dict[str, tuple[PartFigures, ...]]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [one.as_json() for one in rows] for name, rows in self.figures.items()}


def parts_of(business: Business) -> Parts:
    """The parts of each period, in the order of the periods; a part of nobody is left out."""
    found: dict[str, list[PartFigures]] = {one.name: [] for one in business.partings}
    if found:
        for period in business.periods:
            borders = Borders.of(business, period)
            for parting in business.partings:
                found[parting.name] += _parted(borders, parting)
    odd = (
        note
        for name, rows in found.items()
        for note in odd_retention(((one.period, one.revenue) for one in rows), f"By {name}: ")
    )
    return Parts({name: tuple(rows) for name, rows in found.items()}, tuple(odd))


def _parted(borders: Borders, parting: Parting) -> Iterator[PartFigures]:
    codes, changes = parting.at(borders.period.start), borders.changes()
    complete = borders.business.is_over(borders.period)
    for place, label in (*enumerate(parting.labels), (-1, None)):
        some = np.flatnonzero(codes == place)
        rate, revenue = borders.rate(some), borders.revenue(changes, some)
        money = any(m.movements.start or m.movements.end for m in revenue)
        if rate.there or money:
            kinds = borders.by_kind(some)
            yield PartFigures(label, borders.period, complete, rate, kinds, revenue)
