"""A trained model: it learns, explains itself exactly, and comes back from disk the same."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from models import model as module
from models.calibration import FARTHEST, Beta, Isotonic, Linear
from models.drivers import Drivers
from models.explanation import explain
from models.matrix import to_matrix
from models.model import MODEL_FILE, ChurnModel
from models.stability import Stability
from models.training import Data, Part, fit
from models.usual import Usual


def test_it_learns(model, frame, labels):
    churners, others = model.predict(frame)[labels == 1], model.predict(frame)[labels == 0]
    assert churners.mean() > others.mean() + 0.2


def test_probabilities_are_probabilities(model, frame):
    predicted = model.predict(frame)
    assert ((predicted > 0) & (predicted < 1)).all()


def test_contributions_add_up_to_the_log_odds(model, frame):
    predicted = model.predict(frame)
    total = model.contributions(frame).sum(axis=1)
    np.testing.assert_allclose(total, np.log(predicted / (1 - predicted)), rtol=0, atol=1e-9)


def test_contributions_are_the_same_part_by_part(model, frame, monkeypatch):
    whole = model.contributions(frame)
    monkeypatch.setattr(module, "ROWS_AT_A_TIME", 300)
    np.testing.assert_allclose(model.contributions(frame), whole, rtol=0, atol=1e-12)


def test_it_comes_back_from_disk(model, frame, tmp_path):
    usual = Usual({"usage": 0.1}, {"plan": 0.2})
    known = replace(model, usual=usual, stability=Stability(2, 9, 0.9, (0.1, 2.0), (0.5, 1.0)))
    known.save(tmp_path / "kept")
    back = ChurnModel.load(tmp_path / "kept")
    np.testing.assert_array_equal(back.predict(frame), model.predict(frame))
    assert back == known
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".txt", ".json"}


def test_a_model_of_before_it_was_known_what_is_usual_can_be_read(model, frame, tmp_path):
    """Its drivers are held against the mean of all, and nothing is said of how steady they are."""
    model.save(tmp_path)
    file = tmp_path / MODEL_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    del values["usual"], values["stability"]
    file.write_text(json.dumps(values), encoding="utf-8")
    back = ChurnModel.load(tmp_path)
    assert (back.usual, back.stability) == (Usual(), None)
    drivers = Drivers.of(explain(back, frame))
    assert drivers.usual_probability == explain(model, frame).expected_probability


def test_the_order_of_the_columns_does_not_matter(model, frame):
    np.testing.assert_array_equal(model.predict(frame[frame.columns[::-1]]), model.predict(frame))


def test_nobody_is_no_trouble(model, frame):
    assert model.predict(frame.head(0)).shape == (0,)
    assert explain(model, frame.head(0)).contributions.shape == (0, len(model.features))


def test_one_label_only_is_refused():
    part = Part(np.zeros((10, 1), dtype=np.float32), np.zeros(10, dtype=np.int8))
    with pytest.raises(ValueError, match="churners and others"):
        fit(Data(part, ["a"], []), seed=1)


def test_without_later_points_it_still_fits(frame, labels):
    matrix = to_matrix(frame, ["usage_count_30d"], {})
    fitted = fit(Data(Part(matrix, labels), ["usage_count_30d"], []), seed=1)
    assert fitted.validation == {}
    assert fitted.calibrator.kind == "none"
    assert all(trees > 0 for trees in fitted.trees.values())


@pytest.mark.parametrize(
    "calibrator",
    [
        Linear(0.7, -0.4),
        Beta(0.8, 1.3, 0.2),
        Isotonic((-3.0, -1.0, 0.5, 2.0), (-2.5, -1.4, 0.1, 3.0)),
    ],
)
def test_contributions_add_up_however_it_is_calibrated(model, frame, calibrator):
    mended = replace(model, calibrator=calibrator)
    predicted = mended.predict(frame)
    found = mended.contributions(frame)
    np.testing.assert_allclose(found.sum(axis=1), np.log(predicted / (1 - predicted)), atol=1e-9)
    far = replace(model, calibrator=Linear(9.0, -4.0))
    bold = far.predict(frame)
    told = far.contributions(frame).sum(axis=1)
    np.testing.assert_allclose(told, np.log(bold) - np.log1p(-bold), atol=1e-9)
    assert np.abs(told).max() == pytest.approx(FARTHEST)
    # What drives a customer up or down is the same as before.
    before = model.contributions(frame)
    assert (np.sign(found[:, :-1]) * np.sign(before[:, :-1]) >= 0).all()
