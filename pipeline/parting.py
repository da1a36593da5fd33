"""Which points are trained on and which tested on, and their vectors parted by time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from features.churn import Definition
from features.contacted import contacted_within
from features.errors import TooLittleData
from features.histories import Histories
from features.points import LabelledPoints, labelled_cutoffs, make_points
from features.timeline import EPOCH, day_number
from features.vectors import KEYS, LABEL, Vectors
from models.split import Split, rolling_origins, split_by_time
from pipeline.config import Config

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CHURNERS = 50


def choose_points(
    config: Config, histories: Histories, definition: Definition
) -> tuple[LabelledPoints, Split]:
    """Labelled points of the cutoffs that are trained, stopped early or tested on."""
    cutoffs = labelled_cutoffs(
        histories,
        definition,
        every=config.points.every,
        first=config.points.first,
        last=config.points.last,
    )
    tenure = config.points.min_tenure_days
    points = make_points(histories, definition, cutoffs, min_tenure_days=tenure)
    with_customers = [count.cutoff for count in points.counts if count.points]
    try:
        split = split_by_time(
            [day_number(cutoff) for cutoff in with_customers],
            test_points=config.model.test_points,
            days_until_known=definition.days_until_known,
        )
    except ValueError:
        raise _too_short(config, definition, with_customers) from None
    used = {date_of(day) for day in (*split.known, *split.test)}
    if used != set(cutoffs):
        points = make_points(histories, definition, sorted(used), min_tenure_days=tenure)
    return points, split


def _too_short(config: Config, definition: Definition, cutoffs: list[date]) -> TooLittleData:
    return TooLittleData(
        "The histories are too short to train and test on separate cutoffs.",
        where="[points], [model] test_points, [churn] horizon_days",
        value=f"{len(cutoffs)} labelled cutoffs with customers"
        + (f", from {cutoffs[0]} to {cutoffs[-1]}" if cutoffs else ""),
        allowed=f"{config.model.test_points} cutoffs for the test, and at least one more whose "
        f"label window ({definition.days_until_known} days) closed before them",
        fix="use longer histories, a shorter horizon, fewer test_points, or [points] every = "
        '"week"',
    )


def without_contacted(
    histories: Histories, definition: Definition, points: LabelledPoints, split: Split
) -> LabelledPoints:
    """The points without those of the training whose customer was contacted within the window.

    Whether they would have left nobody knows, and a model that learned from them would think those
    safe whom a contact keeps. Who was contacted was chosen by what vectors tell, so the others
    still say how many of such customers leave. The test's points stay: they are the definition's.
    """
    days = np.array([day_number(cutoff) for cutoff in points.cutoffs])
    train = np.isin(days, split.known)[points.points.cutoff]
    within = definition.lead_days + definition.horizon_days
    return points.some(~(train & contacted_within(histories, points, within=within)))


def refuse_too_few(points: LabelledPoints, split: Split, definition: Definition) -> None:
    """Stop when too few customers churned, or stayed, to learn from.

    Customers count, not their points: who leaves once is a churner at every cutoff before it whose
    horizon holds that day, and tells no more for that.

    Raises
    ------
    TooLittleData
        With the numbers and what is needed.
    """
    days = np.array([day_number(cutoff) for cutoff in points.cutoffs])
    train = np.isin(days, split.known)[points.points.cutoff]
    churned, stayed = (
        len(np.unique(points.points.customer[train & (points.churned == label)]))
        for label in (1, 0)
    )
    fewest = min(churned, stayed)
    if fewest >= FEWEST_CHURNERS:
        return
    if churned == 0:
        what = "Nobody churned in the training points: there is nothing to learn from."
    elif stayed == 0:
        what = "Everybody churned in the training points: there is nothing to learn from."
    else:
        what = "Too few " + ("churners" if churned < stayed else "customers who stayed")
        what += " in training to learn from."
    raise TooLittleData(
        what,
        where=f"[churn] definition = {definition.kind!r}, horizon_days = {definition.horizon_days}",
        value=f"{churned:,} customers churned and {stayed:,} stayed, at {len(split.known)} cutoffs "
        f"({train.sum():,} points)",
        allowed=f"at least {FEWEST_CHURNERS} customers of each",
        fix="use longer histories, more customers, or a longer horizon; look at the churn "
        "definition, too",
    )


class Parts:
    """The vectors, parted by time: those to train on and those to test on."""

    def __init__(self, vectors: Vectors, split: Split) -> None:
        cutoffs = _days(vectors.frame)
        self.split = split
        self.frames = {
            name: vectors.frame[np.isin(cutoffs, list(days))].reset_index(drop=True)
            for name, days in (("train", split.known), ("test", split.test))
        }

    def labels(self, name: str) -> np.ndarray:
        return self.frames[name][LABEL].to_numpy(dtype=np.int8)

    def folds(self, days_until_known: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of the training points by fold: those to learn from, and later ones to judge by."""
        cutoffs = _days(self.frames["train"])
        return [
            (
                np.flatnonzero(np.isin(cutoffs, fold.train)),
                np.flatnonzero(np.isin(cutoffs, fold.validation)),
            )
            for fold in rolling_origins(self.split.known, days_until_known=days_until_known)
        ]


def _days(frame: pd.DataFrame) -> np.ndarray:
    """The cutoffs in days since 1970."""
    return frame[KEYS[1]].to_numpy().astype("datetime64[D]").astype(np.int64)


def date_of(day: int) -> date:
    """The date of a day counted from 1970."""
    return date.fromordinal(EPOCH.toordinal() + day)
