"""Thousands of features for a few hundred points: nothing grows with their square."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.drivers import Drivers
from models.explanation import explain
from models.guards import guard
from models.matrix import to_matrix
from models.model import ChurnModel
from models.training import Data, Part, fit

FEATURES = 5000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    values = np.random.default_rng(1).normal(size=(600, FEATURES))
    values[:, 1] = np.nan
    values[:, 2] = 7.0
    return pd.DataFrame(values, columns=[f"f{number}" for number in range(FEATURES)])


def test_five_thousand_features_are_learned_and_explained(frame):
    labels = (frame["f0"] > 0.5).to_numpy(np.int8)
    names = list(frame.columns)
    fitted = fit(Data(Part(to_matrix(frame, names, {}), labels), names, []), seed=1)
    unit = {"meaning": "a number", "unit": "number", "group": "profile", "table": "customers"}
    features = tuple({"name": name, **unit} for name in names)
    missing = dict(zip(names, frame.isna().mean().tolist(), strict=True))
    model = ChurnModel(fitted.boosters, features, {}, {}, 0.3, {}, missing)
    assert guard(model, frame) == []
    explained = explain(model, frame.head(50))
    assert next(iter(explained.importance())) == "f0"
    assert model.gains["f1"] == model.gains["f2"] == 0
    assert len(Drivers.of(explained).ranked) == 50
