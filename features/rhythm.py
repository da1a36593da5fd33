"""How regularly customers come, and whether the present silence is out of the ordinary.

Ten days without a word mean little from one who comes every other week, and much from one who came
daily: so silence is held against the customer's own gaps between active days, and their spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features import payments, usage
from features.arrays import ratio
from features.catalogue import Feature
from features.past import Past, Present
from features.reads import Measure, Read, Roll, Value, equals
from features.telling import Subject

Column = tuple[Feature, np.ndarray]


@dataclass(frozen=True)
class Rhythm:
    """A family of features: the rhythm of the days on which something happens.

    Attributes
    ----------
    table, day
        The table, and what such a day is called.
    subject
        What its features tell of, with others of the table.
    where
        Which rows count; None: all.
    """

    table: str
    day: str
    subject: Subject
    where: Value | None = None

    def reads(self, present: Present) -> dict[str, Read]:
        """The distinct days, and the first and the last moment."""
        measures = [
            Measure("rhythm_days", "days", where=self.where),
            Measure("rhythm_gap_squares", "gap_squares", where=self.where, ever=True),
            Measure("rhythm_gap_max", "gap_max", where=self.where, ever=True),
            Measure("rhythm_earliest", "min", self._moment, ever=True),
            Measure("rhythm_latest", "max", self._moment, ever=True),
        ]
        return {self.table: Roll(present.table(self.table), "occurred_at", measures)}

    def columns(self, past: Past) -> Iterator[Column]:
        """Spread and length of the gaps, and the present silence against them."""
        rolled = past.rolled(self.table)
        gaps, longest = rolled.ever("rhythm_days") - 1, rolled.ever("rhythm_gap_max")
        mean = ratio(rolled.days_between("rhythm_earliest", "rhythm_latest"), gaps)
        variance = ratio(rolled.ever("rhythm_gap_squares"), gaps) - mean**2
        spread = np.sqrt(np.maximum(variance, 0))
        since = rolled.days_since("rhythm_latest")
        yield (
            self._feature("gap_spread", f"how much the days between {self.day}s vary", "days"),
            spread,
        )
        yield (
            self._feature("gap_max", f"most days from one {self.day} to the next", "days"),
            longest,
        )
        yield (
            self._feature(
                "silence_vs_spread",
                f"days since the last {self.day} beyond the usual gap, in its usual variation",
                "ratio",
                actionable=True,
            ),
            (since - mean) / np.maximum(spread, 1.0),
        )
        yield (
            self._feature(
                "silence_vs_longest",
                f"days since the last {self.day} against the longest gap so far",
                "ratio",
                actionable=True,
            ),
            since / longest,
        )

    def _moment(self, rows: Any) -> Any:
        moment = rows["occurred_at"]
        return moment if self.where is None else self.where(rows).ifelse(moment, None)

    def _feature(self, what: str, meaning: str, unit: str, *, actionable: bool = False) -> Feature:
        """A silence ends as soon as the customer comes back; the gaps so far stay what they are."""
        feature = Feature(f"{self.table}_{what}", meaning, unit, "usage", self.table)
        return self.subject.of(feature, actionable=actionable)


of_usage = Rhythm("usage", "active day", usage.SILENCE)
of_payments = Rhythm("payments", "day with a payment", payments.SILENCE, equals("status", "paid"))
