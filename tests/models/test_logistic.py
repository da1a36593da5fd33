"""The straight baseline: it learns what is straight, and copes with any vectors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.logistic import design_of, logistic_probabilities
from models.ranking import Ranking, auc

LEVELS = {"plan": ["basic", "pro"]}
FEATURES = ("days", "plan", "never")


def world(points=3000, seed=1):
    """Churn goes with days, with the plan, and with days not being known."""
    random = np.random.default_rng(seed)
    days = random.normal(size=points)
    plan = random.choice(["basic", "pro", None], points)
    missing = random.random(points) < 0.2
    odds = 1.5 * days * ~missing + 2.0 * missing + 1.0 * (plan == "pro") - 2
    labels = (random.random(points) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    frame = pd.DataFrame({"days": np.where(missing, np.nan, days), "plan": plan, "never": np.nan})
    return frame, labels, odds


def predict(frame, labels, test, **options):
    return logistic_probabilities(
        frame, labels, test, **{"features": FEATURES, "levels": LEVELS, "seed": 1, **options}
    )


def test_what_is_straight_is_learned():
    frame, labels, _ = world()
    test, outcome, odds = world(seed=2)
    found = predict(frame, labels, test)
    best = auc(Ranking(outcome, odds).count())
    assert auc(Ranking(outcome, found).count()) > best - 0.01
    assert found.mean() == pytest.approx(outcome.mean(), abs=0.02)


def test_a_feature_without_any_value_is_left_out():
    frame, _, _ = world(50)
    assert design_of(frame, FEATURES, LEVELS).features == ("days", "plan")


def test_columns_are_standardised_and_cut_off():
    frame, _, _ = world()
    frame.loc[0, "days"] = 1e9
    plain = design_of(frame, FEATURES, LEVELS).apply(frame)
    assert plain.shape == (3000, 4)  # days, its gap, two levels
    assert np.abs(plain).max() <= 5
    assert np.isfinite(plain).all()


def test_texts_that_were_not_there_in_training_are_no_level():
    frame, labels, _ = world(500)
    test = frame.assign(plan="other")
    assert np.isfinite(predict(frame, labels, test)).all()


def test_nothing_to_learn_from():
    frame, labels, _ = world(60)
    assert predict(frame, np.zeros(60, np.int8), frame) is None
    assert predict(frame, labels, frame, features=()) is None
    only_gaps = predict(frame, labels, frame, features=("never",))
    assert only_gaps is None


def test_many_points_are_sampled_and_the_same_each_time(monkeypatch):
    monkeypatch.setattr("models.logistic.MOST_POINTS", 400)
    frame, labels, _ = world()
    first, second = (predict(frame, labels, frame) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (predict(frame, labels, frame, seed=2) != first).any()
