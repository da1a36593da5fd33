"""Scoring histories that lost something since the training."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from features.plan import OTHER
from models import guards
from pipeline.config import load
from pipeline.registry import existing_registry
from pipeline.train import _share_of_others


@pytest.fixture
def score(trained, churn, world, tmp_path):
    """Scores by the trained model, after ``change(folder)`` changed a copy of the histories."""

    def run(change):
        folder = tmp_path / "changed"
        shutil.copytree(trained[0].parent, folder, ignore=shutil.ignore_patterns("out"))
        shutil.copytree(world, folder / "data")
        change(folder / "data")
        config = folder / "churn.toml"
        text = config.read_text(encoding="utf-8").replace(str(world), "data")
        config.write_text(text, encoding="utf-8")
        ended = churn("score", "-c", config, "--as-of", "2026-10-01", "--json")
        found = folder / "out/risk/as_of=2026-10-01/run.json"
        return ended, json.loads(found.read_text()) if found.is_file() else None

    return run


def changed(folder, table, **columns):
    file = folder / f"{table}.parquet"
    pd.read_parquet(file).assign(**columns).to_parquet(file)


def test_guards_know_what_the_plan_calls_others():
    assert guards.OTHER == OTHER


def test_training_keeps_how_many_texts_stood_for_others(trained):
    model = existing_registry(load(trained[0])).load(trained[1].model)
    assert model.others == dict.fromkeys(model.levels, 0.0)
    assert _share_of_others(pd.Series(["a", OTHER, None, "b", "c"], dtype="category")) == 0.25
    assert _share_of_others(pd.Series([None], dtype="object")) == 0.0


def test_histories_as_in_training_are_scored_without_a_warning(score):
    ended, run = score(lambda folder: None)
    assert (ended.status, run["warnings"]) == (0, []), ended.err


def test_a_feed_that_broke_off_is_told(score):
    def break_off(folder):
        file = folder / "usage.parquet"
        usage = pd.read_parquet(file)
        usage[usage["occurred_at"] < "2026-08-20"].to_parquet(file)

    ended, run = score(break_off)
    assert ended.status == 0, ended.err
    (warning,) = [one for one in run["warnings"] if "broken off" in one]
    assert warning.startswith("usage may have broken off: its last usual day is 2026-08-19")
    assert warning in " ".join(ended.err.split())


def test_a_table_that_is_gone_is_refused_with_the_fix(score):
    ended, run = score(lambda folder: (folder / "tickets.parquet").unlink())
    assert (ended.status, run) == (3, None)
    told = " ".join(ended.err.split())
    assert "lack what the model was trained with: the rows of tickets." in told
    assert "restore them, or train again without them: churn train" in told
    assert "Traceback" not in ended.err


def test_plans_that_were_renamed_are_told(score):
    ended, run = score(lambda folder: changed(folder, "subscriptions", plan="next year"))
    assert ended.status == 0, ended.err
    (warning,) = [one for one in run["warnings"] if one.startswith("Texts that the model")]
    assert "100% in subscriptions_plan" in warning
    assert "Texts that the model has not learned" in " ".join(ended.err.split())


def test_a_model_that_lost_what_it_learned_makes_no_list(score, monkeypatch):
    monkeypatch.setattr(guards, "MOST_LOST", 0.0)
    ended, run = score(lambda folder: changed(folder, "subscriptions", plan="next year"))
    assert (ended.status, run) == (3, None)
    told = " ".join(ended.err.split())
    assert "of what the model learned have no value in any row" in told
    assert "subscriptions_plan" in told
    assert "churn check" in told
    assert "Traceback" not in ended.err
