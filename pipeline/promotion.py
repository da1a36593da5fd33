"""Whether a new model takes over from the one in charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.churn import Definition
from features.errors import UserError
from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints
from features.vectors import KEYS, build_vectors
from models.comparison import log_losses, paired_gain
from models.model import ChurnModel
from pipeline.config import Config
from pipeline.opening import definition_of
from pipeline.parting import Parts
from pipeline.tracking import Registered, Tracking

if TYPE_CHECKING:
    import pandas as pd


def judge(
    config: Config,
    histories: Histories,
    tracking: Tracking,
    champion: Registered | None,
    points: LabelledPoints,
    parts: Parts,
    predicted: np.ndarray,
) -> tuple[bool, str]:
    """Whether the new model takes over, and why: better on the same untouched points."""
    if champion is None:
        return True, "the first model"
    try:
        incumbent = tracking.load(champion)
        if incumbent.context["definition"] != definition_of(config).as_dict():
            return True, f"{champion.label} predicts another churn than the config now defines"
        vectors = build_vectors(histories, Plan.from_dict(incumbent.context["plan"]), points)
    except UserError as error:
        return True, f"{champion.label} can no longer score these histories: {error.what}"
    theirs = Parts(vectors, parts.split).frames["test"]
    unseen = _unseen_by(incumbent, theirs, definition_of(config))
    if not unseen.any():
        return False, f"{champion.label} was trained on these test points: nothing to compare on"
    labels = parts.labels("test")[unseen]
    gains = log_losses(labels, incumbent.predict(theirs[unseen])) - log_losses(
        labels, predicted[unseen]
    )
    customers = theirs[KEYS[0]].to_numpy()[unseen]
    found = paired_gain(gains, customers, seed=config.model.seed)
    told = (
        f"log loss on the test points {found.mean:+.5f} better than {champion.label} "
        f"(95 % interval {found.low:+.5f} to {found.high:+.5f})"
    )
    return found.is_certain, told if found.is_certain else f"not better beyond noise: {told}"


def _unseen_by(model: ChurnModel, frame: pd.DataFrame, definition: Definition) -> np.ndarray:
    """Which points lie after everything that a model was trained on, its labels included."""
    last = np.datetime64(max(model.context["train_cutoffs"]))
    known = last + np.timedelta64(definition.days_until_known, "D")
    return frame[KEYS[1]].to_numpy().astype("datetime64[D]") >= known
