"""Interactions: equal to shap's where shap can, and to the definition where it cannot."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from models.calibration import Linear
from models.explanation import explain
from models.interactions import interaction_values, interactions
from models.model import ChurnModel
from models.trees import BY_CATEGORY, Forest
from models.treeshap import forest_of

NAMES = [f"f{number}" for number in range(5)]
FEATURES = tuple(
    {"name": name, "meaning": name, "unit": "text" if name == "f4" else "number", "group": group}
    for name, group in zip(NAMES, ["usage", "usage", "price", "support", "profile"], strict=True)
)


def train(*, leaves: int, depth: int, categories: bool, seed: int = 1) -> lgb.Booster:
    """f0 and f1 act together, as f2 and f4 do; f3 acts alone."""
    random = np.random.default_rng(5)
    matrix = random.normal(size=(2500, 5)).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 4] = random.integers(0, 4, 2500)
    known = np.nan_to_num(matrix)
    together = 4.0 * ((known[:, 0] > 0) & (known[:, 1] > 0)) - 2
    risk = together + known[:, 2] * (known[:, 4] == 2) + known[:, 3]
    labels = (random.random(2500) < 1 / (1 + np.exp(-risk))).astype(int)
    settings = {"objective": "binary", "verbosity": -1, "num_leaves": leaves, "max_depth": depth}
    data = lgb.Dataset(
        matrix, labels, feature_name=NAMES, categorical_feature=["f4"] if categories else []
    )
    settings |= {"min_data_per_group": 10, "cat_smooth": 1.0, "seed": seed, "max_cat_to_onehot": 1}
    return lgb.train(settings, data, num_boost_round=20)


def forest(booster: lgb.Booster) -> Forest:
    return forest_of(booster.model_to_string())


def forests(model: ChurnModel) -> list[Forest]:
    return [forest_of(text) for text in model.boosters_text]


def some_rows(count: int = 40) -> np.ndarray:
    random = np.random.default_rng(8)
    rows = random.normal(size=(count, 5)).astype(np.float32)
    rows[random.random(rows.shape) < 0.2] = np.nan
    rows[:, 4] = random.integers(0, 4, count)
    return rows


@pytest.mark.parametrize(("leaves", "depth"), [(8, 3), (31, 7)])
def test_they_are_those_of_shap(leaves, depth):
    import shap

    booster = train(leaves=leaves, depth=depth, categories=False)
    rows = some_rows()
    theirs = np.asarray(shap.TreeExplainer(booster).shap_interaction_values(rows))
    ours = interaction_values([forest(booster)], rows)
    for one, other in combinations(range(5), 2):
        values = ours.get((one, other), np.zeros(len(rows)))
        np.testing.assert_allclose(values, theirs[:, one, other], rtol=0, atol=1e-12)


def known_of(node: dict, row: np.ndarray, known: frozenset[int]) -> float:
    """What a tree expects where only some features are known, by LightGBM's rules for splits."""
    if "split_index" not in node:
        return node["leaf_value"]
    sides = node["left_child"], node["right_child"]
    if node["split_feature"] not in known:
        counts = [side.get("internal_count", side.get("leaf_count")) for side in sides]
        told = [known_of(side, row, known) for side in sides]
        return float(np.average(told, weights=counts))
    value = row[node["split_feature"]]
    if node["decision_type"] == "==":
        left = not np.isnan(value) and str(int(value)) in node["threshold"].split("||")
    elif np.isnan(value):
        left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
    else:
        left = float(value) <= node["threshold"]
    return known_of(sides[0 if left else 1], row, known)


def by_definition(booster: lgb.Booster, row: np.ndarray, one: int, other: int) -> float:
    """The Shapley interaction index over all coalitions of the other features, halved."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]

    def worth(*known: int) -> float:
        return sum(known_of(tree, row, frozenset(known)) for tree in trees)

    rest, total = [k for k in range(5) if k not in {one, other}], 0.0
    for size in range(4):
        weight = factorial(size) * factorial(3 - size) / (2 * factorial(4))
        for known in combinations(rest, size):
            together = worth(*known, one, other) - worth(*known, one)
            total += weight * (together - worth(*known, other) + worth(*known))
    return total


def test_with_categories_they_are_what_the_definition_says():
    booster = train(leaves=12, depth=5, categories=True)
    asked = forest(booster).nodes["way"] == BY_CATEGORY
    assert asked.any(), "the trees should ask for categories"
    rows = some_rows(4)
    ours = interaction_values([forest(booster)], rows)
    for one, other in combinations(range(5), 2):
        expected = [by_definition(booster, row, one, other) for row in rows]
        found = ours.get((one, other), np.zeros(len(rows)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    boosters = [train(leaves=8, depth=3, categories=True, seed=seed) for seed in (1, 2)]
    return ChurnModel(
        boosters_text=tuple(booster.model_to_string() for booster in boosters),
        features=FEATURES,
        levels={"f4": ["0", "1", "2", "3"]},
        typical={},
        base_rate=0.5,
        context={},
        calibrator=Linear(slope=0.5, intercept=0.3),
    )


def frame_of(rows: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(rows.astype(np.float64), columns=NAMES)
    return frame.assign(f4=[str(int(value)) for value in frame["f4"]])


def test_the_strongest_pair_is_the_one_that_acts_together(model):
    found = interactions(explain(model, frame_of(some_rows(300))))
    assert found.loc[0, ["name_1", "name_2"]].tolist() == ["f0", "f1"]
    assert found.loc[0, ["group_1", "group_2"]].tolist() == ["usage", "usage"]
    sizes = found["mean_abs_interaction"]
    assert sizes.is_monotonic_decreasing
    assert sizes[0] > 3 * sizes[1]
    assert (found["mean_interaction"].abs() <= sizes + 1e-15).all()


def test_those_of_a_model_are_the_mean_of_its_boosters(model):
    rows = some_rows(30)
    each = [interaction_values([one], rows)[0, 1] for one in forests(model)]
    found = interaction_values(forests(model), rows)[0, 1]
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=0, atol=1e-12)


def test_calibration_stretches_them_as_it_does_the_contributions(model):
    rows = some_rows(100)
    found = interactions(explain(model, frame_of(rows)))
    both = 2 * interaction_values(forests(model), rows)[0, 1]
    first = found[(found["name_1"] == "f0") & (found["name_2"] == "f1")].iloc[0]
    assert first["mean_abs_interaction"] == pytest.approx(0.5 * np.abs(both).mean(), rel=1e-9)
    assert first["mean_interaction"] == pytest.approx(0.5 * both.mean(), rel=1e-9)


def test_of_many_rows_evenly_spread_ones_are_taken(model):
    rows = some_rows(90)
    few = interactions(explain(model, frame_of(rows)), most_rows=30)
    pd.testing.assert_frame_equal(few, interactions(explain(model, frame_of(rows[::3]))))


def test_without_rows_nothing_interacts(model):
    found = interactions(explain(model, frame_of(some_rows(5)).head(0)))
    assert (found["mean_abs_interaction"] == 0).all()
