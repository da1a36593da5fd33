"""What the same contacts earn, chosen by the model and by what is simpler."""

from __future__ import annotations

import numpy as np
import pytest

from models.earnings import curves, earnings
from models.evaluation import Prediction
from models.profit import Campaign

CAMPAIGN = Campaign(cost=10, incentive=5, success_rate=0.2)
LABELS = np.array([1, 0, 0, 0])
VALUES = np.full(4, 300.0)
SURE = Prediction(LABELS, np.array([0.9, 0.1, 0.1, 0.1]), np.array([0.9, 0.1, 0.1, 0.1]))
ORDER = Prediction(LABELS, np.array([1.0, 4.0, 3.0, 2.0]))


def test_by_hand():
    """The churner is contacted alone: a fifth of 300 less 10; everybody else would cost 15."""
    found = earnings(SURE, {"recency": ORDER}, VALUES, CAMPAIGN)
    assert found["policy"] == {"profit": pytest.approx(50 / 4), "share": 0.25}
    assert found["best"] == {"profit": pytest.approx(50 / 4), "share": 0.25}
    assert found["everybody"] == pytest.approx((50 - 45) / 4)
    assert found["nobody"] == 0
    assert found["mean_value"] == 300


def test_an_order_alone_is_no_policy():
    """It has to contact three others before it comes to the churner."""
    found = earnings(SURE, {"recency": ORDER}, VALUES, CAMPAIGN)["baselines"]["recency"]
    assert found["policy"] is None
    assert found["best"] == {"profit": pytest.approx(5 / 4), "share": 1}


def test_curves_begin_with_nobody_and_end_with_everybody():
    found = curves({"model": SURE, "recency": ORDER}, VALUES, CAMPAIGN)
    for name in ("model", "recency"):
        assert (found["recall"][name][0], found["recall"][name][-1]) == (0, pytest.approx(1))
        assert found["profit"][name][0] == 0
        assert found["profit"][name][-1] == pytest.approx(5 / 4)
    assert found["recall"]["model"][25] == pytest.approx(1)


def test_without_money_there_is_no_profit_and_without_churners_no_recall():
    nobody = Prediction(np.zeros(4), SURE.scores, SURE.probabilities)
    found = curves({"model": nobody}, None, CAMPAIGN)
    assert found["profit"] is None
    assert found["recall"] == {}
