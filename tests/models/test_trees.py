"""A booster's text is read as LightGBM reads it."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trees import read, rounded_down

QUIET = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}


def booster(rounds: int = 3, target: np.ndarray | None = None, **chosen: object) -> lgb.Booster:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(200, 5)).astype(np.float32)
    matrix[:, 1] = 0.0
    target = matrix[:, 0] > matrix[:, 3] * matrix[:, 4] if target is None else target
    data = lgb.Dataset(matrix, target, params=QUIET)
    return lgb.train({"objective": "binary", "num_leaves": 6, **QUIET, **chosen}, data, rounds)


def test_nodes_and_leaves_are_numbered_through():
    model = booster()
    forest = read(model.model_to_string())
    trees = model.dump_model()["tree_info"]
    assert forest.roots.tolist() == [0, 5, 10]
    assert forest.width == 5
    assert forest.columns.tolist() == [0, 3, 4]

    def same(node: int, told: dict) -> None:
        if node < 0:
            assert forest.leaves[~node] == told["leaf_value"]
            return
        mine = forest.nodes[node]
        assert forest.columns[mine["feature"]] == told["split_feature"]
        assert mine["threshold"] <= told["threshold"]
        count = told["left_child"].get("internal_count", told["left_child"].get("leaf_count"))
        assert mine["share"] == count / told["internal_count"]
        same(mine["left"], told["left_child"])
        same(mine["right"], told["right_child"])

    for root, tree in zip(forest.roots, trees, strict=True):
        same(root, tree["tree_structure"])


def test_the_best_iteration_is_what_the_text_holds():
    model = booster(5)
    model.best_iteration = 2
    assert len(read(model.model_to_string()).roots) == 2


@given(
    threshold=st.floats(allow_nan=False),
    value=st.floats(width=32, allow_nan=False),
    near=st.booleans(),
)
def test_the_rounded_threshold_parts_float32_values_alike(threshold, value, near):
    if near:
        threshold = float(np.nextafter(value, threshold))
    down = rounded_down(np.array([threshold]))[0]
    assert (np.float32(value) <= down) == (float(value) <= threshold)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"linear_tree": True}, "linear leaves"),
        ({"objective": "multiclass", "num_class": 3}, "one class"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "add up trees"),
    ],
)
def test_what_cannot_be_explained_is_refused(chosen, said):
    target = np.arange(200) % 3 if "num_class" in chosen else None
    with pytest.raises(ValueError, match=said):
        read(booster(target=target, **chosen).model_to_string())


def test_counts_that_do_not_add_up_are_refused():
    text = booster().model_to_string()
    with pytest.raises(ValueError, match="how many points"):
        read(text.replace("internal_count=200", "internal_count=199"))
    with pytest.raises(ValueError, match="how many points"):
        read("\n".join(line for line in text.split("\n") if "_count=" not in line))
