"""How long the demo's customers stay: learned from training points alone, kept with the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.churn import Definition
from models.model import SURVIVAL_FILE, ChurnModel
from pipeline.staying import WHY, curves, known, with_survival


@pytest.fixture(scope="module")
def model(found):
    return found.candidate.model


def test_training_learns_how_long_customers_stay(found, model):
    there = curves(model, found.candidate.frame, 24)
    assert there.shape == (len(found.candidate.frame), 24)
    assert 0.3 < there[:, 11].mean() < 0.95
    assert WHY not in model.context
    assert there[:, 11].std() > 0.05


def test_those_at_risk_stay_less_long_after_they_were_kept(found, model):
    there = curves(model, found.candidate.frame, 4)[:, 3]
    risky = found.candidate.predicted > np.quantile(found.candidate.predicted, 0.9)
    assert there[risky].mean() < there[~risky].mean() - 0.05


def test_a_model_knows_it_when_it_is_read_again(model, found, tmp_path):
    model.save(tmp_path)
    again = ChurnModel.load(tmp_path)
    frame = found.candidate.frame.head(50)
    assert (curves(again, frame, 12) == curves(model, frame, 12)).all()


def test_a_model_of_before_does_not_know_it(model, found, tmp_path):
    replace(model, survival=None).save(tmp_path)
    assert not (tmp_path / SURVIVAL_FILE).exists()
    file = tmp_path / "model.json"
    file.write_text(file.read_text().replace('"survival": null', '"further": null'))
    assert ChurnModel.load(tmp_path).survival is None
    assert curves(ChurnModel.load(tmp_path), found.candidate.frame, 12) is None


def test_what_is_known_is_the_same_in_one_part_and_in_several(model, found, monkeypatch):
    frame, names = found.candidate.frame.head(40), model.survival.columns
    whole = known(model, frame, names)
    monkeypatch.setattr("pipeline.staying.ROWS_AT_A_TIME", 7)
    np.testing.assert_array_equal(known(model, frame, names), whole)
    np.testing.assert_allclose(1 / (1 + np.exp(-whole[:, 0])), model.predict(frame), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "why"), [("inactivity", "as long as they buy"), ("subscription", "only 0 customers")]
)
def test_who_cannot_be_followed_is_told(model, found, kind, why):
    frame = found.candidate.parts.frames["train"]
    bare = replace(model, survival=None)
    told = with_survival(bare, frame, np.zeros(len(frame), int), Definition(kind), seed=1)
    assert told.survival is None
    assert why in told.context[WHY]
