"""A new model takes over for reasons that hold: on the same points, beyond noise."""

from __future__ import annotations

import copy
from dataclasses import replace

import mlflow
import numpy as np
import pytest

from models.comparison import Gain
from pipeline.promotion import Verdict, _decided, judge, judge_first
from pipeline.reaching import LONGEST_CAUSE, StoreAway
from pipeline.tracking import Tracking

BETTER, WORSE = Gain(0.2, 0.1, 0.3), Gain(-0.2, -0.3, -0.1)
MAYBE_BETTER, MAYBE_WORSE, SAME = Gain(0.1, -0.1, 0.3), Gain(-0.1, -0.3, 0.1), Gain(0, 0, 0)


@pytest.mark.parametrize(
    ("loss", "profit", "promoted"),
    [
        (BETTER, BETTER, True),
        (BETTER, SAME, True),
        (BETTER, MAYBE_WORSE, True),
        (BETTER, WORSE, False),
        (MAYBE_BETTER, BETTER, True),
        (MAYBE_WORSE, BETTER, True),
        (WORSE, BETTER, False),
        (MAYBE_BETTER, MAYBE_BETTER, False),
        (SAME, SAME, False),
        (MAYBE_WORSE, WORSE, False),
        (BETTER, "the histories hold no money", True),
        (MAYBE_BETTER, "the histories hold no money", False),
        (WORSE, "the histories hold no money", False),
    ],
)
def test_better_in_one_and_not_worse_in_the_other(loss, profit, promoted):
    verdict = _decided("churn-risk/1", loss, profit)
    assert verdict.promoted is promoted
    assert "churn-risk/1" in verdict.reason
    assert "log loss" in verdict.reason
    assert (profit if isinstance(profit, str) else "profit a point") in verdict.reason
    assert "\n" not in verdict.reason


def test_reason_tells_both_figures_with_their_intervals():
    reason = _decided("churn-risk/1", Gain(0.0012, 0.0005, 0.0019), Gain(-0.5, -1.5, 0.25)).reason
    assert "log loss 0.00120 better (95 % interval +0.00050 to +0.00190)" in reason
    assert "profit a point 0.5 worse (95 % interval -1.5 to +0.25)" in reason


@pytest.fixture
def candidate(at):
    return at.candidate


@pytest.fixture
def truth(candidate):
    """Probabilities that know a little of what happened."""
    return np.clip(candidate.predicted + 0.1 * (candidate.labels - 0.05), 0.001, 0.999)


@pytest.fixture
def registry(at):
    """A registry in which the trained model is in charge."""
    from pipeline.recording import run_of

    tracking = Tracking(at.candidate.config)
    tracking.decide(tracking.record(run_of(at)), promoted=True, reason="the first model")
    return tracking.registry


def test_against_the_model_in_charge(candidate, registry, truth):
    """Equal: no. Better: yes, in probabilities and in money. Worse: no."""
    same = judge(candidate, registry)
    assert not same.promoted
    assert "not better beyond noise" in same.reason
    assert (same.opponent, same.champion) == ("churn-risk/1", "churn-risk/1")
    better = judge(replace(candidate, predicted=truth), registry)
    assert better.promoted
    assert better.log_loss.is_certain
    assert better.profit.mean > 0
    assert better.figures()["promotion.profit_gain"] == better.profit.mean
    chance = np.random.default_rng(0).permutation(candidate.predicted)
    worse = judge(replace(candidate, predicted=chance), registry)
    assert not worse.promoted
    assert worse.log_loss.is_loss
    assert worse.forced().promoted
    assert "forced; the comparison says otherwise: not better beyond noise" in worse.forced().reason


def test_without_actions_log_loss_alone_decides(candidate, registry, truth):
    outreach = candidate.config.outreach.model_copy(update={"actions": []})
    config = candidate.config.model_copy(update={"outreach": outreach})
    verdict = judge(replace(candidate, config=config, predicted=truth), registry)
    assert verdict.promoted
    assert verdict.profit is None
    assert "profit is not judged: the config has no action" in verdict.reason


def test_profit_is_that_of_the_same_points_and_values(candidate, truth):
    """Values belong to the rows of the test frame, whatever other cutoffs there are."""
    import pandas as pd

    from pipeline.worth import values_of

    frames = [candidate.parts.frames[name] for name in ("train", "test")]
    everywhere = values_of(
        candidate.config,
        candidate.histories,
        candidate.points,
        model=candidate.model,
        frame=pd.concat(frames, ignore_index=True),
    )
    days = np.array([np.datetime64(day) for day in candidate.points.cutoffs])
    tested = np.isin(days, candidate.frame["cutoff"].to_numpy().astype("datetime64[D]"))
    expected = everywhere[tested[candidate.points.points.cutoff]]
    np.testing.assert_allclose(candidate.values, expected)
    assert len(candidate.values) == len(candidate.frame)


def test_first_model_beats_the_churn_rate(candidate):
    verdict = judge_first(candidate)
    assert verdict.promoted
    assert verdict.reason.startswith("the first model; log loss ")
    assert "better" in verdict.reason


