"""Where one score for all fails: the same thing weighs differently with two kinds of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.evaluation import Prediction
from models.health_score import Rule
from models.score_parts import by_part, fitted_weights

RULES = (Rule("silent", "days", "from", 14, 2), Rule("failed", "failed", "from", 1, 2))
COUNT = 8000


@pytest.fixture(scope="module")
def business():
    """Silence is what makes people leave, failed payments what makes companies leave."""
    random = np.random.default_rng(4)
    people = np.arange(COUNT) % 2 == 0
    silent, failed = random.random(COUNT) < 0.3, random.random(COUNT) < 0.3
    odds = -3 + 2.0 * np.where(people, silent, failed)
    labels = (random.random(COUNT) < 1 / (1 + np.exp(-odds))).astype(int)
    frame = pd.DataFrame({"days": 20.0 * silent, "failed": failed.astype(float)})
    return frame, labels, 1 / (1 + np.exp(-odds)), {"kind": {"people": people, "other": ~people}}


def test_weights_that_differ_show_why_one_score_fails(business):
    """Fitted to all both weigh alike, 2 and 2 of 4 points; by kind only one of them counts."""
    frame, labels, _, parts = business
    found = fitted_weights(frame, labels, RULES, parts)
    assert [found[rule]["by_hand"] for rule in ("silent", "failed")] == [2, 2]
    assert [found[rule]["all"] for rule in ("silent", "failed")] == pytest.approx([2, 2], abs=0.4)
    assert found["silent"]["kind = people"] == pytest.approx(4, abs=0.9)
    assert abs(found["silent"]["kind = other"]) < 0.8
    assert found["failed"]["kind = other"] == pytest.approx(4, abs=0.9)


def test_figures_stand_beside_the_model(business):
    _, labels, chances, parts = business
    score = Prediction(labels, np.zeros(COUNT), np.full(COUNT, labels.mean()))
    found = by_part(Prediction(labels, chances, chances), score, parts)["kind"]
    assert set(found) == {"people", "other"}
    one = found["people"]
    assert one["points"] == COUNT // 2
    assert one["points_score"]["auc"] == 0.5 < one["model"]["auc"]
    assert one["model"]["ece"] < 0.02


def test_rules_that_apply_to_few_have_no_weight(business):
    frame, labels, _, parts = business
    rare = frame.assign(failed=(np.arange(COUNT) < 9).astype(float))
    found = fitted_weights(rare, labels, RULES, parts)
    assert found["failed"]["all"] is None
    assert found["silent"]["all"] is not None


def test_without_rules_or_churners_there_are_no_weights(business):
    frame, labels, _, parts = business
    assert fitted_weights(frame[[]], labels, RULES, parts) == {}
    assert fitted_weights(frame, np.zeros(COUNT, int), RULES, parts) == {}
