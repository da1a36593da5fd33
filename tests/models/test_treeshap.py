"""Our SHAP values are LightGBM's, to the last digits, and Shapley's by definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import treeshap
from models.trees import BY_CATEGORY, PLAIN, ZERO_IS_MISSING, read
from models.treeshap import explain, seconds_of_lightgbm, shap_values

QUIET = {"verbosity": -1, "deterministic": True, "force_row_wise": True, "num_threads": 1}


def table(rows: int, columns: int, seed: int) -> np.ndarray:
    """Numbers as they come: gaps, many zeros, whole numbers, very large and very small ones."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, columns))
    matrix[:, ::2] = np.round(matrix[:, ::2] * 2)
    matrix *= random.choice([1.0, 1e-30, 1e30, -3.0], columns, p=[0.7, 0.1, 0.1, 0.1])
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    matrix[random.random(matrix.shape) < 0.1] = 0.0
    return matrix.astype(np.float32)


def learned(matrix: np.ndarray, trees: int, seed: int, **chosen: object) -> lgb.Booster:
    random = np.random.default_rng(seed)
    known = np.nan_to_num(np.tanh(matrix.astype(np.float64)))
    target = known @ random.normal(size=matrix.shape[1]) + random.normal(size=len(matrix))
    target += known[:, 0] * known[:, -1]
    categories = chosen.pop("categories", [])
    data = lgb.Dataset(
        matrix, target > 0, categorical_feature=categories, params=QUIET | {"max_bin": 63}
    )
    return lgb.train({"objective": "binary", "seed": seed, **QUIET, **chosen}, data, trees)


def assert_same(booster: lgb.Booster, matrix: np.ndarray, threads: int = 1) -> np.ndarray:
    """Ours, whatever the number of rows, against LightGBM's and against the prediction."""
    found = explain(read(booster.model_to_string()), matrix, threads)
    wanted = np.asarray(booster.predict(matrix, pred_contrib=True))
    largest = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * largest)
    raw = booster.predict(matrix, raw_score=True)
    np.testing.assert_allclose(found.sum(axis=1), raw, rtol=0, atol=1e-9)
    return found


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 12),
    leaves=st.integers(2, 80),
    fewest=st.sampled_from([1, 5, 40]),
    missing=st.sampled_from([{}, {"use_missing": False}, {"zero_as_missing": True}]),
    extra=st.booleans(),
    rows=st.integers(1, 300),
)
def test_it_is_lightgbms(seed, columns, leaves, fewest, missing, extra, rows):
    matrix = table(400, columns, seed)
    chosen = {"num_leaves": leaves, "min_data_in_leaf": fewest, "extra_trees": extra}
    booster = learned(matrix, 8, seed, min_sum_hessian_in_leaf=0, **chosen, **missing)
    assert_same(booster, np.concatenate([table(rows, columns, seed + 1), matrix[:5]]))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    categories=st.integers(1, 100),
    missing=st.sampled_from([{}, {"use_missing": False}, {"zero_as_missing": True}]),
)
def test_categories_are_lightgbms(seed, categories, missing):
    random = np.random.default_rng(seed)
    matrix = table(400, 4, seed)
    matrix[:, 1] = random.integers(0, categories, 400)
    matrix[:, 3] = random.integers(0, 3, 400)
    settings = {"min_data_per_group": 1, "cat_smooth": 0.1, "max_cat_to_onehot": 2, **missing}
    booster = learned(matrix, 8, seed, categories=[1, 3], min_data_in_leaf=1, **settings)
    odd = [np.nan, -1, -0.5, 0.5, 31.9, 32, categories, 1e6, 2.0**31, 1e30, np.inf, -np.inf]
    asked = np.repeat(matrix[:20], len(odd), axis=0)
    asked[:, 1] = np.tile(odd, 20)
    assert_same(booster, np.concatenate([asked.astype(np.float32), matrix]))


