"""Peers made ready: which are drawn, what each feature is about, what can move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.peers import Peers, group_of, prepare
from models.training import Data, Part, fit

ROWS = 400
FEATURES = (
    {"name": "count_7d", "group": "usage", "says": "usage", "actionable": True},
    {"name": "paid", "group": "payments", "says": "usage", "actionable": True},
    {"name": "count_30d", "group": "usage", "says": "usage", "actionable": True},
    {"name": "sector", "group": "profile", "says": None, "actionable": False},
    {"name": "score", "group": "satisfaction", "actionable": True},
    {"name": "first_count", "group": "onboarding", "says": "usage"},
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(1)
    week = random.poisson(3, ROWS)
    return pd.DataFrame(
        {
            "count_7d": week,
            "paid": random.random(ROWS),
            "count_30d": week + random.poisson(1, ROWS),
            "sector": random.choice(["shop", "bank"], ROWS),
            "score": np.where(random.random(ROWS) < 0.5, np.nan, 7.0),
            "first_count": random.poisson(4, ROWS),
        }
    )


@pytest.fixture(scope="module")
def model(frame) -> ChurnModel:
    names = [each["name"] for each in FEATURES]
    levels = find_levels(frame, ["sector"])
    labels = (frame["count_7d"] < 2).to_numpy(np.int8)
    part = Part(to_matrix(frame, names, levels), labels)
    fitted = fit(Data(part, names, ["sector"]), seed=1)
    return ChurnModel(fitted.boosters, FEATURES, levels, {}, 0.2, {})


def test_each_feature_belongs_to_its_subject_or_stays(model, frame):
    found = prepare(model, frame)
    assert found.subjects == ("usage", "score")
    assert found.owner.tolist() == [0, 0, 0, -1, 1, -1]
    assert found.ranks.columns.tolist() == [0, 1, 2, 4]


def test_a_subject_is_of_the_group_of_most_of_its_features(model):
    assert group_of(model, "usage") == "usage"
    assert group_of(model, "sector") == "profile"
    swapped = replace(model, features=tuple(reversed(FEATURES[1:3])))
    assert group_of(swapped, "usage") == "usage"
    assert group_of(replace(model, features=FEATURES[1:3]), "usage") == "payments"


def test_their_risk_is_what_the_model_says(model, frame):
    np.testing.assert_array_equal(prepare(model, frame).probability, model.predict(frame))


def test_what_goes_together_is_learned(model, frame):
    below = prepare(model, frame).rules.below
    assert below[0, 2]
    assert not below[2, 0]


def test_of_many_some_are_drawn_by_the_seed(model, frame, monkeypatch):
    monkeypatch.setattr("models.peers.MOST_PEERS", 100)
    monkeypatch.setattr("models.peers.RULE_PEERS", 60)
    one, same, other = (prepare(model, frame, seed=seed) for seed in (1, 1, 2))
    assert len(one.frame) == len(one.matrix) == len(one.ranked) == len(one.probability) == 100
    assert one.frame.index.is_monotonic_increasing
    assert one.frame.index.is_unique
    pd.testing.assert_frame_equal(one.frame, same.frame)
    np.testing.assert_array_equal(one.rules.below, same.rules.below)
    assert not one.frame.equals(other.frame)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_peers(model, frame, rows):
    found = prepare(model, frame.head(rows))
    assert isinstance(found, Peers)
    assert found.probability.shape == (rows,)


def test_features_that_lack_are_told(model, frame):
    with pytest.raises(ValueError, match="lack features of the model: paid"):
        prepare(model, frame.drop(columns="paid"))
