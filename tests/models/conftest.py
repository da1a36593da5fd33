"""A small model for all tests of models; figures are repeatable, and no clock judges them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from models.drivers import Drivers
from models.explanation import explain
from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.training import Data, Part, fit
from models.usual import Usual

settings.register_profile("models", deadline=None, derandomize=True, database=None)
settings.load_profile("models")

FEATURES = (
    {"name": "usage_count_30d", "meaning": "events", "unit": "events", "group": "usage"},
    {"name": "failed_share", "meaning": "failed payments", "unit": "share", "group": "payments"},
    {"name": "plan", "meaning": "plan", "unit": "text", "group": "subscription"},
)


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "usage_count_30d": random.poisson(20, 800).astype(float),
            "failed_share": np.where(random.random(800) < 0.3, np.nan, random.random(800)),
            "plan": pd.Categorical(random.choice(["basic", "pro", "plus"], 800)),
        }
    )


@pytest.fixture(scope="session")
def labels(frame) -> np.ndarray:
    log_odds = 2 - 0.2 * frame["usage_count_30d"] + 3 * frame["failed_share"].fillna(0)
    return (np.random.default_rng(5).random(800) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)


@pytest.fixture(scope="session")
def model(frame, labels) -> ChurnModel:
    names = [feature["name"] for feature in FEATURES]
    levels = find_levels(frame, ["plan"])
    matrix = to_matrix(frame, names, levels)
    folds = [(np.arange(400), np.arange(400, 600)), (np.arange(600), np.arange(600, 800))]
    fitted = fit(Data(Part(matrix, labels), names, ["plan"], folds), seed=1)
    typical = {"usage_count_30d": 20.0, "failed_share": 0.5}
    return ChurnModel(
        fitted.boosters, FEATURES, levels, typical, 0.5, {"plan": {}}, calibrator=fitted.calibrator
    )


@pytest.fixture(scope="session")
def drivers(model, frame) -> Drivers:
    """What drives each row's risk, the plan being a fact that nobody can act on."""
    known = replace(model, usual=Usual.of(explain(model, frame)))
    return Drivers.of(explain(known, frame), facts=("subscription",))