def chain(features: int, seed: int) -> lgb.Booster:
    """A tree that halves its points by one feature after the other, as no training would."""
    nodes = range(features)
    left = [*(node + 1 for node in nodes[:-1]), -1]
    counts = [2 ** (features - node) for node in nodes]
    values = np.random.default_rng(seed).normal(size=features + 1)
    told = {
        "num_leaves": [features + 1],
        "num_cat": [0],
        "split_feature": nodes,
        "split_gain": [1] * features,
        "threshold": [0.5] * features,
        "decision_type": [2] * features,
        "left_child": left,
        "right_child": [~(node + 1) for node in nodes],
        "leaf_value": values,
        "leaf_weight": [1] * (features + 1),
        "leaf_count": [1, *(count // 2 for count in counts)],
        "internal_value": [0] * features,
        "internal_weight": [1] * features,
        "internal_count": counts,
        "is_linear": [0],
        "shrinkage": [1],
    }
    matrix = np.random.default_rng(seed).random((20, features)).round()
    data = lgb.Dataset(matrix, np.arange(20), params=QUIET)
    text = lgb.train({"objective": "regression", **QUIET}, data, 1).model_to_string()
    lines = [f"{key}={' '.join(str(value) for value in told[key])}" for key in told]
    head = "\n".join(line for line in text.split("Tree=")[0].splitlines() if "_sizes" not in line)
    tree = "\n".join(["Tree=0", *lines])
    return lgb.Booster(model_str=f"{head}\n\n{tree}\n\n\nend of trees\n")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), features=st.integers(1, 29))
def test_long_ways_of_many_features(seed, features):
    asked = np.random.default_rng(seed).random((200, features)) < 0.2
    booster = chain(features, seed)
    found = explain(read(booster.model_to_string()), asked.astype(np.float32), 1)
    wanted = booster.predict(asked.astype(np.float32), pred_contrib=True)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_the_worlds_above_are_of_all_kinds():
    matrix = table(400, 4, 0)
    matrix[:, 1] = np.arange(400) % 50
    booster = learned(matrix, 8, 0, categories=[1], min_data_per_group=1, cat_smooth=0.1)
    forest = read(booster.model_to_string())
    assert len(forest.words)
    assert {PLAIN, BY_CATEGORY} <= set(forest.nodes["way"].tolist())
    booster = learned(matrix, 8, 0, zero_as_missing=True)
    assert set(read(booster.model_to_string()).nodes["way"]) == {ZERO_IS_MISSING}


def test_trees_that_do_not_split_add_their_value():
    matrix = table(50, 3, 1)
    data = lgb.Dataset(matrix, np.arange(50) < 10, params=QUIET)
    booster = lgb.train({"objective": "binary", "min_data_in_leaf": 100, **QUIET}, data, 3)
    found = assert_same(booster, matrix)
    assert (found[:, :-1] == 0).all()
    assert (found[:, -1] != 0).all()


