"""What MLflow holds of a run: figures, files, code, libraries, and no secrets."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mlflow
import pytest

import pipeline
from pipeline.recording import numbers, record
from pipeline.tracking import Tracking


def test_numbers_are_all_finite_leaves():
    values = {
        "auc": 0.8,
        "points": 10,
        "none": None,
        "nan": float("nan"),
        "certain": True,
        "cutoffs": ["2026-01-01", "2026-02-01", "2026-03-01"],
        "two cutoffs": ["2026-01-01", "2026-02-01"],
        "intervals": {"auc": [0.7, 0.9]},
        "curve": [0.1, 0.2, 0.3],
        "segments": {"plan=€ (new)": {"auc": 0.5}},
    }
    assert dict(numbers("test", values)) == {
        "test.auc": 0.8,
        "test.points": 10.0,
        "test.intervals.auc.low": 0.7,
        "test.intervals.auc.high": 0.9,
        "test.segments.plan__ _new_.auc": 0.5,
    }


@pytest.fixture
def recorded(at):
    result = record(at, Tracking(at.candidate.config))
    client = mlflow.MlflowClient()
    return at, result, client.get_run(result.model.run_id), client


def test_run_tells_everything_about_the_training(recorded):
    at, result, run, client = recorded
    config = at.candidate.config
    assert run.data.metrics["test.auc"] == at.metrics["test"]["auc"]
    assert run.data.metrics["promotion.log_loss_gain_low"] > 0
    assert run.data.params["trees.searched"]
    tags = run.data.tags
    assert tags["promoted"] == "true"
    assert tags["reason"] == result.reason
    assert tags["compared_with"] == "the churn rate for all"
    assert tags["config_hash"] == config.hash
    assert tags["data_fingerprint"] == at.candidate.model.context["data_fingerprint"]
    assert tags["lock_hash"]
    assert "lightgbm" in tags["versions"]
    assert {one.path for one in client.list_artifacts(run.info.run_id)} >= {
        "model_card.md",
        "config.json",
        "features.parquet",
        "features.png",
        "drivers.png",
        "provenance.json",
        "tables.json",
    }
    version = client.get_model_version("churn-risk", result.model.version)
    assert version.description.startswith("Churn: ")
    assert version.tags["promoted"] == "true"


def test_no_path_of_this_machine_is_told(recorded):
    """Nor a password: configs are written as they are shown."""
    at, result, run, _ = recorded
    data = str(at.candidate.config.data.source)
    told = [*run.data.tags.items(), *run.data.params.items()]
    own = [f"{key} {value}" for key, value in told if not key.startswith("mlflow.")]
    for text in (*own, (result.folder / "model_card.md").read_text(), about_model(result)):
        assert data not in text
        assert str(at.candidate.config.folder) not in text
        assert str(Path(pipeline.__file__).parents[1]) not in text
        assert tempfile.gettempdir() not in text


def about_model(result):
    """MLflow's file about a model, but for where in the store the model itself is."""
    values = mlflow.models.Model.load(f"models:/{result.model.label}").to_dict()
    del values["artifact_path"]
    assert values["flavors"]["python_function"]["model_code_path"] == "serving.py"
    return str(values)
