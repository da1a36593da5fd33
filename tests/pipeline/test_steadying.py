"""A model learns what is usual and how steady its reasons are, from real points, repeatably."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.catalogue import FACTS
from models.explanation import explain
from models.model import ChurnModel
from models.risk import LOW, risk_bands
from models.training import Data, Fitted, Part
from models.usual import Usual
from pipeline import steadying
from pipeline.steadying import drivers_of, figures, spread, steadied


class Parted:
    """The older points train, the newer ones test."""

    def __init__(self, frame):
        newest = frame["cutoff"] == frame["cutoff"].max()
        parts = {"train": frame[~newest], "test": frame[newest]}
        self.frames = {name: part.reset_index(drop=True) for name, part in parts.items()}


@pytest.fixture(scope="module")
def parts(small_explanation):
    return Parted(small_explanation.frame)


@pytest.fixture(scope="module")
def learn(small_explanation, parts):
    """Steadies the small model, with few trees and refits."""
    model, train = small_explanation.model, parts.frames["train"]
    points = Part(model.matrix(train), train["churned"].to_numpy())
    data = Data(points, model.names, ["subscriptions_plan"])
    fitted = Fitted((), {"searched": 15, "random": 15})

    def run(parts=parts, seed=3, refits=3, **options) -> ChurnModel:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(steadying, "REFITS", refits)
            return steadied(model, data, fitted, parts, seed=seed, chosen={}, **options)

    return run


@pytest.fixture(scope="module")
def learned(learn):
    return learn()


def test_usual_is_the_median_of_the_training(learned, parts, small_explanation):
    train = explain(small_explanation.model, parts.frames["train"])
    assert learned.usual == Usual.of(train)
    median = np.median(train.contributions, axis=0)
    np.testing.assert_array_equal(list(learned.usual.features.values()), median)


def test_the_refits_judge_those_at_risk(learned, parts):
    found = learned.stability
    bands = risk_bands(learned.predict(parts.frames["test"]), learned.base_rate)
    assert found.refits == 3
    assert 0 < found.customers <= (bands != LOW).sum()
    assert 0.5 < found.agreement <= 1
    assert (np.diff(found.shares) >= 0).all()


def test_the_same_seed_learns_the_same(learn, learned):
    assert learn() == learned
    assert learn(seed=4).usual == learned.usual


def test_the_refits_are_told_one_by_one(learn):
    told = []
    learn(refits=2, tell=told.append)
    assert told == ["refit 1 of 2", "refit 2 of 2"]


def test_where_nobody_is_at_risk_nothing_is_known_of_steadiness(learn, parts, small_explanation):
    calm = Parted(parts.frames["train"])
    probability = small_explanation.model.predict(parts.frames["test"])
    lowest = parts.frames["test"][probability < np.quantile(probability, 0.2)]
    calm.frames = {"train": parts.frames["train"], "test": lowest.reset_index(drop=True)}
    found = learn(parts=calm)
    assert found.stability is None
    assert found.usual.groups


def test_profile_is_no_lever(learned, parts):
    found = drivers_of(learned, parts.frames["test"])
    assert set(found.facts) == set(FACTS) == {"profile"}
    assert "profile" not in [found.groups[place] for place in found.levers]


def test_figures_are_json_values_that_fit_the_points(learned, parts):
    import json

    drivers = drivers_of(learned, parts.frames["test"])
    found = figures(drivers)
    assert json.loads(json.dumps(found)) == found
    bands = risk_bands(learned.predict(parts.frames["test"]), learned.base_rate)
    assert found["at_risk"] == (bands != LOW).sum() >= found["high_risk"] > 0
    assert found["stability"] == {
        "agreement": learned.stability.agreement,
        "customers": learned.stability.customers,
        "refits": 3,
    }
    assert set(found["drivers"]) == set(drivers.groups)
    assert figures(drivers_of(replace(learned, stability=None), drivers.explanation.frame))[
        "stability"
    ] is None  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "most", "kept"),
    [(0, 3, []), (3, 3, [0, 1, 2]), (4, 3, [0, 2]), (10, 3, [0, 4, 8]), (7, 1, [0])],
)
def test_rows_are_spread_evenly(rows, most, kept):
    found = spread(pd.DataFrame({"n": range(rows)}, index=range(5, 5 + rows)), most)
    assert found["n"].tolist() == kept
    assert found.index.tolist() == list(range(len(kept)))
