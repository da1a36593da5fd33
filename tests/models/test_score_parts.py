"""Where one score for all fails: the same thing weighs differently with two kinds of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.evaluation import Prediction
from models.health_score import Rule
from models.score_parts import Weights, by_part, fitted_weights

RULES = (Rule("silent", "days", "from", 14, 2), Rule("failed", "failed", "from", 1, 2))
COUNT = 8000
WHO = np.arange(COUNT)


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
    fitted = fitted_weights(frame, labels, RULES, parts, WHO)
    found = fitted.by_rule
    assert [found[rule]["by_hand"] for rule in ("silent", "failed")] == [2, 2]
    assert [found[rule]["all"] for rule in ("silent", "failed")] == pytest.approx([2, 2], abs=0.4)
    assert found["silent"]["kind = people"] == pytest.approx(4, abs=0.9)
    assert abs(found["silent"]["kind = other"]) < 0.8
    assert found["failed"]["kind = other"] == pytest.approx(4, abs=0.9)
    assert {(one.rule, one.by) for one in fitted.apart} == {("silent", "kind"), ("failed", "kind")}
    silent = next(one for one in fitted.apart if one.rule == "silent")
    assert silent.low == ("other", found["silent"]["kind = other"])
    assert silent.high == ("people", found["silent"]["kind = people"])
    assert silent.p_value < 1e-6


def test_weights_that_differ_by_chance_are_not_told_apart(business):
    """Parts drawn by lot, of customers with eight equal points each: as one point, not eight."""
    frame, labels, _, _ = business
    few = np.repeat(np.random.default_rng(1).permutation(COUNT)[: COUNT // 8], 8)
    lots = np.repeat(np.random.default_rng(2).random(COUNT // 8) < 0.5, 8)
    parts = {"lot": {"a": lots, "b": ~lots}}
    drawn, own = frame.iloc[few].reset_index(drop=True), labels[few]
    assert fitted_weights(drawn, own, RULES, parts, few).apart == ()
    # Had they been as many customers as points, the same difference would seem clear.
    assert fitted_weights(drawn, own, RULES, parts, WHO).apart != ()


def test_businesses_whose_weights_are_alike_seldom_have_some_told_apart():
    """Of 40 about 5 %, with room for chance; customers have habits, and eight points each."""

    def told(seed):
        random = np.random.default_rng(seed)
        who = np.repeat(np.arange(600), 8)
        habit, kind = random.normal(0, 0.5, 600)[who], (random.random(600) < 0.5)[who]
        silent, failed = random.random(len(who)) < 0.3, random.random(len(who)) < 0.1
        odds = -2.5 + habit + silent + 1.5 * failed
        labels = (random.random(len(who)) < 1 / (1 + np.exp(-odds))).astype(int)
        frame = pd.DataFrame({"days": 20.0 * silent, "failed": failed.astype(float)})
        parts = {"kind": {"a": kind, "b": ~kind}}
        return bool(fitted_weights(frame, labels, RULES, parts, who).apart)

    assert sum(told(seed) for seed in range(40)) <= 5


def test_a_rule_that_nobody_left_under_is_not_compared(business):
    """Where all or nobody left, the error of its weight says nothing."""
    frame, labels, _, parts = business
    stayed = labels * (frame["failed"] == 0).to_numpy()
    found = fitted_weights(frame, stayed, RULES, parts, WHO)
    assert found.by_rule["failed"]["kind = people"] < 0
    assert {one.rule for one in found.apart} == {"silent"}


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
    found = fitted_weights(rare, labels, RULES, parts, WHO).by_rule
    assert found["failed"]["all"] is None
    assert found["silent"]["all"] is not None


def test_without_rules_or_churners_there_are_no_weights(business):
    frame, labels, _, parts = business
    assert fitted_weights(frame[[]], labels, RULES, parts, WHO) == Weights({})
    assert fitted_weights(frame, np.zeros(COUNT, int), RULES, parts, WHO) == Weights({})
