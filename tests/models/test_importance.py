"""Importances with intervals: what moves the risk on the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.drivers import Drivers
from models.explanation import Explanation
from models.importance import driver_importance, feature_importance
from models.model import ChurnModel
from models.usual import Usual

FEATURES = (
    {"name": "logins", "meaning": "", "unit": "number", "group": "usage"},
    {"name": "days", "meaning": "", "unit": "number", "group": "usage"},
    {"name": "plan", "meaning": "", "unit": "text", "group": "price"},
)
MODEL = ChurnModel((), FEATURES, {"plan": ["a", "b"]}, {}, 0.1, {})


def explanation(contributions: np.ndarray, logins: np.ndarray | None = None) -> Explanation:
    count = len(contributions)
    frame = pd.DataFrame(
        {
            "logins": np.arange(count) if logins is None else logins,
            "days": np.zeros(count),
            "plan": np.tile(["a", "b"], count)[:count],
        }
    )
    return Explanation(MODEL, frame, np.asarray(contributions, dtype=np.float64), -2.0)


def of_drivers(explained: Explanation, customers: np.ndarray) -> pd.DataFrame:
    return driver_importance(Drivers.of(explained), customers, seed=1)


def test_means_are_those_of_the_absolute_contributions():
    found = feature_importance(explanation([[1, -2, 0], [-1, 4, 0]]), np.array([1, 2]), seed=1)
    assert found["name"].tolist() == ["days", "logins", "plan"]
    assert found["group"].tolist() == ["usage", "usage", "price"]
    assert found["mean_abs_shap"].tolist() == [3, 1, 0]
    assert found.loc[0, ["low", "high"]].tolist() == [2, 4]
    assert found.loc[1, ["low", "high"]].tolist() == [1, 1]


def test_what_features_of_a_driver_take_from_each_other_does_not_count():
    found = of_drivers(explanation([[1, -1, 0.5], [2, -4, 0.5]]), np.array([1, 2]))
    assert found["group"].tolist() == ["usage", "price"]
    assert found["mean_abs_shap"].tolist() == [1, 0.5]
    assert found["mean_shap"].tolist() == [-1, 0.5]


def test_drivers_are_held_against_a_usual_customer():
    usual = replace(MODEL, usual=Usual(groups={"usage": -1.0, "price": 0.5}))
    explained = replace(explanation([[1, -1, 0.5], [2, -4, 0.5]]), model=usual)
    found = of_drivers(explained, np.array([1, 2])).set_index("group")
    assert found.loc["usage", ["mean_abs_shap", "mean_shap"]].tolist() == [1, 0]
    assert found.loc["price", ["mean_abs_shap", "mean_shap"]].tolist() == [0, 0]


def test_equals_stand_in_the_order_of_their_names():
    alike = explanation(np.ones((3, 3)))
    customers = np.arange(3)
    assert feature_importance(alike, customers, seed=1)["name"].tolist() == [
        "days",
        "logins",
        "plan",
    ]
    single = explanation(np.tile([0.5, 0.5, -1], (3, 1)))
    assert of_drivers(single, customers)["group"].tolist() == ["price", "usage"]


def test_points_of_one_customer_are_drawn_together():
    random = np.random.default_rng(2)
    sizes = np.repeat(random.normal(size=(50, 3)), 6, axis=0)
    found = [
        feature_importance(explanation(sizes), customers, seed=3)
        for customers in (np.repeat(np.arange(50), 6), np.arange(300))
    ]
    together, apart = ((each["high"] - each["low"]).to_numpy() for each in found)
    assert (together > 1.8 * apart).all()


def test_the_interval_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).exponential(size=(2000, 3))
    found = feature_importance(explanation(values), np.arange(2000), seed=1)
    np.testing.assert_allclose(found["high"] - found["low"], 2 * 1.96 / np.sqrt(2000), rtol=0.2)


def test_direction_is_that_of_value_and_contribution():
    values = np.array([5.0, 3.0, np.nan, 1.0])
    contributions = np.array([[0.1, 1, 1], [0.2, 2, 2], [9, 3, 3], [0.7, 4, 4]])
    found = feature_importance(explanation(contributions, values), np.arange(4), seed=1)
    directions = found.set_index("name")["direction"]
    assert directions["logins"] == pytest.approx(-1)
    assert np.isnan(directions["days"]), "a constant has no direction"
    assert np.isnan(directions["plan"]), "a text has no direction"


def test_direction_of_many_points_is_told_by_some():
    values = np.random.default_rng(4).normal(size=9000)
    contributions = np.column_stack([values**3, values, values])
    found = feature_importance(explanation(contributions, values), np.arange(9000), seed=1)
    assert found.set_index("name")["direction"]["logins"] == pytest.approx(1)


def test_without_points_nothing_is_known():
    nothing = explanation(np.empty((0, 3)))
    for found in (
        feature_importance(nothing, np.array([]), seed=1),
        of_drivers(nothing, np.array([])),
    ):
        assert found[["mean_abs_shap", "low", "high"]].isna().all(axis=None)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(-5, 5)),
    st.integers(1, 5),
)
def test_intervals_lie_among_what_was_seen(contributions, customers):
    whose = np.arange(len(contributions)) % customers
    found = feature_importance(explanation(contributions), whose, seed=1).set_index("name")
    sizes = np.abs(contributions)
    for position, feature in enumerate(FEATURES):
        low, high = found.loc[feature["name"], ["low", "high"]]
        slack = 1e-12
        assert sizes[:, position].min() - slack <= low <= high + slack
        assert high <= sizes[:, position].max() + slack
    assert found["mean_abs_shap"].is_monotonic_decreasing
