"""A churn rate with what belongs to it: its interval, and what it makes of a year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.reliability import wilson


@dataclass(frozen=True)
class Rate:
    """How many of those who were there are gone.

    Attributes
    ----------
    there, gone
        Customers at a period's start, and those of them who are gone at its end.
    a_year
        How many such periods a year has; None where the period is not over yet.
    """

    there: int
    gone: int
    a_year: int | None = None

    @property
    def value(self) -> float | None:
        """The share that is gone; None where nobody was there."""
        return self.gone / self.there if self.there else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The share's 95 % interval (Wilson 1927)."""
        return wilson(self.gone, self.there) if self.there else None

    def as_json(self) -> dict[str, Any]:
        """The rate, its interval and what they make of a year."""
        low, high = self.interval or (None, None)
        return {
            "churned": self.gone,
            "churn_rate": self.value,
            "churn_rate_low": low,
            "churn_rate_high": high,
            "annualised": annualised(self.value, self.a_year),
            "annualised_low": annualised(low, self.a_year),
            "annualised_high": annualised(high, self.a_year),
        }


def annualised(rate: float | None, a_year: int | None) -> float | None:
    """The share that is gone after a year of periods with this rate: 1 - (1 - rate)^periods.

    12 times 10 % a month is not 120 % a year but 72 %: who has left cannot leave again.
    """
    if rate is None or a_year is None:
        return None
    return 1 - (1 - rate) ** a_year