def test_trees_that_split_beside_some_that_do_not():
    matrix = table(300, 3, 1)
    text = learned(matrix, 3, 1).model_to_string()
    head, first, _, third = text.split("Tree=")
    head = "".join(line for line in head.splitlines(True) if not line.startswith("tree_sizes"))
    leaf = (
        "1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\n"
        "decision_type=\nleft_child=\nright_child=\nleaf_value=0.25\nleaf_weight=\n"
        "leaf_count=\ninternal_value=\ninternal_weight=\ninternal_count=\nis_linear=0\n"
        "shrinkage=1\n\n\n"
    )
    booster = lgb.Booster(model_str="Tree=".join([head, first, leaf, third]))
    leaves = [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
    assert leaves[1] == 1
    assert_same(booster, matrix)


def test_the_same_bytes_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(treeshap, "ROWS_AT_A_TIME", 256)
    matrix = table(3000, 10, 2)
    booster = learned(matrix, 30, 2, num_leaves=20)
    forest = read(booster.model_to_string())
    alone = explain(forest, matrix, 1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(explain(forest, matrix, threads), alone)


def test_a_row_does_not_depend_on_its_neighbours():
    matrix = table(500, 10, 3)
    forest = read(learned(matrix, 30, 3).model_to_string())
    together = explain(forest, matrix, 1)
    for first, after in ((0, 1), (17, 18), (100, 333)):
        alone = explain(forest, matrix[first:after], 1)
        np.testing.assert_array_equal(alone, together[first:after])
    np.testing.assert_array_equal(explain(forest, matrix[::-1], 1), together[::-1])


def shapley(tree: dict, row: np.ndarray) -> np.ndarray:
    """From the definition: a feature's mean gain over all sets of others that are known before."""

    def expected(node: dict, known: tuple[int, ...]) -> float:
        if "leaf_value" in node:
            return node["leaf_value"]
        children = node["left_child"], node["right_child"]
        if node["split_feature"] in known:
            return expected(children[not row[node["split_feature"]] <= node["threshold"]], known)
        counts = [c.get("internal_count", c.get("leaf_count")) for c in children]
        return np.average([expected(child, known) for child in children], weights=counts)

    features = range(len(row))
    found = np.zeros(len(row) + 1)
    for feature in features:
        others = [other for other in features if other != feature]
        for size in range(len(row)):
            orders = factorial(size) * factorial(len(row) - size - 1) / factorial(len(row))
            for known in combinations(others, size):
                gain = expected(tree, (*known, feature)) - expected(tree, known)
                found[feature] += orders * gain
    found[-1] = expected(tree, ())
    return found


@pytest.mark.parametrize("seed", range(5))
def test_it_is_shapleys_by_definition(seed):
    matrix = np.random.default_rng(seed).normal(size=(60, 5)).astype(np.float32)
    booster = learned(matrix, 1, seed, num_leaves=25, min_data_in_leaf=1)
    tree = booster.dump_model()["tree_info"][0]["tree_structure"]
    found = explain(read(booster.model_to_string()), matrix[:12], 1)
    wanted = [shapley(tree, row) for row in matrix[:12]]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_few_rows_are_left_to_lightgbm_and_many_are_not(monkeypatch):
    matrix = table(2000, 6, 4)
    booster = learned(matrix, 20, 4)
    limit = treeshap.FEW_SECONDS / seconds_of_lightgbm(read(booster.model_to_string()))
    few = min(int(limit) - 1, len(matrix))
    wanted = booster.predict(matrix[:few], pred_contrib=True)
    np.testing.assert_array_equal(shap_values(booster, matrix[:few]), wanted)
    np.testing.assert_array_equal(shap_values(booster.model_to_string(), matrix[:few]), wanted)
    monkeypatch.setattr(treeshap, "FEW_SECONDS", 0.0)
    monkeypatch.setattr(lgb.Booster, "predict", None)
    ours = shap_values(booster, matrix)
    np.testing.assert_array_equal(ours, explain(read(booster.model_to_string()), matrix, 1))


def test_the_trees_are_read_once(monkeypatch):
    matrix = table(300, 4, 5)
    text = learned(matrix, 3, 5).model_to_string()
    asked = []
    monkeypatch.setattr(treeshap, "read", lambda told: asked.append(told) or read(told))
    treeshap.forest_of.cache_clear()
    for _ in range(3):
        shap_values(text, matrix)
    assert asked == [text]


def test_nobody_is_no_trouble():
    booster = learned(table(300, 4, 6), 3, 6)
    none = np.empty((0, 4), np.float32)
    assert shap_values(booster, none).shape == (0, 5)
    assert explain(read(booster.model_to_string()), none, 2).shape == (0, 5)


def test_columns_in_memory_are_as_good_as_rows():
    matrix = table(300, 4, 7)
    forest = read(learned(matrix, 5, 7).model_to_string())
    by_column = np.asfortranarray(matrix)
    np.testing.assert_array_equal(explain(forest, by_column, 1), explain(forest, matrix, 1))


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((5, 3), np.float32), np.zeros((5, 4)), np.zeros(4, np.float32)],
    ids=["too narrow", "doubles", "one row"],
)
def test_what_the_booster_does_not_read_is_refused(matrix):
    booster = learned(table(300, 4, 8), 2, 8)
    with pytest.raises(ValueError, match="the booster reads 4 columns of float32, this is"):
        shap_values(booster, matrix)
