"""The paths of a booster: they lead rows where LightGBM leads them."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from models.tree_paths import Tree, trees_of
from models.treeshap import forest_of


def booster(*, zero_as_missing: bool = False, gaps: bool = True) -> tuple[lgb.Booster, np.ndarray]:
    """Numbers with gaps and zeros, and codes of categories with unseen ones in the last column."""
    random = np.random.default_rng(3)
    matrix = random.normal(size=(1500, 5))
    matrix[random.random(matrix.shape) < 0.2] = 0.0
    if gaps:
        matrix[random.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 4] = random.integers(0, 40, 1500)
    risk = np.nan_to_num(matrix[:, 0]) + np.isnan(matrix[:, 1]) + (matrix[:, 4] % 2)
    labels = (random.random(1500) < 1 / (1 + np.exp(1 - risk))).astype(int)
    settings = {"objective": "binary", "verbosity": -1, "num_leaves": 8, "min_data_in_leaf": 10}
    settings |= {"zero_as_missing": zero_as_missing, "min_data_per_group": 5, "seed": 1}
    data = lgb.Dataset(matrix, labels, categorical_feature=[4])
    rows = np.vstack([matrix, matrix[:60]]).astype(np.float32)
    rows[-60:-30, 4] = np.nan
    rows[-30:, 4] = np.resize([-1, 77, 2000], 30)
    rows[-45:, 0] = np.nan
    return lgb.train(settings, data, num_boost_round=25), rows


def trees(made: lgb.Booster) -> list[Tree]:
    return [*trees_of(forest_of(made.model_to_string()))]


@pytest.mark.parametrize("zero_as_missing", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
def test_every_row_comes_to_the_leaf_that_lightgbm_says(zero_as_missing, gaps):
    made, rows = booster(zero_as_missing=zero_as_missing, gaps=gaps)
    total = np.zeros(len(rows))
    for tree in trees(made):
        decisions = tree.decisions(rows)
        reached = np.zeros((len(tree.leaves), len(rows)), dtype=bool)
        for number, leaf in enumerate(tree.leaves):
            steps = [step for asked in leaf.steps.values() for step in asked]
            reached[number] = np.all([decisions[split] == left for split, left in steps], axis=0)
        assert (reached.sum(axis=0) == 1).all()
        total += np.array([leaf.value for leaf in tree.leaves]) @ reached
    np.testing.assert_allclose(total, made.predict(rows, raw_score=True), rtol=0, atol=1e-12)


def test_shares_of_the_leaves_are_all_of_the_training():
    made, _ = booster()
    for tree in trees(made):
        assert sum(leaf.share for leaf in tree.leaves) == pytest.approx(1)


def test_a_tree_without_a_split_has_no_paths():
    made = lgb.train(
        {"objective": "binary", "verbosity": -1},
        lgb.Dataset(np.zeros((50, 1)), np.tile([0, 1], 25), params={"feature_pre_filter": False}),
        num_boost_round=1,
    )
    assert not trees(made)
