"""What a new model must know to give reasons: what is usual, and how steady its reasons are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.catalogue import FACTS
from features.vectors import KEYS
from models.drivers import Drivers
from models.explanation import explain
from models.faithfulness import faithfulness
from models.model import ChurnModel
from models.refits import refits
from models.risk import HIGH, LOW, risk_bands
from models.stability import stability
from models.training import Data, Fitted
from models.usual import Usual
from pipeline.config import Model
from pipeline.parting import Parts

if TYPE_CHECKING:
    import pandas as pd

MOST_USUAL = 2_000
"""Training points whose contributions are computed for what is usual."""

MOST_JUDGED = 2_000
"""Test points at risk whose drivers the refits are asked for."""


def spread(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Evenly spread rows, at most so many."""
    step = max(1, int(np.ceil(len(frame) / most)))
    return frame.iloc[::step].reset_index(drop=True)


def drivers_of(model: ChurnModel, frame: pd.DataFrame) -> Drivers:
    """What drives these customers' risk; what nobody can act on is kept apart."""
    return Drivers.of(explain(model, frame), facts=FACTS)


def steadied(
    model: ChurnModel,
    data: Data,
    fitted: Fitted,
    parts: Parts,
    settings: Model,
    chosen: Mapping[str, Any],
    *,
    tell: Callable[[str], None] = lambda what: None,
) -> ChurnModel:
    """The model with what is usual in training, and how far refits agree on the test's drivers."""
    train, test = parts.frames["train"], parts.frames["test"]
    usual = spread(train, MOST_USUAL)
    model = _with_usual(model, usual)
    bands = risk_bands(model.predict(test), model.base_rate)
    judged = spread(test[bands != LOW], MOST_JUDGED)
    high = risk_bands(model.predict(judged), model.base_rate) == HIGH
    if not settings.refits or not high.any():
        return model
    found, others = drivers_of(model, judged), []
    again = refits(
        model,
        data,
        fitted,
        train[KEYS[0]].to_numpy(),
        seed=settings.seed,
        count=settings.refits,
        chosen=chosen,
    )
    for number, refit in enumerate(again, 1):
        tell(f"refit {number} of {settings.refits}")
        others.append(drivers_of(_with_usual(refit, usual), judged).top)
    return replace(model, stability=stability(found.gap, found.top, others, high))


def with_usual(model: ChurnModel, train: pd.DataFrame) -> ChurnModel:
    """The model with what is usual among its training points."""
    return _with_usual(model, spread(train, MOST_USUAL))


def _with_usual(model: ChurnModel, frame: pd.DataFrame) -> ChurnModel:
    return replace(model, usual=Usual.of(explain(model, frame)))


def figures(drivers: Drivers) -> dict[str, Any]:
    """How good the reasons of the explained points are, as JSON values."""
    model = drivers.explanation.model
    bands = risk_bands(model.predict(drivers.explanation.frame), model.base_rate)
    return {
        "drivers": drivers.importance(bands != LOW),
        "at_risk": int((bands != LOW).sum()),
        "high_risk": int((bands == HIGH).sum()),
        "stability": model.stability
        and {name: getattr(model.stability, name) for name in ("agreement", "customers", "refits")},
        "faithfulness": faithfulness(drivers, np.flatnonzero(bands == HIGH)),
    }
