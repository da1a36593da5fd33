"""One customer: the score, where it stands, what drives it, what happened, what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from features.chronicle import chronicle
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
from models.risk import at_risk_from, risk_bands
from models.telling import NOTHING, told_features
from models.what_if import smallest_change
from pipeline.absent import index_of, no_customer
from pipeline.alternatives import told_alternative
from pipeline.config import Config
from pipeline.explained import Driver, Explained
from pipeline.guarding import model_and_histories, warnings_of
from pipeline.opening import definition_of
from pipeline.progress import Progress
from pipeline.reasons import Columns, Row, sentence, steadiness
from pipeline.steadying import drivers_of
from pipeline.worth import values_of

if TYPE_CHECKING:
    import pandas as pd

EARLIER = 12
"""Earlier cutoffs whose scores are told."""


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

    Parameters
    ----------
    customer_id
        As it is written in the histories.
    as_of
        The cutoff; by default the newest date the histories support.
    model
        An MLflow URI, or a model's folder; by default the model in charge.
    language
        Of what is told in words.

    Raises
    ------
    UserError
        When nobody knows the customer, it is no customer at the date, or the model and the config
        disagree.
    """
    wording = Wording.of(language)
    with model_and_histories(config, model, progress) as (churn_model, label, histories):
        cutoff = as_of or newest_cutoff(histories)
        refuse_future(histories, [cutoff])
        index = index_of(histories, customer_id)
        asked = _Asked(config, histories, progress, churn_model, wording, index, cutoff)
        return asked.explain(label, customer_id)


@dataclass(frozen=True)
class _Asked:
    """One question about open histories."""

    config: Config
    histories: Histories
    progress: Progress
    model: ChurnModel
    wording: Wording
    index: int
    cutoff: date

    def explain(self, label: str, customer_id: str) -> Explained:
        """The answer.

        Raises
        ------
        UserError
            When it is no customer at the cutoff.
        """
        points = self._points()
        now = points.points.cutoff == len(points.cutoffs) - 1
        own = points.points.customer == self.index
        if not (now & own).any():
            definition = definition_of(self.config)
            raise no_customer(self.histories, definition, customer_id, self.index, self.cutoff)
        plan = Plan.from_dict(self.model.context["plan"])
        frame = self._vectors(plan, points)
        peers, past = frame[now].reset_index(drop=True), frame[own].reset_index(drop=True)
        warnings_of(self.model, self.histories, self.cutoff, peers, self.progress)
        own_now = past.tail(1).reset_index(drop=True)
        with self.progress.stage("explaining"):
            return Explained(
                customer_id=customer_id,
                as_of=self.cutoff,
                model=label,
                value=self._value(points.some(own & now), own_now),
                chronicle=chronicle(self.histories, self.index, self.cutoff),
                wording=self.wording,
                **self._standing(peers, past),
                **self._reasons(peers, own_now),
            )

    def _points(self) -> LabelledPoints:
        """Everybody at the cutoff, and this customer alone at earlier ones."""
        definition, every = definition_of(self.config), self.config.points.every
        earlier = earlier_cutoffs(
            self.histories, definition, self.cutoff, every=every, most=EARLIER
        )
        with self.progress.stage("finding the customers"):
            cutoffs = [*earlier, self.cutoff]
            found = make_points(self.histories, definition, cutoffs, labels=False)
        newest = found.points.cutoff == len(found.cutoffs) - 1
        return found.some(newest | (found.points.customer == self.index))

    def _vectors(self, plan: Plan, points: LabelledPoints) -> pd.DataFrame:
        with self.progress.stage("computing vectors") as stage:
            found = build_vectors(self.histories, plan, points, labels=False, progress=stage.detail)
        return found.frame

    def _value(self, point: LabelledPoints, frame: pd.DataFrame) -> float | None:
        values = values_of(self.config, self.histories, point, model=self.model, frame=frame)
        return None if values is None else float(values[0])

    def _standing(self, peers: pd.DataFrame, past: pd.DataFrame) -> Mapping[str, Any]:
        """The score, among the others' and among its own."""
        model = self.model
        risks, own = model.predict(peers), model.predict(past)
        days = past[KEYS[1]].dt.date
        others = len(risks) - 1
        return {
            "probability": float(own[-1]),
            "band": str(risk_bands(own[-1:], model.base_rate)[0]),
            "horizon_days": model.context["definition"]["horizon_days"],
            "at_risk_from": at_risk_from(model.base_rate),
            "riskier_than": float((risks < own[-1]).sum()) / others if others else None,
            "customers": len(risks),
            "history": tuple(zip(days, own.tolist(), strict=True)),
        }

    def _reasons(self, peers: pd.DataFrame, customer: pd.DataFrame) -> Mapping[str, Any]:
        """What drives the risk of the one customer, and what would change it."""
        model, drivers = self.model, drivers_of(self.model, customer)
        steady = steadiness(drivers)
        threshold = at_risk_from(model.base_rate)
        found = smallest_change(model, customer, peers, threshold, seed=self.config.model.seed)
        return {
            "usual": drivers.usual_probability,
            "drivers": told_drivers(drivers, self.wording),
            "steady": None if steady is None else float(steady[0]),
            "alternative": told_alternative(drivers, self.wording, found),
        }


def told_drivers(drivers: Drivers, wording: Wording) -> tuple[Driver, ...]:
    """All drivers of the one customer that is explained, those that add most first."""
    pushes = drivers.pushes[0]
    order = sorted(range(len(pushes)), key=lambda place: (-pushes[place], place))
    moving = [place for place in order if abs(pushes[place]) >= LEAST_PUSH]
    told = dict(zip(moving, told_features(drivers, [moving])[0], strict=False))
    values = Row(Columns(drivers.explanation.frame), 0)
    return tuple(
        Driver(
            group=drivers.groups[place],
            name=wording.driver(drivers.groups[place]),
            log_odds=float(pushes[place]),
            points=float(drivers.in_probability[0, place]),
            is_lever=place in drivers.levers,
            reason=sentence(drivers, wording, values, told[place])
            if told.get(place, NOTHING) != NOTHING
            else None,
        )
        for place in order
    )
