"""All customers at a date as the model sees them: risk, band, drivers, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints, make_points, newest_cutoff, refuse_future
from features.vectors import KEYS, build_vectors
from models.drivers import Drivers
from models.model import ChurnModel
from models.risk import LOW, risk_bands, top_share
from models.value import Worth
from pipeline.config import Config
from pipeline.guarding import warnings_of
from pipeline.opening import definition_of
from pipeline.progress import Progress
from pipeline.steadying import drivers_of
from pipeline.worth import worth_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Assessed:
    """The customers of a cutoff; arrays have an entry for each, in the order of `points`.

    Attributes
    ----------
    label
        The model's name and version.
    frame
        Their vectors.
    worth
        Expected remaining margin, 0 where the histories hold no money.
    warnings
        What was told of feeds and vectors.
    """

    config: Config
    histories: Histories
    model: ChurnModel
    label: str
    cutoff: date
    points: LabelledPoints
    plan: Plan
    frame: pd.DataFrame
    probability: np.ndarray
    bands: np.ndarray
    drivers: Drivers
    worth: Worth
    high_value: np.ndarray
    warnings: list[str]

    @property
    def ids(self) -> np.ndarray:
        """The customers' ids."""
        return self.frame[KEYS[0]].to_numpy()

    @property
    def value(self) -> np.ndarray:
        """Expected remaining margin of each who does not leave now."""
        return self.worth.value

    @property
    def at_risk(self) -> np.ndarray:
        return self.bands != LOW


def assess(
    config: Config,
    histories: Histories,
    progress: Progress,
    model: ChurnModel,
    label: str,
    as_of: date | None,
) -> Assessed:
    """Look at every customer at a date; by default at the newest that the histories support.

    Raises
    ------
    UserError
        When nobody is a customer then, or the histories lack what the model lives on.
    """
    cutoff = as_of or newest_cutoff(histories)
    refuse_future(histories, [cutoff])
    points = make_points(histories, definition_of(config), [cutoff], labels=False)
    plan = Plan.from_dict(model.context["plan"])
    with progress.stage("computing vectors") as stage:
        vectors = build_vectors(histories, plan, points, labels=False, progress=stage.detail)
    warnings = warnings_of(model, histories, cutoff, vectors.frame, progress)
    with progress.stage("scoring and explaining"):
        probability = model.predict(vectors.frame)
        drivers = drivers_of(model, vectors.frame)
    worth = _worth(config, histories, progress, model, points, vectors.frame)
    return Assessed(
        config=config,
        histories=histories,
        model=model,
        label=label,
        cutoff=cutoff,
        points=points,
        plan=plan,
        frame=vectors.frame,
        probability=probability,
        bands=risk_bands(probability, model.base_rate),
        drivers=drivers,
        worth=worth,
        high_value=top_share(worth.value, config.value.high_value_share),
        warnings=warnings,
    )


def _worth(
    config: Config,
    histories: Histories,
    progress: Progress,
    model: ChurnModel,
    points: LabelledPoints,
    frame: pd.DataFrame,
) -> Worth:
    """What each customer is still worth; 0 where the histories hold no money."""
    found = worth_of(config, histories, points, model=model, frame=frame)
    if found is not None:
        return found
    progress.warn(
        "There are no payments and no prices: nobody's value is known, so the list is in order "
        "of risk, and no contact can be shown to pay."
    )
    nothing = np.zeros(len(points))
    return Worth(nothing, nothing, nothing, how="no money", error=0.0)
