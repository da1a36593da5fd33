"""Who is persuadable, learned from past campaigns: used only where that proved to be better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.persuading import Contacts, UpliftVerdict, judge, too_few
from models.uplift import Uplift
from pipeline.assessing import Assessed
from pipeline.holdouts import batches, share_treated
from pipeline.past_contacts import PastContacts
from pipeline.progress import Progress
from pipeline.worth import values_of

MOST_TIMES = 3.0
"""Nobody counts as more persuadable than so many times the mean: it is an estimate."""


@dataclass(frozen=True)
class Persuading:
    """Whether customers differ in how persuadable they are, as far as anybody knows.

    Attributes
    ----------
    times
        How many times as persuadable as the mean of those at risk each customer is; None where
        risk times value decides.
    """

    verdict: UpliftVerdict
    times: np.ndarray | None = None


def persuading_of(assessed: Assessed, past: PastContacts | None, progress: Progress) -> Persuading:
    """Learn from contacts of the past with a holdout, and judge by the latest."""
    if past is None:
        return Persuading(UpliftVerdict(False, "Risk times value decides: there are no contacts."))
    short = too_few(_as_known(past, np.zeros((len(past), 0)), np.zeros(len(past)), None))
    if short:
        return Persuading(UpliftVerdict(False, short))
    with progress.stage("asking past campaigns who is persuadable"):
        known = _seen(past)
        names, texts = assessed.model.names, list(assessed.model.levels)
        seed = assessed.config.model.seed
        verdict = judge(known, features=names, categorical=texts, seed=seed)
        if not verdict.used:
            return Persuading(verdict)
        model = Uplift.fit(
            known.matrix,
            known.treated,
            known.churned,
            known.propensity,
            names,
            texts,
            seed,
        )
        return Persuading(verdict, _times(model, assessed))


def _seen(past: PastContacts) -> Contacts:
    """The contacts with what the model in charge says of their customers on these days."""
    model, frame = past.model, past.frame
    value = values_of(
        past.config, past.histories, past.found.points_to_see, model=model, frame=frame
    )
    return _as_known(past, model.matrix(frame), past.risk, value)


def _as_known(
    past: PastContacts, matrix: np.ndarray, risk: np.ndarray, value: np.ndarray | None
) -> Contacts:
    """Those that have a holdout, with what is told of every contact."""
    rows = past.found.rows
    first_day = rows["day"].groupby(batches(rows)).transform("min")
    every = Contacts(
        matrix=matrix,
        treated=rows["treated"].to_numpy(dtype=bool),
        churned=rows["churned"].to_numpy(dtype=float),
        propensity=share_treated(rows),
        risk=risk,
        campaign=first_day.to_numpy(),
        customers=rows["customer"].to_numpy(),
        value=value,
    )
    return every.some(past.compared)


def _times(model: Uplift, assessed: Assessed) -> np.ndarray:
    """The share of leavers kept of each customer, against that of all at risk."""
    kept = model.predict(assessed.model.matrix(assessed.frame)) / assessed.probability
    kept = np.clip(kept, 0.0, None)
    usual = float(kept[assessed.at_risk].mean()) if assessed.at_risk.any() else 0.0
    return np.clip(kept / usual, 0.0, MOST_TIMES) if usual > 0 else np.ones(len(kept))
