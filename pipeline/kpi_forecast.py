"""Who will be gone in three months, and their money: the model's probabilities, carried on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.errors import UserError
from models.forecast import FEWEST_PAST, Forecast, Interval, confirmed, forecast
from models.model import ChurnModel
from pipeline.business import Business
from pipeline.config import Config
from pipeline.forecasting import MONTHS, Scored, months_after, past_of, score_cutoffs
from pipeline.guarding import refuse_other_churn
from pipeline.kpi_revenue import basis_of
from pipeline.progress import Progress
from pipeline.registry import resolve


@dataclass(frozen=True)
class Ahead:
    """What is expected by a date.

    Attributes
    ----------
    until
        Whole months after the newest date.
    customers
        How many of today's customers will be none then.
    money
        By currency, what they pay a month today.
    """

    until: date
    customers: Forecast
    money: dict[str | None, Interval]

    def as_json(self) -> dict[str, Any]:
        return {
            "until": self.until,
            "churned": _told(self.customers.customers),
            "revenue": [
                {"currency": currency, **_told(interval)}
                for currency, interval in self.money.items()
            ],
            "exponent": self.customers.exponent,
            "level_error": self.customers.level_error,
        }


@dataclass(frozen=True)
class Forecasted:
    """The forecast, or why there is none.

    Attributes
    ----------
    as_of, model, customers
        The newest date, the model that scored its customers, and how many they are.
    ahead
        After one, two and three months.
    measured
        Whether past cutoffs told how probabilities develop, rather than constant hazards; and how
        many there were.
    confirmed
        Of forecasts that could have been made at the past cutoffs, how many came true, and of all.
    joined_and_left
        Customers who came and left within three months after a past cutoff: mean, least, most.
        They are in no other figure.
    lacking
        Why there is no forecast; None where there is one.
    """

    as_of: date | None = None
    model: str | None = None
    customers: int = 0
    ahead: tuple[Ahead, ...] = ()
    measured: bool = False
    cutoffs: int = 0
    confirmed: tuple[int, int] = (0, 0)
    joined_and_left: tuple[float, int, int] | None = None
    lacking: str | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        if self.lacking is not None:
            return {"lacking": self.lacking}
        mean, least, most = self.joined_and_left or (None, None, None)
        return {
            "as_of": self.as_of,
            "model": self.model,
            "customers": self.customers,
            "ahead": [one.as_json() for one in self.ahead],
            "measured": self.measured,
            "past_cutoffs": self.cutoffs,
            "past_forecasts": {"within": self.confirmed[0], "of": self.confirmed[1]},
            "joined_and_left": {"mean": mean, "least": least, "most": most},
        }


def forecast_of(
    business: Business, config: Config, progress: Progress, *, model: str | None = None
) -> Forecasted:
    """The next three months by the model in charge, or that of an MLflow URI or a folder.

    Without a model, or where it must not score these histories, the section says what it lacks.
    """
    try:
        churn_model, label = resolve(config, model)
        refuse_other_churn(config, churn_model, label)
        scored, told = score_cutoffs(business, churn_model, progress, seed=config.model.seed)
    except UserError as error:
        why = f"{error.what} ({error.fix})" if error.fix else error.what
        return Forecasted(lacking=why, notes=(f"No forecast is told. {why}",))
    return _forecasted(business, churn_model, label, scored, told)


def _forecasted(
    business: Business, model: ChurnModel, label: str, scored: Sequence[Scored], told: Sequence[str]
) -> Forecasted:
    *past, now = scored
    horizon = int(model.context["definition"]["horizon_days"])
    ahead = tuple(_ahead(business, past, now, months, horizon) for months in range(1, MONTHS + 1))
    horizons = _horizons(now.cutoff, MONTHS, horizon)
    whole = past_of(business, past, MONTHS, None)
    found = Forecasted(
        as_of=now.cutoff,
        model=label,
        customers=len(now.customer),
        ahead=ahead,
        measured=ahead[-1].customers.measured,
        cutoffs=len(past),
        confirmed=confirmed(whole, horizons=horizons, overlap=MONTHS),
        joined_and_left=_joined_and_left(business, past),
    )
    notes = (*_notes(business, found), *told)
    return Forecasted(**{**found.__dict__, "notes": notes})


def _ahead(
    business: Business, past: Sequence[Scored], now: Scored, months: int, horizon: int
) -> Ahead:
    """What is expected after so many months; customers are the same in every currency."""
    found: dict[str | None, Forecast] = {}
    for currency in list(now.money) or [None]:
        found[currency] = forecast(
            now.probability,
            now.money.get(currency),
            past_of(business, past, months, currency),
            horizons=_horizons(now.cutoff, months, horizon),
            overlap=months,
        )
    money = {name: one.money for name, one in found.items() if one.money is not None}
    return Ahead(months_after(now.cutoff, months), next(iter(found.values())), money)


def _horizons(cutoff: date, months: int, horizon: int) -> float:
    return (months_after(cutoff, months) - cutoff).days / horizon


def _joined_and_left(business: Business, past: Sequence[Scored]) -> tuple[float, int, int] | None:
    if not past:
        return None
    counts = []
    for one in past:
        until = months_after(one.cutoff, MONTHS)
        inside = business.spells.within(one.cutoff, until)
        counts.append(int((inside & ~business.at(one.cutoff) & ~business.at(until)).sum()))
    return float(np.mean(counts)), min(counts), max(counts)


def _told(interval: Interval) -> dict[str, float]:
    return {"expected": interval.expected, "low": interval.low, "high": interval.high}


def _notes(business: Business, found: Forecasted) -> Iterator[str]:
    if not found.measured:
        yield (
            "No past cutoff tells how probabilities develop over three months: the forecast takes "
            "each customer's hazard as constant."
        )
    if found.cutoffs < FEWEST_PAST:
        yield (
            f"Only {found.cutoffs} past cutoffs tell how far forecasts may be off: the interval "
            "takes the level to be uncertain by a quarter."
        )
    if basis_of(business) is not None and not found.ahead[-1].money:
        yield "No money is forecast: payments in several currencies have no sum."
