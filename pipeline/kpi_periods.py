"""Customers from period to period: how many of those at its start are gone at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.periods import MONTHS, Period
from features.timeline import day_number
from models.rates import Rate
from pipeline.business import Business
from pipeline.kpi_revenue import (
    EVERYBODY,
    Change,
    Revenue,
    basis_of,
    changes,
    notes_on,
    odd_retention,
)

BEFORE, AFTER = "the histories begin later", "the histories end before it"
NOBODY = "nobody was a customer at its start"
"""Why a period has no rate."""
QUIET = 7.0
"""So many departures are expected, and none is on record: chance does it once in a thousand."""


@dataclass(frozen=True)
class PeriodFigures:
    """Customers and money of one period.

    Attributes
    ----------
    complete
        Whether the period is over; of a running one everything is told up to now.
    settled
        Whether nobody who left can still come back within the grace.
    rate
        Customers at its start, and those of them who are gone at its end.
    customers_end
        Customers at its end.
    new, reactivated
        Customers at its end who were none at its start: never before, or earlier.
    joined_and_left, left_and_returned
        Who came and went, and who went and came back, all within the period: in no other figure.
    kinds
        The departed by how they left; None where that is not told apart.
    revenue
        By currency.
    why
        Why there is no rate; None where there is one.
    """

    period: Period
    complete: bool
    settled: bool
    rate: Rate
    customers_end: int
    new: int
    reactivated: int
    joined_and_left: int
    left_and_returned: int
    kinds: dict[str, int] | None
    revenue: tuple[Revenue, ...]
    why: str | None

    @property
    def growth(self) -> float | None:
        """By how much customers are more at the end than at the start."""
        there = self.rate.there
        return self.customers_end / there - 1 if there else None

    @property
    def outside(self) -> bool:
        """Whether the histories hold nothing of it."""
        money = any(one.movements.start or one.movements.end for one in self.revenue)
        return self.why in (BEFORE, AFTER) and not self.customers_end and not money

    def as_json(self) -> dict[str, Any]:
        return {
            "start": self.period.start,
            "end": self.period.end,
            "complete": self.complete,
            "settled": self.settled,
            "customers_start": self.rate.there,
            **self.rate.as_json(),
            "why_no_rate": self.why,
            "customers_end": self.customers_end,
            "new": self.new,
            "reactivated": self.reactivated,
            "growth_rate": self.growth,
            "joined_and_left": self.joined_and_left,
            "left_and_returned": self.left_and_returned,
            "churned_by_kind": self.kinds,
            "revenue": [one.as_json() for one in self.revenue],
        }


@dataclass(frozen=True)
class PeriodTable:
    """All periods in order."""

    figures: tuple[PeriodFigures, ...]
    notes: tuple[str, ...]

    def as_json(self) -> list[dict[str, Any]]:
        return [one.as_json() for one in self.figures]


def periods_of(business: Business) -> PeriodTable:
    """The figures of every period, and what people should know of them."""
    figures = tuple(_figures(Borders.of(business, period)) for period in business.periods)
    odd = odd_retention((one.period, one.revenue) for one in figures)
    return PeriodTable(figures, (*_notes(business, figures), *notes_on(business), *odd))


@dataclass(frozen=True)
class Borders:
    """A period with who was a customer at its start and at its end, and how the gone left.

    Attributes
    ----------
    until
        Where the period ends, or the histories do.
    here, still
        Customers at the start, and at the end; masks.
    kinds
        Per customer the place of its kind of churn in `kind_names`; -1 who did not leave. None
        where kinds are not told apart.
    """

    business: Business
    period: Period
    until: date
    here: np.ndarray
    still: np.ndarray
    kinds: np.ndarray | None
    kind_names: tuple[str, ...]

    @staticmethod
    def of(business: Business, period: Period) -> Borders:
        until = max(min(period.end, business.seen_until), period.start)
        ended = period.start >= business.seen_until
        here = np.zeros(business.spells.customers, bool) if ended else business.at(period.start)
        still = here & False if ended else business.at(until)
        names = _kind_names(business)
        kinds = _kinds(business, names, (period.start, until), here & ~still) if names else None
        return Borders(business, period, until, here, still, kinds, names)

    @property
    def gone(self) -> np.ndarray:
        return self.here & ~self.still

    def rate(self, some: Any = EVERYBODY) -> Rate:
        """The churn rate of some customers."""
        every = self.business.question.every
        a_year = 12 // MONTHS[every] if self.business.is_over(self.period) else None
        return Rate(int(self.here[some].sum()), int(self.gone[some].sum()), a_year)

    def by_kind(self, some: Any = EVERYBODY) -> dict[str, int] | None:
        """How many of some customers left in which way."""
        if self.kinds is None:
            return None
        return {name: int((self.kinds[some] == n).sum()) for n, name in enumerate(self.kind_names)}

    def changes(self) -> list[Change]:
        return [] if self.until == self.period.start else changes(self.business, self.period)

    def revenue(self, found: list[Change], some: Any = EVERYBODY) -> tuple[Revenue, ...]:
        """The movements of some customers, by currency."""
        # Who stopped paying is not who left: only prices part what churned by kind.
        kinds = self.kinds if basis_of(self.business) == "mrr" else None
        return tuple(change.of(some, kinds, self.kind_names) for change in found)


def _kind_names(business: Business) -> tuple[str, ...]:
    if business.departures is None:
        return ()
    return tuple(sorted({"unknown", *business.departures.kind}))


def _kinds(
    business: Business, names: tuple[str, ...], days: tuple[date, date], gone: np.ndarray
) -> np.ndarray:
    """The kind of the last departure of who is gone; unknown where none is on record."""
    departures = business.departures
    assert departures is not None
    place = {name: n for n, name in enumerate(names)}
    found = np.where(gone, place["unknown"], -1)
    told = departures.last_within(*map(day_number, days))
    for customer, kind in told.items():
        if gone[customer]:
            found[customer] = place[kind]
    return found


def _figures(borders: Borders) -> PeriodFigures:
    business, period = borders.business, borders.period
    spells, here, still = business.spells, borders.here, borders.still
    came, earlier = still & ~here, spells.begun_by(period.start)
    rate = borders.rate()
    return PeriodFigures(
        period=period,
        complete=business.is_over(period),
        settled=business.is_over(period, business.definition.grace_days),
        rate=rate,
        customers_end=int(still.sum()),
        new=int((came & ~earlier).sum()),
        reactivated=int((came & earlier).sum()),
        joined_and_left=int((spells.within(period.start, borders.until) & ~here & ~still).sum()),
        left_and_returned=int(
            (spells.interrupted(period.start, borders.until) & here & still).sum()
        ),
        kinds=borders.by_kind(),
        revenue=borders.revenue(borders.changes()),
        why=None if rate.there else _why(business, period),
    )


def _why(business: Business, period: Period) -> str:
    if period.start < business.begins:
        return BEFORE
    return AFTER if period.start >= business.seen_until else NOBODY


def _notes(business: Business, figures: tuple[PeriodFigures, ...]) -> Iterator[str]:
    every = business.question.every
    if business.question.first or business.question.until:
        yield (
            "--from and --to choose the periods of churn rates and revenue; everything else is "
            "told of all the histories."
        )
    if not any(one.complete and one.rate.there for one in figures):
        yield (
            f"No {every} here began with customers and is over: the histories tell of "
            f"{business.begins} to {business.histories.observed_until:%Y-%m-%d}."
        )
    if business.departures is None and business.definition.kind != "inactivity":
        yield (
            "Voluntary churn and failed payments are not told apart: that needs "
            "subscriptions.cancelled_at, or churned.reason where churn is an event."
        )
    if quiet := _quiet_until(figures):
        yield (
            f"Nobody is on record as having left before {quiet}, where the rate since then makes "
            "it unlikely: histories that hold only who was still there tell too little churn."
        )


def _quiet_until(figures: tuple[PeriodFigures, ...]) -> date | None:
    """The first period with a departure, where those before it had too many customers for none."""
    there = np.array([one.rate.there for one in figures])
    gone = np.array([one.rate.gone for one in figures])
    if not gone.any():
        return None
    first = int(np.flatnonzero(gone)[0])
    rate = gone[first:].sum() / there[first:].sum()
    return figures[first].period.start if rate * there[:first].sum() > QUIET else None
