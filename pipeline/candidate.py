"""A new model on the untouched points: by how much it is better than other probabilities there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.cut import Points
from features.histories import Histories
from features.points import LabelledPoints
from features.timeline import day_number
from features.vectors import KEYS
from models.comparison import Gain, log_losses, paired_gain
from models.model import ChurnModel
from models.profit import realised
from pipeline.config import Config
from pipeline.parting import Parts
from pipeline.worth import campaign_of, values_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Candidate:
    """A new model, and the untouched points that it is judged on."""

    config: Config
    histories: Histories
    model: ChurnModel
    points: LabelledPoints
    parts: Parts
    predicted: np.ndarray

    @cached_property
    def frame(self) -> pd.DataFrame:
        return self.parts.frames["test"]

    @cached_property
    def labels(self) -> np.ndarray:
        return self.parts.labels("test")

    @cached_property
    def test_points(self) -> LabelledPoints:
        """The points of the test's cutoffs alone, in the order of `frame`."""
        return at_days(self.points, self.parts.split.test)

    def log_loss_gain(self, theirs: np.ndarray, judged: np.ndarray) -> Gain:
        """By how much log loss is lower than that of their probabilities."""
        labels = self.labels[judged]
        gains = log_losses(labels, theirs[judged]) - log_losses(labels, self.predicted[judged])
        return self._gain(gains, judged)

    def profit_gain(self, theirs: np.ndarray, judged: np.ndarray) -> Gain | str:
        """By how much more acting on the probabilities brings; or why nobody knows.

        Both are judged by the same values, those of this model.
        """
        campaign = campaign_of(self.config)
        if campaign is None:
            return "profit is not judged: the config has no action"
        values = self.values
        if values is None:
            return "profit is not judged: the histories hold no money"
        ours, other = (
            realised(self.labels[judged], each[judged], values[judged], campaign)
            for each in (self.predicted, theirs)
        )
        return self._gain(ours - other, judged)

    @cached_property
    def values(self) -> np.ndarray | None:
        """What the test points' customers are worth; None where the histories hold no money."""
        return values_of(
            self.config, self.histories, self.test_points, model=self.model, frame=self.frame
        )

    def _gain(self, gains: np.ndarray, judged: np.ndarray) -> Gain:
        customers = self.frame[KEYS[0]].to_numpy()[judged]
        return paired_gain(gains, customers, seed=self.config.model.seed)


def at_days(points: LabelledPoints, days: tuple[int, ...]) -> LabelledPoints:
    """The points of some cutoffs alone."""
    kept = [index for index, cutoff in enumerate(points.cutoffs) if day_number(cutoff) in days]
    here = np.isin(points.points.cutoff, kept)
    return LabelledPoints(
        cutoffs=tuple(points.cutoffs[index] for index in kept),
        points=Points(
            cutoff=np.searchsorted(kept, points.points.cutoff[here]).astype(np.int32),
            customer=points.points.customer[here],
        ),
        churned=points.churned[here],
        counts=tuple(points.counts[index] for index in kept),
    )
