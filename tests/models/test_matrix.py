"""Vectors as a matrix: the same text has the same code, whatever else is in the frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.matrix import MOST_LEVELS, find_levels, to_matrix


def test_levels_are_the_commonest_first_ties_by_name():
    frame = pd.DataFrame({"plan": ["pro", "basic", "basic", "free", None]})
    assert find_levels(frame, ["plan"]) == {"plan": ["basic", "free", "pro"]}


def test_rare_levels_are_dropped():
    frame = pd.DataFrame({"name": [f"customer {n:03}" for n in range(500)]})
    assert len(find_levels(frame, ["name"])["name"]) == MOST_LEVELS


def test_codes_come_from_the_stored_levels():
    """At scoring other texts may be there, in another order, or none at all."""
    levels = {"plan": ["basic", "pro"]}
    frame = pd.DataFrame({"plan": pd.Categorical(["pro", None, "new", "basic"]), "n": [1, 2, 3, 4]})
    matrix = to_matrix(frame, ["n", "plan"], levels)
    np.testing.assert_array_equal(matrix[:, 1], np.float32([1, np.nan, np.nan, 0]))
    np.testing.assert_array_equal(matrix[:, 0], np.float32([1, 2, 3, 4]))


def test_a_missing_feature_is_named():
    with pytest.raises(ValueError, match="tenure_days"):
        to_matrix(pd.DataFrame({"n": [1.0]}), ["n", "tenure_days"], {})


@pytest.mark.parametrize("given", [[3, 1], [3.0, 1.0], ["3", "1"]])
def test_a_number_is_the_text_it_was_in_training(given):
    matrix = to_matrix(pd.DataFrame({"size": given}), ["size"], {"size": ["1", "3"]})
    np.testing.assert_array_equal(matrix[:, 0], np.float32([1, 0]))


@pytest.mark.parametrize(
    "values", [[3.0, 2.0, 3.0], [True, False, True], [1234567890123456, 7, 7], [2.5, 2.5, 1.0]]
)
def test_texts_of_any_type_are_known_again(values):
    frame = pd.DataFrame({"a": values})
    levels = find_levels(frame, ["a"])
    codes = to_matrix(frame, ["a"], levels)[:, 0]
    assert not np.isnan(codes).any()
    np.testing.assert_array_equal(codes, to_matrix(frame.astype(object), ["a"], levels)[:, 0])
