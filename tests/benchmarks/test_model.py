"""Trials of the model: what helps is found, what cannot be done is told, every trial predicts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from benchmarks import fitting, model
from benchmarks.trials import SIGNS, TRIALS, Table, boosted
from models.training import Data, Part, fit

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
MONTH = 30
MONTHS = 10
CUSTOMERS = 120


@pytest.fixture(scope="module")
def table() -> Table:
    """Ten cutoffs and the days between them; who churns is up to two columns and a text."""
    random = np.random.default_rng(4)
    days = np.repeat(np.arange(2 * MONTHS - 1) * MONTH // 2, CUSTOMERS)
    matrix = random.normal(size=(len(days), 4)).astype(np.float32)
    matrix[:, 3] = random.integers(0, 3, len(days))
    pull = matrix[:, 0] - matrix[:, 1] + (matrix[:, 3] == 1) - 1
    return Table(
        matrix=matrix,
        labels=(random.random(len(days)) < 1 / (1 + np.exp(-pull))).astype(np.int8),
        days=days,
        customers=np.tile(np.arange(CUSTOMERS), 2 * MONTHS - 1),
        between=days % MONTH != 0,
        names=("usage_days_since_last", "usage_count_30d", "noise", "plan"),
        texts=("plan",),
    )


def impossible(learned, later):
    raise lgb.basic.LightGBMError("no such trees")


def worse(learned, later):
    return boosted(replace(learned, labels=np.roll(learned.labels, 7)), later)


def test_differences_are_against_the_model_as_it_is(table):
    level, found = model.attempt(
        table, MONTH, trials={"same": boosted, "impossible": impossible, "worse": worse}
    )
    assert level["points"] == 2 * CUSTOMERS
    assert level["auc"] > 0.7
    assert found["same"].auc.value == found["same"].log_loss.value == 0
    assert found["impossible"] is None
    assert found["worse"].auc.lower
    assert found["worse"].log_loss.higher
    assert found[model.MORE_POINTS].log_loss.value != 0


def test_a_trial_learns_from_what_was_known_and_more_points_from_those_between(table):
    seen = {}

    def watch(learned, later):
        seen["learned"], seen["later"] = learned, later
        return boosted(learned, later)

    model.attempt(table, MONTH, only="watch", trials={"watch": watch})
    assert not seen["learned"].between.any()
    assert seen["learned"].days.max() + MONTH <= seen["later"].days.min()
    assert sorted(np.unique(seen["later"].days)) == [8 * MONTH, 9 * MONTH]


@pytest.mark.parametrize("name", TRIALS)
def test_every_trial_predicts(table, name):
    learned, later = table.rows(table.days < 6 * MONTH), table.rows(table.days >= 8 * MONTH)
    before = later.matrix.copy()
    try:
        found = TRIALS[name](learned, later)
    except lgb.basic.LightGBMError:
        pytest.skip("LightGBM cannot do this")
    assert found.shape == later.labels.shape
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(later.matrix, before)


def test_signs_are_of_features_that_there_are():
    told = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.M)
    names = [re.sub(r"\{(\d+)[\d,]*\}", r"\1", name.replace("<kind>", "nps")) for name in told]
    assert [sign for sign, _ in SIGNS if not any(re.fullmatch(sign, name) for name in names)] == []


def test_the_report_tells_what_failed(table):
    level, found = model.attempt(table, MONTH, only="none", trials={})
    assert found == {}
    told = model._told({"one": {"a": None}, "two": {"a": None}})
    assert told[-1] == "| a | fails | fails | fails |"
    assert "| one | 240 |" in model._told_levels({"one": level})[-1]


def test_bare_fits_are_the_boosters_of_the_model(table):
    kept = table.rows(~table.between)
    folds = [(np.flatnonzero(kept.days < 200), np.flatnonzero(kept.days >= 230))]
    data = Data(Part(kept.matrix, kept.labels), list(kept.names), list(kept.texts), folds)
    fitted = fit(data, seed=fitting.SEED)
    alone = [booster.predict(kept.matrix, raw_score=True) for booster in fitting.bare(data, fitted)]
    ours = [lgb.Booster(model_str=text) for text in fitted.boosters]
    for one, other in zip(alone, ours, strict=True):
        np.testing.assert_allclose(one, other.predict(kept.matrix, raw_score=True), atol=1e-9)
    costs = fitting.time_jobs(data, fitted, rounds=2)
    assert all(len(each) == 2 for each in costs.values())
    assert all(cost.wall > 0 for each in costs.values() for cost in each)
