"""What is told of one customer: score, standing, drivers, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from features.chronicle import Chronicle
from features.wording import Wording
from models.drivers import LEAST_PUSH
from models.risk import LOW
from models.stability import STEADY


@dataclass(frozen=True)
class Driver:
    """A driver of one customer.

    Attributes
    ----------
    log_odds, points
        What it adds to the log-odds, and to the probability, of a usual customer.
    is_lever
        Whether someone can act on it.
    reason
        A sentence with the customer's numbers; None where it moves nothing.
    """

    group: str
    name: str
    log_odds: float
    points: float
    is_lever: bool
    reason: str | None

    @property
    def raises(self) -> bool:
        """Whether it is a reason to act: a lever that raises the risk by more than nothing."""
        return self.is_lever and self.log_odds >= LEAST_PUSH


@dataclass(frozen=True)
class Altered:
    """A change that goes with less risk.

    Attributes
    ----------
    now, then
        Sentences on what is, and on the same what would be; several where things go together.
    share
        Of the whole fall in probability, what this change brings by itself.
    """

    group: str
    name: str
    now: tuple[str, ...]
    then: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Alternative:
    """What would change it.

    Attributes
    ----------
    reached
        Whether these changes bring the risk below the threshold.
    probability
        With the changes; the risk as it is where nothing lowers it.
    fixed
        What raises the risk and stays, in sentences.
    why_not
        Why it is not reached: see `models.what_if.WhatIf`.
    """

    reached: bool
    probability: float
    changes: tuple[Altered, ...]
    fixed: tuple[str, ...]
    why_not: str


@dataclass(frozen=True)
class Explained:
    """Why one customer is scored as it is.

    Attributes
    ----------
    usual
        The probability of a customer who is usual in every driver.
    at_risk_from
        The probability from which a customer is at risk.
    riskier_than, customers
        The share of all other active customers with a lower probability, None where there is
        nobody else; and how many active customers there are, this one among them.
    value
        The expected remaining margin; None where the histories hold no money.
    history
        Date and probability at earlier cutoffs at which it was a customer, and at this one.
    drivers
        By what they add, the most first; they add up to ``probability - usual``.
    steady
        The share of refits expected to name the same top driver; None where nobody knows.
    """

    customer_id: str
    as_of: date
    model: str
    probability: float
    band: str
    horizon_days: int
    usual: float
    at_risk_from: float
    riskier_than: float | None
    customers: int
    value: float | None
    history: tuple[tuple[date, float], ...]
    drivers: tuple[Driver, ...]
    steady: float | None
    alternative: Alternative
    chronicle: Chronicle
    wording: Wording

    @property
    def at_risk(self) -> bool:
        return self.band != LOW

    @property
    def levers(self) -> list[Driver]:
        """What someone can act on, by what it adds."""
        return [one for one in self.drivers if one.is_lever]

    @property
    def facts(self) -> list[Driver]:
        """What only says who the customer is."""
        return [one for one in self.drivers if not one.is_lever]

    @property
    def in_doubt(self) -> bool:
        """Whether another draw of customers might name another driver first, of one at risk."""
        unsteady = self.steady is not None and self.steady < STEADY
        return self.at_risk and unsteady and len(self.levers) > 1 and self.levers[0].raises

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; what is told in words is in the language asked for."""
        return {
            "customer_id": self.customer_id,
            "as_of": self.as_of,
            "model": self.model,
            "horizon_days": self.horizon_days,
            "churn_probability": self.probability,
            "risk_band": self.band,
            "at_risk": self.at_risk,
            "at_risk_from": self.at_risk_from,
            "usual": self.usual,
            "riskier_than": self.riskier_than,
            "customers": self.customers,
            "value": self.value,
            "history": [{"as_of": day, "churn_probability": p} for day, p in self.history],
            "drivers": [asdict(one) for one in self.drivers],
            "driver_agreement": self.steady,
            "what_would_change_it": asdict(self.alternative),
            **_on_record(self.chronicle),
            "language": self.wording.language,
        }


def _on_record(chronicle: Chronicle) -> Mapping[str, Any]:
    return {
        "timeline": [
            {"day": one.day, "what": one.what, **one.values} for one in chronicle.happenings
        ],
        "usage_by_week": [{"week": day, "events": n} for day, n in chronicle.used],
    }
