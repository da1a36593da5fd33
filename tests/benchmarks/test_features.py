"""What groups of features bring: the one that helps is found, the one that is noise is not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks import features
from benchmarks.effects import Figure, pooled, ranked, surprised
from benchmarks.features import GROUPS, Trial, judge, stays

COLUMNS = ["level", "noise_1", "noise_2", "help_1", "same_1"]


def some(rows, random):
    matrix = random.normal(size=(rows, len(COLUMNS))).astype(np.float32)
    matrix[:, -1] = np.nan
    chance = 1 / (1 + np.exp(2 - matrix[:, 0] - matrix[:, 3]))
    return matrix, (random.random(rows) < chance).astype(np.int8)


@pytest.fixture(scope="module")
def effects():
    random = np.random.default_rng(1)
    trial = Trial(
        *some(2000, random),
        *some(2000, random),
        customers=np.arange(2000) // 2,
        names=COLUMNS,
        texts=[],
    )
    groups = {name: rf"{name}_\d" for name in ("noise", "help", "same")}
    return judge(trial, groups, fits=16)


def test_the_group_that_helps_is_found(effects):
    found = effects["help"]
    assert found.log_loss.lower
    assert found.auc.higher
    assert found.columns == 1
    assert stays([found.log_loss])


def test_noise_does_not_stay(effects):
    assert effects["noise"].columns == 2
    assert not stays([effects["noise"].log_loss])


def test_a_group_that_says_the_same_of_everybody_is_not_judged(effects):
    assert set(effects) == {"noise", "help"}


def test_figures_are_those_of_scikit_learn_and_points_move_them_to_nothing():
    random = np.random.default_rng(2)
    labels, predicted = random.integers(0, 2, 50), random.random(50).round(1) * 0.9 + 0.05
    log_odds = np.log(predicted / (1 - predicted))
    for ours, theirs in ((ranked, roc_auc_score), (surprised, log_loss)):
        value, moved = ours(labels, log_odds)
        assert value == pytest.approx(theirs(labels, predicted))
        assert moved.sum() == pytest.approx(0)


@pytest.mark.parametrize("groups", [1, 3, 24])
def test_any_two_groups_are_together_as_often_as_apart(groups):
    design = features._design(groups, fits=192)
    assert (design.T @ design == len(design) * np.eye(groups)).all()
    assert (design.sum(axis=0) == 0).all()


@pytest.mark.parametrize(
    ("log_losses", "expected"),
    [
        ([Figure(-3, 1)], True),
        ([Figure(-1.5, 1), Figure(-1.5, 1)], True),
        ([Figure(-3, 1), Figure(2, 1)], True),
        ([Figure(-3, 1), Figure(9, 2)], True),
        ([Figure(-3, 1), Figure(9, 1)], False),
        ([Figure(-1, 1)], False),
    ],
)
def test_the_rule(log_losses, expected):
    assert stays(log_losses) is expected


def test_figures_are_pooled_by_their_certainty():
    found = pooled([Figure(1, 1), Figure(4, 2)])
    assert (found.value, found.error) == (pytest.approx(1.6), pytest.approx(0.8**0.5))
    assert pooled([Figure(0, 0), Figure(1, 1), Figure(4, 2)]) == found
    assert pooled([Figure(0, 0)]) == Figure(0, 0)


def test_features_of_every_kind_belong_to_a_group():
    judged = {
        "usage_count_trend_30d": "trends",
        "usage_log_in_count_first_30d": "first 30 days",
        "usage_breadth_30d": "breadth",
        "surveys_nps_last_score_vs_own": "surveys: against the own mean",
        "surveys_nps_last_score": "surveys",
        "subscriptions_days_to_end_unless_renewed": "renewal phase",
        "subscriptions_days_since_price_change": "price changes",
        "usage_count_30d": None,
        "subscriptions_monthly_price": None,
    }
    assert {name: features._group_of(name, GROUPS) for name in judged} == judged
