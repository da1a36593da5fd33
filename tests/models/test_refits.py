"""Refits learn from other draws of the same customers, and are repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from models import refits as module
from models.matrix import to_matrix
from models.refits import refits
from models.training import Data, Fitted, Part


@pytest.fixture(scope="module")
def learned(model, frame, labels):
    data = Data(Part(to_matrix(frame, model.names, model.levels), labels), model.names, ["plan"])
    return data, Fitted((), {"searched": 20, "random": 20})


def again(model, learned, customers, *, seed=3, count=2):
    return list(refits(model, *learned, customers, seed=seed, count=count))


def test_each_is_another_draw_and_the_same_seed_draws_the_same(model, learned, frame):
    customers = np.repeat(np.arange(200), 4)
    first, second = again(model, learned, customers)
    assert not np.array_equal(first.predict(frame), second.predict(frame))
    assert again(model, learned, customers)[0].boosters_text == first.boosters_text
    assert again(model, learned, customers, seed=4)[0].boosters_text != first.boosters_text
    assert first.calibrator == model.calibrator


def test_the_points_of_a_customer_are_drawn_together(model, learned, monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "dataset", drawn.append)
    monkeypatch.setattr(module, "fit_boosters", lambda *rest, **named: ())
    customers = np.arange(800) // 100
    data = Data(Part(customers[:, None].astype(np.float32), learned[0].points.labels), ["who"], [])
    list(refits(model, data, learned[1], customers, seed=3, count=5))
    times = [np.bincount(sample.points.matrix[:, 0].astype(int), minlength=8) for sample in drawn]
    assert all((each % 100 == 0).all() and each.sum() == 800 for each in times)
    assert any((each > 100).any() for each in times)


def test_large_trainings_are_sampled(model, learned, monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "MOST_POINTS", 80)
    monkeypatch.setattr(module, "dataset", lambda data: drawn.append(len(data.points)))
    monkeypatch.setattr(module, "fit_boosters", lambda *rest, **named: ())
    again(model, learned, np.arange(800), count=3)
    assert drawn == [80, 80, 80]
