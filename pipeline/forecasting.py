"""What a forecast is made from: the customers of now and of past cutoffs, scored by one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from features.plan import Plan
from features.points import LabelledPoints, make_points, newest_cutoff
from features.revenue import monthly_revenue
from features.vectors import build_vectors
from models.forecast import Past
from models.model import ChurnModel
from models.movements import CENTS
from pipeline.business import Business
from pipeline.guarding import warnings_of
from pipeline.kpi_revenue import basis_of
from pipeline.progress import Progress

MONTHS = 3
MOST_PAST = 12
MOST_POINTS = 200_000
"""Of past cutoffs so many points are scored, drawn at random: more would not tell the level any
better than the months themselves differ."""
HISTORY_DAYS = 30
"""Before a past cutoff so much has to be known, or its vectors say nothing."""


@dataclass(frozen=True)
class Scored:
    """The customers of one cutoff.

    Attributes
    ----------
    customer
        Their indices.
    probability
        Of leaving within the model's horizon.
    money
        What each pays a month, by currency; empty where the histories hold no money.
    """

    cutoff: date
    customer: np.ndarray
    probability: np.ndarray
    money: dict[str | None, np.ndarray]


def score_cutoffs(
    business: Business, model: ChurnModel, progress: Progress, *, seed: int
) -> tuple[list[Scored], list[str]]:
    """The past cutoffs in order and, last, the newest date; with what was told of its vectors.

    Raises
    ------
    UserError
        When nobody is a customer now, or the model must not score these histories.
    """
    histories, cutoff = business.histories, newest_cutoff(business.histories)
    cutoffs = [*past_cutoffs(business, cutoff), cutoff]
    points = make_points(histories, business.definition, cutoffs, labels=False)
    points = _drawn(points, seed)
    plan = Plan.from_dict(model.context["plan"])
    frame = build_vectors(histories, plan, points, labels=False).frame
    now = points.points.cutoff == len(cutoffs) - 1
    if not now.any():
        make_points(histories, business.definition, [cutoff], labels=False)
    told = warnings_of(model, histories, cutoff, frame[now], progress)
    return _by_cutoff(business, plan, points, model.predict(frame)), told


def past_cutoffs(business: Business, cutoff: date) -> list[date]:
    """The newest cutoffs at whole months before one, whose outcome is known; in order."""
    settled = business.seen_until - timedelta(days=business.definition.grace_days)
    oldest = business.begins + timedelta(days=HISTORY_DAYS)
    found = [months_after(cutoff, -n) for n in range(MONTHS, MONTHS + MOST_PAST)]
    known = [day for day in found if day >= oldest and months_after(day, MONTHS) <= settled]
    return sorted(set(known))


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last one."""
    number = day.year * 12 + day.month - 1 + months
    begins = date(number // 12, number % 12 + 1, 1)
    number += 1
    length = (date(number // 12, number % 12 + 1, 1) - begins).days
    return begins + timedelta(days=min(day.day, length) - 1)


def past_of(
    business: Business, scored: Sequence[Scored], months: int, currency: str | None
) -> list[Past]:
    """Past cutoffs with who was gone so many months later: no customer then, as key figures say."""
    found = []
    for one in scored:
        gone = ~business.at(months_after(one.cutoff, months))[one.customer]
        found.append(Past(one.probability, gone, one.money.get(currency)))
    return found


def _by_cutoff(
    business: Business, plan: Plan, points: LabelledPoints, probability: np.ndarray
) -> list[Scored]:
    """The points of each cutoff that has any.

    Whose departure was dated back before a past cutoff is left out there: it cannot go any more.
    """
    money, found = _money(business, plan, points), []
    for n, cutoff in enumerate(points.cutoffs):
        rows = np.flatnonzero(points.points.cutoff == n)
        rows = rows[business.at(cutoff)[points.points.customer[rows]]]
        if len(rows):
            customer = points.points.customer[rows]
            paid = {currency: line[rows] for currency, line in money.items()}
            found.append(Scored(cutoff, customer, probability[rows], paid))
    return found


def _money(business: Business, plan: Plan, points: LabelledPoints) -> dict[str | None, np.ndarray]:
    """What each point's customer pays a month, by currency, never less than nothing.

    By prices as revenue is told; by payments their run-rate, where they are in one currency.
    """
    basis, terms, collected = basis_of(business), business.terms, business.collected
    if basis == "mrr" and terms is not None:
        return {name: _priced(business, points, n) for n, name in enumerate(terms.currencies)}
    if basis == "collected" and collected is not None and len(collected.currencies) == 1:
        paid = monthly_revenue(business.histories, plan, points)
        if paid is not None:
            return {collected.currencies[0]: np.clip(np.nan_to_num(paid), 0, None)}
    return {}


def _priced(business: Business, points: LabelledPoints, currency: int) -> np.ndarray:
    assert business.terms is not None
    found = np.zeros(len(points))
    for n, cutoff in enumerate(points.cutoffs):
        rows = points.points.cutoff == n
        cents = business.terms.at(cutoff, currency)[points.points.customer[rows]]
        found[rows] = np.clip(cents, 0, None) / CENTS
    return found


def _drawn(points: LabelledPoints, seed: int) -> LabelledPoints:
    """All points of the newest cutoff, and of the others a sample where there are very many."""
    last = points.points.cutoff == len(points.cutoffs) - 1
    past = int((~last).sum())
    if past <= MOST_POINTS:
        return points
    random = np.random.default_rng(seed)
    return points.some(last | (random.random(len(last)) < MOST_POINTS / past))