def test_first_model_that_knows_nothing_is_not_put_in_charge(candidate):
    upside_down = np.clip(1 - candidate.predicted, 0.01, 0.99)
    verdict = judge_first(replace(candidate, predicted=upside_down))
    assert not verdict.promoted
    assert "not better than the churn rate for all" in verdict.reason
    assert verdict.warning.startswith("No model is in charge")
    assert verdict.forced().promoted
    assert verdict.forced().warning is None


def only_those_who_stayed(candidate):
    parts = copy.copy(candidate.parts)
    stayed = (candidate.labels == 0).nonzero()[0]
    parts.frames = {"test": candidate.frame.iloc[stayed].reset_index(drop=True)}
    return replace(candidate, parts=parts, predicted=candidate.predicted[stayed])


def test_nobody_churned_in_the_test(candidate):
    verdict = judge_first(only_those_who_stayed(candidate))
    assert not verdict.promoted
    assert "the same outcome" in verdict.reason


@pytest.fixture
def broken(candidate, registry):
    """The registry, whose champion has lost its file."""
    for file in (candidate.config.folder / "mlartifacts").rglob("booster_0.txt"):
        file.unlink()
    return registry


def test_model_that_cannot_be_read_stays_in_charge_loudly(candidate, broken):
    """Its file may be on a disk that is not there today."""
    verdict = judge(candidate, broken)
    assert not verdict.promoted
    assert "churn-risk/1 cannot be compared with: The model cannot be read" in verdict.reason
    assert "booster_0.txt" in verdict.reason
    assert "It stays in charge" in verdict.warning
    assert "churn train --force-promote" in verdict.warning
    assert verdict.forced().promoted


def test_a_storage_that_refuses_says_nothing_about_the_model(candidate, registry, monkeypatch):
    def refuse(**_):
        raise RuntimeError(
            "no credentials for https://me:secret@store/x " + 9 * LONGEST_CAUSE * "x"
        )

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", refuse)
    verdict = judge(candidate, registry)
    assert not verdict.promoted
    assert "RuntimeError: no credentials" in verdict.reason
    assert "secret" not in verdict.reason
    assert len(verdict.reason) < 2 * LONGEST_CAUSE


def test_a_table_that_is_gone_hands_over_no_charge(candidate, registry):
    """The successor has fewer features than the one in charge, and may well be worse."""
    tables = {n: t for n, t in candidate.histories.tables.items() if n != "usage"}
    verdict = judge(
        replace(candidate, histories=replace(candidate.histories, tables=tables)), registry
    )
    assert not verdict.promoted
    assert "the rows of usage" in verdict.reason
    assert "It stays in charge" in verdict.warning


def test_model_that_holds_nonsense_costs_nothing(candidate, registry):
    for file in (candidate.config.folder / "mlartifacts").rglob("booster_0.txt"):
        file.write_text("tree\nversion=v4\nnum_class=x\n", encoding="utf-8")
    verdict = judge(candidate, registry)
    assert "cannot be compared with" in verdict.reason
    assert verdict.warning


def test_model_of_another_churn_is_no_opponent(candidate, registry):
    churn = candidate.config.churn.model_copy(update={"horizon_days": 31})
    config = candidate.config.model_copy(update={"churn": churn})
    verdict = judge(replace(candidate, config=config), registry)
    assert verdict.promoted
    assert "another churn" in verdict.warning
    assert "churn rollback" in verdict.warning
    chance = np.random.default_rng(0).permutation(candidate.predicted)
    kept = judge(replace(candidate, config=config, predicted=chance), registry)
    assert not kept.promoted
    assert kept.warning.startswith("The model in charge stays in charge, though: churn-risk/1")


@pytest.mark.parametrize(
    ("verdict", "now", "promoted"),
    [
        (Verdict(True, "better", champion="a/1"), "a/1", True),
        (Verdict(True, "better", champion="a/1"), "a/2", False),
        (Verdict(True, "better", champion="a/1"), None, False),
        (Verdict(True, "the first model", champion=None), None, True),
        (Verdict(True, "the first model", champion=None), "a/1", False),
        (Verdict(False, "worse", champion="a/1"), "a/2", False),
        (Verdict(False, "worse", champion="a/1").forced(), "a/2", True),
    ],
)
def test_a_verdict_holds_while_the_same_model_is_in_charge(verdict, now, promoted):
    found = verdict.when(now)
    assert found.promoted is promoted
    assert verdict.reason in found.reason
    assert (found.reason == verdict.reason) is (promoted or not verdict.promoted)


def test_nobody_could_be_asked():
    verdict = Verdict(True, "the first model", asked=False)
    assert verdict.when(None) == verdict
    assert "when nobody could be asked, and now a/1 is in charge" in verdict.when("a/1").reason


def test_server_that_goes_away_says_nothing_about_the_model(candidate, registry, refusing):
    section = candidate.config.mlflow.model_copy(update={"tracking_uri": refusing})
    registry.config = candidate.config.model_copy(update={"mlflow": section})
    mlflow.set_tracking_uri(refusing)
    mlflow.set_registry_uri(refusing)
    with pytest.raises(StoreAway):
        judge(candidate, registry)
