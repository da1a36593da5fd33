"""Kinds of customers that are judged apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.segments import enough, segments

LABELS = np.tile([1, 0, 0, 0], 300)


def test_common_values_with_enough_points():
    plan = np.repeat(["basic", "pro", "rare"], [700, 400, 100])
    found = segments(pd.DataFrame({"plan": pd.Categorical(plan)}), ["plan"], LABELS)
    assert {level: mask.sum() for level, mask in found["plan"].items()} == {
        "basic": 700,
        "pro": 400,
    }


def test_a_feature_that_tells_nothing_apart_makes_no_segments():
    frame = pd.DataFrame({"plan": ["basic"] * 1200, "id": [str(n) for n in range(1200)]})
    frame["empty"] = None
    assert segments(frame, ["plan", "id", "empty", "absent"], LABELS) == {}


def test_of_many_features_some_are_chosen():
    frame = pd.DataFrame({f"f{n}": np.repeat(["a", "b"], 600) for n in range(9)})
    assert list(segments(frame, list(frame.columns), LABELS)) == [f"f{n}" for n in range(6)]


def test_a_part_without_churners_is_not_enough():
    mask = np.ones(1200, dtype=bool)
    assert enough(mask, LABELS)
    assert not enough(mask, np.zeros(1200))
    assert not enough(mask & (np.arange(1200) < 199), LABELS)
