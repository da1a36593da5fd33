"""Values held against what came: they are found as they would have been then, some months ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from features.plan import Plan
from features.points import LabelledPoints
from features.receipts import by_month, receipts
from features.revenue import monthly_revenue
from features.timeline import day_number
from features.vectors import KEYS
from models.calibration import Identity
from models.model import ChurnModel
from models.training import Data, Fitted, Part, dataset, fit_boosters
from models.value import DAYS_A_MONTH, HAZARDS, Worth, discounts, staying_worth
from models.value_check import check_values, ends_asked_for
from pipeline.candidate import Candidate, at_days
from pipeline.opening import definition_of
from pipeline.parting import date_of
from pipeline.staying import with_survival
from pipeline.worth import LEARNED, worth_of

if TYPE_CHECKING:
    import pandas as pd

FEWEST_MONTHS, MOST_MONTHS = 3, 12
"""Months after the cutoff that values are held against: whole years have no season."""
FEWEST_CUTOFFS = 3
"""Labelled cutoffs that must have been known before it."""
FEWEST_CHURNERS = 50
MOST_POINTS = 20_000
"""Points that the earlier model learns from."""
DAYS_A_YEAR = 365


@dataclass(frozen=True)
class Then:
    """The cutoff that values are checked at, and the months after it."""

    day: int
    months: int

    @property
    def cutoff(self) -> date:
        return date_of(self.day)


def check(
    candidate: Candidate, data: Data, fitted: Fitted, chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """What `models.value_check` says of values at an earlier cutoff; or ``why`` it cannot.

    Everything is learned from the labels that were known at that cutoff: the boosters (with as
    many trees as now), how long customers stay, purchases. Only the plan of the vectors (which
    texts are told apart) is that of the training.
    """
    then = choose_then(candidate)
    if isinstance(then, str):
        return {"why": then}
    frame = candidate.parts.frames["train"]
    days = frame[KEYS[1]].to_numpy().astype("datetime64[D]").astype(np.int64)
    before = days + definition_of(candidate.config).days_until_known <= then.day
    labels = candidate.parts.labels("train")
    if min(labels[before].sum(), (1 - labels[before]).sum()) < FEWEST_CHURNERS:
        return {"why": f"too few customers had left, or stayed, before {then.cutoff}"}
    model = _model_of_then(candidate, data, fitted, chosen, np.flatnonzero(before))
    here = days == then.day
    points = at_days(candidate.points, (then.day,))
    now = frame[here].reset_index(drop=True)
    return _judged(candidate, model, points, now, labels[here], then)


def choose_then(candidate: Candidate) -> Then | str:
    """The newest cutoff with a year after it, or with half of what there is; or why there is none.

    A year at most, the horizon at most, three months at least.
    """
    known, histories = candidate.parts.split.known, candidate.histories
    end = day_number(histories.observed_until.date())
    waits = definition_of(candidate.config).days_until_known
    whole = int((end - known[0]) / DAYS_A_MONTH)
    horizon = candidate.config.value.horizon_months
    wanted = min(horizon, MOST_MONTHS, max(FEWEST_MONTHS, whole // 2))
    found = [
        Then(day, min(wanted, months))
        for day in known
        if (months := int((end - day) / DAYS_A_MONTH)) >= min(FEWEST_MONTHS, horizon)
        and sum(earlier + waits <= day for earlier in known) >= FEWEST_CUTOFFS
    ]
    if not found:
        return (
            f"the histories are too short: no cutoff has {FEWEST_CUTOFFS} labelled ones before it "
            f"and {min(FEWEST_MONTHS, horizon)} months after it"
        )
    return max(found, key=lambda then: (then.months, then.day))


def _model_of_then(
    candidate: Candidate,
    data: Data,
    fitted: Fitted,
    chosen: Mapping[str, Any],
    rows: np.ndarray,
) -> ChurnModel:
    """The model as it would have been: fitted on these training points, uncalibrated."""
    config, random = candidate.config, np.random.default_rng(candidate.config.model.seed)
    few = np.sort(random.permutation(rows)[:MOST_POINTS])
    points = Part(data.points.matrix[few], data.points.labels[few])
    sample = Data(points, data.features, data.categorical)
    boosters = fit_boosters(
        sample, dataset(sample), fitted.trees, seed=config.model.seed, chosen=chosen
    )
    context = {k: v for k, v in candidate.model.context.items() if k != LEARNED}
    model = replace(
        candidate.model,
        boosters_text=boosters,
        calibrator=Identity(),
        base_rate=float(data.points.labels[rows].mean()),
        context=context,
        survival=None,
    )
    frame = candidate.parts.frames["train"].iloc[rows].reset_index(drop=True)
    labels = data.points.labels[rows]
    return with_survival(model, frame, labels, definition_of(config), seed=config.model.seed)


def _judged(
    candidate: Candidate,
    model: ChurnModel,
    points: LabelledPoints,
    frame: pd.DataFrame,
    labels: np.ndarray,
    then: Then,
) -> dict[str, Any]:
    config, histories = candidate.config, candidate.histories
    worth = worth_of(config, histories, points, model=model, frame=frame, months=then.months)
    if worth is None:
        return {"why": "the histories hold no money"}
    came = realised(candidate, points, frame, then, contracts=worth.alive is None)
    if came is None:
        return {"why": "there are no payments to hold values against"}
    until = _until_leaving(candidate, model, points) if worth.alive is None else np.zeros(len(came))
    expected = worth.today(model.predict(frame), until)
    try:
        found = check_values(expected, came, seed=config.model.seed)
    except ValueError as error:
        return {"why": str(error)}
    stayed = labels == 0
    if worth.how == HAZARDS:
        found["one_rate"] = _by_one_rate(candidate, model, points, frame, then, until, came)
    return {
        "cutoff": str(then.cutoff),
        "months": then.months,
        "how": worth.how,
        "how_why": worth.why,
        **found,
        "range": ends_asked_for(_some(worth, stayed), came[stayed]),
    }


def _by_one_rate(
    candidate: Candidate,
    model: ChurnModel,
    points: LabelledPoints,
    frame: pd.DataFrame,
    then: Then,
    until: np.ndarray,
    came: np.ndarray,
) -> dict[str, Any]:
    """The same figures where one churn rate stands for all: what hazards are to be better than."""
    config, histories = candidate.config, candidate.histories
    plain = replace(model, survival=None)
    worth = worth_of(config, histories, points, model=plain, frame=frame, months=then.months)
    assert worth is not None
    expected = worth.today(model.predict(frame), until)
    found = check_values(expected, came, seed=config.model.seed)
    return {name: found[name] for name in ("total", "rank_correlation", "mean_distance")}


def _some(worth: Worth, kept: np.ndarray) -> Worth:
    return replace(worth, value=worth.value[kept], low=worth.low[kept], high=worth.high[kept])


def realised(
    candidate: Candidate,
    points: LabelledPoints,
    frame: pd.DataFrame,
    then: Then,
    *,
    contracts: bool,
) -> np.ndarray | None:
    """The margin that customers brought in the months after the cutoff, discounted.

    With contracts a payment counts in the months that it pays for, so that those who pay once a
    year are compared with what they are expected to bring in these months; without, on its day.
    """
    settings = candidate.config.value
    until = then.cutoff + timedelta(days=int(np.ceil(then.months * DAYS_A_MONTH)))
    since = then.cutoff - timedelta(days=DAYS_A_YEAR + 1) if contracts else then.cutoff
    money = receipts(candidate.histories, since, until)
    if money is None:
        return None
    covers = _days_paid_for(frame) if contracts else np.zeros(len(points))
    customers = points.points.customer.astype(np.int64)
    monthly = by_month(
        money, customers, then.cutoff, then.months, covers_days=covers, month_days=DAYS_A_MONTH
    )
    return np.asarray(monthly @ discounts(then.months, settings.discount_rate) * settings.margin)


YEARLY = "subscriptions_is_yearly"


def _days_paid_for(frame: pd.DataFrame) -> np.ndarray:
    """A year for those billed by the year, a month for all others."""
    if YEARLY not in frame.columns:
        return np.full(len(frame), DAYS_A_MONTH)
    yearly = frame[YEARLY].to_numpy(dtype=np.float64) == 1
    return np.where(yearly, 12 * DAYS_A_MONTH, DAYS_A_MONTH)


def _until_leaving(candidate: Candidate, model: ChurnModel, points: LabelledPoints) -> np.ndarray:
    """The margin of one who leaves in the window until then: the lead and half the window."""
    config, definition = candidate.config, definition_of(candidate.config)
    plan = Plan.from_dict(model.context["plan"])
    revenue = monthly_revenue(candidate.histories, plan, points)
    assert revenue is not None
    months = (definition.lead_days + definition.horizon_days / 2) / DAYS_A_MONTH
    there = np.full((len(points), 1), months)
    settings = config.value
    found = staying_worth(revenue, there, margin=settings.margin, discount_rate=0.0, how="")
    return found.value


def with_check(model: ChurnModel, found: Mapping[str, Any]) -> ChurnModel:
    """The model that knows how far its values were off."""
    if "range" not in found:
        return model
    ends = found["range"]
    told = {"how": found["how"], "error": found["error"], "low": ends["low"], "high": ends["high"]}
    return replace(model, context={**model.context, LEARNED: told})
