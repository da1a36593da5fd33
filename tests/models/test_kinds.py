"""How well each kind of churn is found."""

from __future__ import annotations

import numpy as np
import pytest

from models.kinds import by_kind


def test_by_hand():
    """Of ten the riskiest one failed to pay; who gave notice was rated like those who stayed."""
    labels = np.array([1, 0, 0, 0, 1, 1, 0, 0, 0, 0])
    predicted = np.array([0.9, 0.5, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1])
    kinds = np.full(10, None, dtype=object)
    kinds[[0, 4, 5]] = "payment_failure", "voluntary", "voluntary"
    found = by_kind(labels, predicted, kinds)
    assert list(found) == ["voluntary", "payment_failure"]
    assert found["payment_failure"] == {
        "churned": 1, "auc": 1, "recall_10": 1, "mean_prediction": 0.9,
    }  # fmt: skip
    # Pairs with the seven who stayed: the first is above 4 and ties with 2, the second ties with 4.
    assert found["voluntary"]["auc"] == pytest.approx((4 + 2 / 2 + 4 / 2) / 14)
    assert found["voluntary"]["recall_10"] == 0
    assert found["voluntary"]["mean_prediction"] == pytest.approx(0.25)


def test_where_everybody_left_no_kind_is_ranked():
    found = by_kind(np.array([1]), np.array([0.5]), np.array(["voluntary"], dtype=object))
    assert found["voluntary"]["auc"] is None


def test_a_churner_of_no_known_kind_is_counted():
    found = by_kind(np.array([1, 0]), np.array([0.5, 0.1]), np.array([None, None], dtype=object))
    assert found["unknown"]["churned"] == 1
