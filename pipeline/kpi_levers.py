"""Payment recovery and the other levers, as sections of the key figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.errors import TooLittleData
from pipeline.business import Business
from pipeline.config import Config
from pipeline.lever_recovery import Recovery, counted
from pipeline.levers import LACKING, Levers, levers
from pipeline.progress import Progress

NO_PAYMENTS = "there is no table payments"


@dataclass(frozen=True)
class Recovered:
    """What becomes of failed invoices; None where none is on record, and why."""

    found: Recovery | None
    why: str = LACKING["recovery"]

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.found else (f"No payment recovery is told: {self.why}.",)

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json() if self.found else {"lacking": self.why}


def recovered_of(business: Business) -> Recovered:
    """Failed invoices by what became of them, from payments alone."""
    if "payments" not in business.histories.tables:
        return Recovered(None, NO_PAYMENTS)
    return Recovered(counted(business.histories, business.definition))


@dataclass(frozen=True)
class Pulled:
    """Every lever that the histories tell of; none where too little is known, and why."""

    found: Levers | None
    why: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        if self.found is None:
            return (f"No lever is told. {self.why}",)
        # Payment recovery says by itself what it lacks.
        lacking = {name: why for name, why in self.found.lacking.items() if name != "recovery"}
        money = self.found.no_money
        return (
            *(f"No {name} lever: {why}." for name, why in lacking.items()),
            *([f"No lever is told in money: {money}."] if money else []),
        )

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json() if self.found else {"lacking": self.why}


def levers_of(business: Business, config: Config, progress: Progress) -> Pulled:
    """Every lever, from the newest labelled cutoffs."""
    try:
        return Pulled(levers(config, business.histories, progress))
    except TooLittleData as error:
        return Pulled(None, error.what)
