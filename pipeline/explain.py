"""One customer: the score, where it stands, what drives it, what happened, what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from features.chronicle import Chronicle, chronicle
from features.cut import Points
from features.errors import UsageError
from features.histories import Histories
from features.plan import Plan
from features.points import (
    LabelledPoints,
    earlier_cutoffs,
    make_points,
    newest_cutoff,
    refuse_future,
)
from features.vectors import KEYS, build_vectors
from features.wording import DEFAULT, Wording
from models.drivers import LEAST_PUSH, Drivers
from models.model import ChurnModel
from models.risk import LOW, at_risk_from, risk_bands
from models.stability import STEADY
from models.telling import NOTHING, told_features
from models.what_if import Change, WhatIf, smallest_change
from pipeline.config import Config
from pipeline.guarding import refuse_other_churn, warnings_of
from pipeline.opening import definition_of, open_histories
from pipeline.progress import Progress
from pipeline.reasons import Columns, Row, sentence, steadiness
from pipeline.registry import resolve
from pipeline.steadying import drivers_of
from pipeline.worth import values_of

if TYPE_CHECKING:
    import pandas as pd

EARLIER = 12
"""Earlier cutoffs whose scores are told."""


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


@dataclass(frozen=True)
class Altered:
    """A change that goes with less risk, in sentences: what is, what would be."""

    group: str
    name: str
    now: str
    then: str
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
        What raises the risk and cannot be changed, in sentences.
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
        The share of all active customers with a lower probability, and how many there are.
    value
        The expected remaining margin; None where the histories hold no money.
    history
        Date and probability at earlier cutoffs, and this one.
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
    riskier_than: float
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
    def reasons(self) -> list[Driver]:
        """What raises the risk and someone can act on."""
        return [one for one in self.drivers if one.is_lever and one.log_odds >= LEAST_PUSH]

    @property
    def is_steady(self) -> bool:
        return self.steady is None or self.steady >= STEADY

    def as_json(self) -> dict[str, Any]:
        plain = (
            "customer_id",
            "as_of",
            "model",
            "horizon_days",
            "usual",
            "at_risk_from",
            "riskier_than",
            "value",
        )
        return {
            **{name: getattr(self, name) for name in plain},
            "churn_probability": self.probability,
            "risk_band": self.band,
            "at_risk": self.at_risk,
            "customers": self.customers,
            "driver_agreement": self.steady,
            "history": [{"as_of": day, "churn_probability": p} for day, p in self.history],
            "drivers": [asdict(one) for one in self.drivers],
            "what_would_change_it": asdict(self.alternative),
            "timeline": [
                {"day": one.day, "what": one.what, **one.values}
                for one in self.chronicle.happenings
            ],
            "usage_by_week": [{"week": day, "events": n} for day, n in self.chronicle.used],
            "language": self.wording.language,
        }


def explain_customer(
    config: Config,
    progress: Progress,
    customer_id: str,
    *,
    as_of: date | None = None,
    model: str | None = None,
    language: str = DEFAULT,
) -> Explained:
    """Why a customer is at risk at a date, and what would change it.

    Raises
    ------
    UserError
        When nobody knows the customer, it is no customer at the date, or the model and the config
        disagree.
    """
    wording = Wording.of(language)
    with progress.stage("loading the model"):
        churn_model, label = resolve(config, model)
    refuse_other_churn(config, churn_model, label)
    histories = open_histories(config, progress)
    try:
        asked = _Asked(config, histories, progress, churn_model, wording)
        return asked.explain(label, customer_id, as_of or newest_cutoff(histories))
    finally:
        histories.close()


@dataclass(frozen=True)
class _Asked:
    """One question about open histories."""

    config: Config
    histories: Histories
    progress: Progress
    model: ChurnModel
    wording: Wording

    def explain(self, label: str, customer_id: str, cutoff: date) -> Explained:
        histories, model = self.histories, self.model
        refuse_future(histories, [cutoff])
        index, known_as = self._find(customer_id)
        points = self._points(index, cutoff)
        if not (
            points.points.customer[points.points.cutoff == len(points.cutoffs) - 1] == index
        ).any():
            raise self._no_customer(known_as, index, points)
        with self.progress.stage("computing vectors") as stage:
            plan = Plan.from_dict(model.context["plan"])
            frame = build_vectors(
                histories, plan, points, labels=False, progress=stage.detail
            ).frame
        own = points.points.customer == index
        now = points.points.cutoff == len(points.cutoffs) - 1
        peers, history = frame[now].reset_index(drop=True), frame[own].reset_index(drop=True)
        warnings_of(model, histories, cutoff, peers, self.progress)
        with self.progress.stage("explaining"):
            risks, past = model.predict(peers), model.predict(history)
            customer = history.tail(1).reset_index(drop=True)
            drivers = drivers_of(model, customer)
            threshold = at_risk_from(model.base_rate)
            alternative = self._alternative(
                customer,
                smallest_change(model, customer, peers, threshold, seed=self.config.model.seed),
            )
        steady = steadiness(drivers)
        days = history[KEYS[1]].dt.date
        return Explained(
            customer_id=known_as,
            as_of=cutoff,
            model=label,
            probability=float(past[-1]),
            band=str(risk_bands(past[-1:], model.base_rate)[0]),
            horizon_days=model.context["definition"]["horizon_days"],
            usual=drivers.usual_probability,
            at_risk_from=threshold,
            riskier_than=float(np.mean(risks < past[-1])),
            customers=len(risks),
            value=self._value(plan, _only(points, own & now)),
            history=tuple(zip(days, past.tolist(), strict=True)),
            drivers=self._drivers(drivers),
            steady=None if steady is None else float(steady[0]),
            alternative=alternative,
            chronicle=chronicle(histories, index, cutoff),
            wording=self.wording,
        )

    def _find(self, customer_id: str) -> tuple[int, str]:
        """The customer's index, and its id as it is written in the histories."""
        ids = [str(each) for each in self.histories.customer_ids().to_pylist()]
        if customer_id in ids:
            return ids.index(customer_id), customer_id
        near = get_close_matches(customer_id, ids, n=3, cutoff=0.6)
        raise UsageError(
            "Nobody knows this customer.",
            where="churn explain CUSTOMER_ID",
            value=customer_id,
            allowed=f"one of the {len(ids):,} customers of the histories"
            + (f", such as {', '.join(near or ids[:3])}" if ids else ""),
            fix="check the id; rows that were set aside are in the quarantine of the output folder",
        )

    def _points(self, index: int, cutoff: date) -> LabelledPoints:
        """Everybody at the cutoff, and this customer alone at earlier ones."""
        definition = definition_of(self.config)
        every = self.config.points.every
        earlier = earlier_cutoffs(self.histories, definition, cutoff, every=every, most=EARLIER)
        found = make_points(self.histories, definition, [*earlier, cutoff], labels=False)
        newest = found.points.cutoff == len(found.cutoffs) - 1
        return _only(found, newest | (found.points.customer == index))

    def _no_customer(self, known_as: str, index: int, points: LabelledPoints) -> UsageError:
        """Why the customer has no score: it is not there yet, it left, or it was never active."""
        cutoff = points.cutoffs[-1]
        found = chronicle(self.histories, index, cutoff)
        ends = [one.day for one in found.happenings if one.what == "ended"]
        active = points.points.cutoff[points.points.customer == index]
        if not any(found.rows.values()):
            value, fix = (
                f"{known_as}: nothing is on record before {cutoff}",
                "choose a later --as-of",
            )
        elif ends:
            value = f"{known_as}: its last subscription ended on {max(ends)}"
            fix = "it has left; for why, choose an --as-of before that day"
        else:
            rows = ", ".join(f"{table} {count:,}" for table, count in found.rows.items())
            value, fix = (
                f"{known_as}: rows on record before {cutoff}: {rows}",
                "choose another --as-of",
            )
        if len(active):
            fix += f", such as --as-of {points.cutoffs[active.max()]}"
        return UsageError(
            f"This is no customer at {cutoff}, so there is no score to explain.",
            where="churn explain CUSTOMER_ID --as-of",
            value=value,
            allowed="a customer that is active at the date, by [churn] definition = "
            f"{self.config.churn.definition!r}",
            fix=fix,
        )

    def _value(self, plan: Plan, point: LabelledPoints) -> float | None:
        values = values_of(
            self.config, self.histories, plan, point, churn_rate=self.model.base_rate
        )
        return None if values is None else float(values[0])

    def _drivers(self, drivers: Drivers) -> tuple[Driver, ...]:
        """All drivers of the one customer, those that add most first."""
        pushes = drivers.pushes[0]
        order = sorted(range(len(pushes)), key=lambda place: (-pushes[place], place))
        moving = [place for place in order if abs(pushes[place]) >= LEAST_PUSH]
        told = dict(zip(moving, told_features(drivers, [moving])[0], strict=False))
        values = Row(Columns(drivers.explanation.frame), 0)
        return tuple(
            Driver(
                group=drivers.groups[place],
                name=self.wording.driver(drivers.groups[place]),
                log_odds=float(pushes[place]),
                points=float(drivers.in_probability[0, place]),
                is_lever=place in drivers.levers,
                reason=sentence(drivers, self.wording, values, told[place])
                if told.get(place, NOTHING) != NOTHING
                else None,
            )
            for place in order
        )

    def _alternative(self, customer: pd.DataFrame, found: WhatIf) -> Alternative:
        """The changes and what stays, in sentences."""
        lowest = found.lowest
        changes = found.changes if found.reached or lowest is None else lowest.changes
        after = found.after if found.reached or lowest is None else lowest.probability
        changed = {subject for one in changes for subject in one.subjects}
        stays = [
            one.subject
            for one in found.fixed
            if one.contribution >= LEAST_PUSH and one.subject not in changed
        ]
        values = dict(Row(Columns(customer), 0))
        then = values | {name: new for one in changes for name, _, new in one.features}
        return Alternative(
            reached=found.reached,
            probability=after,
            changes=tuple(self._altered(one, values, then) for one in changes),
            fixed=tuple(self._of_subject(subject, values) for subject in stays),
            why_not=found.why_not,
        )

    def _altered(
        self, change: Change, values: Mapping[str, Any], then: Mapping[str, Any]
    ) -> Altered:
        feature = self._feature(change.features[0][0])
        alone = dict.fromkeys(self.model.typical)
        return Altered(
            group=change.group,
            name=self.wording.driver(change.group),
            now=self.wording.reason(feature, values, alone),
            then=self.wording.reason(feature, then, alone),
            share=change.share,
        )

    def _of_subject(self, subject: str, values: Mapping[str, Any]) -> str:
        feature = next(f for f in self.model.features if subject in (f.get("says"), f["name"]))
        return self.wording.reason(feature, values, self.model.typical)

    def _feature(self, name: str) -> Mapping[str, Any]:
        return self.model.features[self.model.names.index(name)]


def _only(points: LabelledPoints, kept: np.ndarray) -> LabelledPoints:
    """Some of the points."""
    return LabelledPoints(
        cutoffs=points.cutoffs,
        points=Points(points.points.cutoff[kept], points.points.customer[kept]),
        churned=points.churned[kept],
        counts=points.counts,
    )
