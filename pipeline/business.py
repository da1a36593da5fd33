"""What every section of the key figures is made from: one definition of who is a customer when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from features.churn import Definition
from features.collected import Collected, collected_of
from features.coverage import core_of
from features.departure_kinds import Departures, told_departures
from features.errors import UsageError
from features.histories import Histories
from features.parts import Parting, parting
from features.periods import MONTHS, MOST_PERIODS, Period, calendar, refuse_unknown
from features.prices import Terms, terms_of
from features.spells import Spells, spells_of
from features.timeline import EPOCH

TELLS_CUSTOMERS = {"subscription": ("subscriptions",), "event": ("subscriptions", "customers")}
"""By churn definition, the tables whose first rows tell since when there are customers."""


@dataclass(frozen=True)
class Question:
    """What is asked: periods of which length, from when to when, and parted by what."""

    every: str = "month"
    first: date | None = None
    until: date | None = None
    by: tuple[str, ...] = ()

    def refuse_odd(self) -> None:
        """Stop before anything is read.

        Raises
        ------
        UsageError
            When there are no such periods, or they end before they begin.
        """
        refuse_unknown(self.every)
        if self.first and self.until:
            calendar(self.every, self.first, self.until)


@dataclass(frozen=True)
class Business:
    """Histories and a churn definition with what is derived from them, each once.

    Attributes
    ----------
    periods
        The periods that are asked for, in order.
    """

    histories: Histories
    definition: Definition
    question: Question
    periods: tuple[Period, ...]

    @staticmethod
    def of(histories: Histories, definition: Definition, question: Question) -> Business:
        """The business, with the periods asked for: by default all that the histories tell of.

        Raises
        ------
        UsageError
            When all that is asked for lies before the histories, or after them.
        """
        begin, end = begins(histories, definition), seen_until(histories.observed_until)
        until = question.until or end
        if until <= begin:
            raise UsageError(
                f"The histories begin on {begin}.",
                where="--to",
                value=str(until),
                allowed=f"a day after {begin}",
                fix="choose a later one, or leave it out",
            )
        if question.first is not None and question.first >= end:
            raise UsageError(
                f"The histories end before {end}.",
                where="--from",
                value=str(question.first),
                allowed=f"a day before {end}",
                fix="choose an earlier one, or leave it out",
            )
        first = question.first or max(begin, _earliest(until, question.every))
        return Business(
            histories, definition, question, tuple(calendar(question.every, first, until))
        )

    @cached_property
    def begins(self) -> date:
        """The first usual day on which there were customers."""
        return begins(self.histories, self.definition)

    @cached_property
    def seen_until(self) -> date:
        """The first cutoff that has all that happened before it."""
        return seen_until(self.histories.observed_until)

    @cached_property
    def spells(self) -> Spells:
        return spells_of(self.histories, self.definition)

    @cached_property
    def terms(self) -> Terms | None:
        return terms_of(self.histories)

    @cached_property
    def collected(self) -> Collected | None:
        return collected_of(self.histories)

    @cached_property
    def departures(self) -> Departures | None:
        """Departures with their kinds; None where nothing tells kinds apart."""
        return told_departures(
            self.histories, self.definition, self.periods[0].start, self.periods[-1].end
        )

    @cached_property
    def partings(self) -> tuple[Parting, ...]:
        """The ways in which customers are parted, as asked for."""
        return tuple(
            parting(self.histories, self.spells, self.terms, name, self.seen_until)
            for name in dict.fromkeys(self.question.by)
        )

    def at(self, day: date) -> np.ndarray:
        """Who is a customer at a cutoff; of days to come nothing is known."""
        return self.spells.at(min(day, self.seen_until))

    def is_over(self, period: Period, days: int = 0) -> bool:
        """Whether the last day of a period, and so many days after it, have been seen.

        The day on which the histories end counts as seen: of a month whose last row is from the
        evening of its last day nothing is missing.
        """
        return timedelta(days=days) <= self.seen_until - period.end


def seen_until(moment: datetime) -> date:
    """The first midnight at or after a moment."""
    day = moment.date()
    return day if moment == datetime(day.year, day.month, day.day) else day + timedelta(days=1)


def begins(histories: Histories, definition: Definition) -> date:
    """The first usual day of the table that tells who is a customer, strays aside."""
    tables = TELLS_CUSTOMERS.get(definition.kind, ())
    for name in tables:
        daily = histories.accounts[name].daily if name in histories.accounts else None
        if daily is not None and len(daily.days):
            return EPOCH + timedelta(days=core_of(daily).first)
    return histories.observed_from.date()


def _earliest(until: date, every: str) -> date:
    """From when on there are no more periods than anybody reads."""
    years = MOST_PERIODS * MONTHS[every] // 12 - 1
    return date(max(until.year - years, 1), 1, 1)
