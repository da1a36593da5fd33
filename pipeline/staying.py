"""How long customers stay: learned from the training's points, and read for any others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from features.churn import Definition
from features.vectors import KEYS
from models.model import ROWS_AT_A_TIME, ChurnModel
from models.survival import Chains, Survival, Window, learn_survival, wanted_columns

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 60_000
"""Points that are followed: their log-odds take longer than all the rest."""
WHY = "no_survival"
"""Where a model's context says why it does not know how long customers stay."""


def with_survival(
    model: ChurnModel, frame: pd.DataFrame, labels: np.ndarray, definition: Definition, *, seed: int
) -> ChurnModel:
    """The model that knows how long customers stay, or its context says why it does not.

    Parameters
    ----------
    frame, labels
        Vectors and labels (0 or 1) of the points to learn from.
    """
    found = _learned(model, frame, labels, definition, seed)
    if isinstance(found, Survival):
        return replace(model, survival=found)
    return replace(model, context={**model.context, WHY: found})


def _learned(
    model: ChurnModel, frame: pd.DataFrame, labels: np.ndarray, definition: Definition, seed: int
) -> Survival | str:
    if definition.kind == "inactivity":
        return "customers without a contract are there as long as they buy"
    frame, labels = _some_customers(frame, labels, seed)
    places = wanted_columns(model.features)
    features = [model.features[place] for place in places]
    names = [feature["name"] for feature in features]
    chains = Chains(
        customer=frame[KEYS[0]].to_numpy(),
        day=frame[KEYS[1]].to_numpy().astype("datetime64[D]").astype(np.int64),
        churned=labels,
        known=known(model, frame, names),
    )
    return learn_survival(
        chains,
        Window(definition.horizon_days, definition.lead_days),
        columns=names,
        in_days=[feature["unit"] == "days" for feature in features],
        categorical=[name in model.levels for name in names],
        seed=seed,
    )


def _some_customers(
    frame: pd.DataFrame, labels: np.ndarray, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """All points of as many customers as make about `MOST_POINTS`, drawn."""
    if len(frame) <= MOST_POINTS:
        return frame, labels
    people, who = np.unique(frame[KEYS[0]].to_numpy(), return_inverse=True)
    drawn = np.random.default_rng(seed).random(len(people)) < MOST_POINTS / len(frame)
    kept = np.flatnonzero(drawn[who])
    return frame.iloc[kept], labels[kept]


def curves(model: ChurnModel, frame: pd.DataFrame, months: int) -> np.ndarray | None:
    """The chance to be there in each coming month, points x months; None where it is unknown."""
    if model.survival is None:
        return None
    return model.survival.curves(known(model, frame, model.survival.columns), months)


def known(model: ChurnModel, frame: pd.DataFrame, names: tuple[str, ...] | list[str]) -> np.ndarray:
    """What survival is learned from: the model's log-odds, then these columns of its matrix."""
    places = [model.names.index(name) for name in names]
    found = np.empty((len(frame), 1 + len(places)), dtype=np.float32)
    for start in range(0, len(frame), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        matrix = model.matrix(frame.iloc[rows])
        probability = model.probability(matrix)
        found[rows, 0] = np.log(probability) - np.log1p(-probability)
        found[rows, 1:] = matrix[:, places]
    return found
