"""What a new model knows of its reasons, and what is left out where it cannot be known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.explanation import explain
from models.faithfulness import faithfulness
from models.risk import HIGH, LOW, risk_bands
from models.training import Data, Fitted, Part
from models.usual import Usual
from pipeline import steadying
from pipeline.config import Model
from pipeline.steadying import drivers_of, figures, spread, steadied

FITTED = Fitted((), {"searched": 20, "random": 20})


@pytest.fixture(scope="module")
def model(small_explanation):
    return small_explanation.model


@pytest.fixture(scope="module")
def frame(small_explanation):
    return small_explanation.frame


def steady(model, frame, *, refits: int = 3, test: pd.DataFrame | None = None, tell=print):
    """The model steadied, with the points of the training as its test if no others are given."""
    labels = frame["churned"].to_numpy().astype(np.int8)
    data = Data(Part(model.matrix(frame), labels), model.names, [*model.levels])
    parts = SimpleNamespace(frames={"train": frame, "test": frame if test is None else test})
    return steadied(model, data, FITTED, parts, Model(refits=refits), {}, tell=tell)


def test_refits_judge_the_points_of_high_risk(model, frame):
    told = []
    found = steady(model, frame, tell=told.append)
    high = risk_bands(model.predict(frame), model.base_rate) == HIGH
    assert (found.stability.refits, found.stability.customers) == (3, high.sum())
    assert 0.5 < found.stability.agreement <= 1
    assert told == ["refit 1 of 3", "refit 2 of 3", "refit 3 of 3"]
    assert found.usual == Usual.of(explain(model, frame))
    assert steady(model, frame).stability == found.stability
    np.testing.assert_array_equal(found.predict(frame), model.predict(frame))


@pytest.mark.parametrize("why", ["not asked for", "nobody at risk", "nobody of high risk"])
def test_nothing_is_fitted_again_for_nothing(model, frame, why, monkeypatch):
    monkeypatch.setattr(steadying, "refits", lambda *rest, **named: pytest.fail("a refit"))
    bands = risk_bands(model.predict(frame), model.base_rate)
    test = {"nobody at risk": frame[bands == LOW], "nobody of high risk": frame[bands != HIGH]}
    found = steady(model, frame, refits=0 if why == "not asked for" else 3, test=test.get(why))
    assert found.stability is None
    assert found.usual.groups


def test_figures_are_of_those_at_risk(model, frame):
    found = steady(model, frame)
    drivers = drivers_of(found, frame)
    bands = risk_bands(model.predict(frame), model.base_rate)
    told = figures(drivers)
    assert (told["at_risk"], told["high_risk"]) == ((bands != LOW).sum(), (bands == HIGH).sum())
    assert told["drivers"] == drivers.importance(bands != LOW)
    assert told["faithfulness"] == faithfulness(drivers, np.flatnonzero(bands == HIGH))
    assert told["stability"]["agreement"] == found.stability.agreement
    assert figures(drivers_of(replace(found, stability=None), frame))["stability"] is None


def test_spread_takes_evenly_and_no_more():
    frame = pd.DataFrame({"number": range(10)}, index=range(5, 15))
    assert spread(frame, 4)["number"].tolist() == [0, 3, 6, 9]
    assert spread(frame, 10)["number"].tolist() == [*range(10)]
    assert spread(frame.head(0), 4).empty


def test_profile_is_no_lever(model, frame):
    found = drivers_of(model, frame)
    assert set(found.facts) == {"profile"}
    assert "profile" not in [found.groups[place] for place in found.levers]


def test_every_refit_is_held_against_what_is_usual_by_itself(model, frame, monkeypatch):
    asked = []
    monkeypatch.setattr(
        steadying, "drivers_of", lambda one, rows: asked.append(one) or drivers_of(one, rows)
    )
    steady(model, frame, refits=2)
    for one in asked:
        assert one.usual == Usual.of(explain(one, frame))
    assert len({one.boosters_text for one in asked}) == len(asked) == 3
