"""The main job, on a small demo world."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load
from pipeline.registry import existing_registry


def test_json_holds_what_was_promised(trained):
    _, result = trained
    values = result.as_json()
    assert values["model"] == "churn-risk/1"
    assert values["promoted"] is True
    assert values["run_id"]
    assert set(values["metrics"]["test"]) >= {
        "auc",
        "average_precision",
        "lift_10",
        "log_loss",
        "brier",
        "base_rate",
        "points",
        "cutoffs",
    }


def test_model_finds_churners_and_beats_the_baselines(trained):
    _, result = trained
    test, baselines = result.metrics["test"], result.metrics["baselines"]
    assert test["auc"] > 0.7
    assert test["auc"] > baselines["recency"]["auc"] + 0.05
    assert test["log_loss"] < baselines["base_rate"]["log_loss"]


def test_training_closed_before_the_test_began(trained):
    _, result = trained
    last = max(pd.Timestamp(day) for day in result.metrics["train"]["cutoffs"])
    first = min(pd.Timestamp(day) for day in result.metrics["test"]["cutoffs"])
    assert last + pd.Timedelta(days=30) <= first


def test_probabilities_come_near_the_truth(trained, world):
    _, result = trained
    predicted = pd.read_parquet(result.folder / "test_predictions.parquet")
    truth = pd.read_parquet(world / "truth.parquet").assign(
        cutoff=lambda t: pd.to_datetime(t["cutoff"])
    )
    both = predicted.merge(truth, on=["customer_id", "cutoff"], suffixes=("", "_true"))
    assert len(both) == len(predicted)
    assert (both["churned"] == both["churned_true"]).all()
    near = np.corrcoef(both["churn_probability"], both["churn_probability_true"])[0, 1]
    assert near > 0.5


def elsewhere():
    """The environment, without the stores that MLflow notes in it for the processes it starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}


def test_registered_model_scores_without_this_project(trained, tmp_path):
    """MLflow loads the model from its own code, with pickles refused."""
    file, result = trained
    code = """
import sys, json
sys.path = [p for p in sys.path if "churn" not in p]
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/churn-risk/1")
example = model.input_example
print(json.dumps(model.predict(example)["churn_probability"].tolist()))
assert "pipeline" not in sys.modules and "models" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, f"sqlite:///{file.parent / 'mlflow.db'}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**elsewhere(), "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )
    assert done.returncode == 0, done.stderr
    predicted = pd.read_parquet(result.folder / "test_predictions.parquet")
    np.testing.assert_allclose(
        json.loads(done.stdout.splitlines()[-1]), predicted["churn_probability"].head(5), rtol=1e-12
    )


SERVED = """
import json, sys
import mlflow, numpy as np, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/churn-risk/1")
texts = json.loads(sys.argv[2])
example = model.input_example.reset_index(drop=True)
numbers = [name for name in example.columns if name not in texts]
whole = [name for name in numbers if (example[name] % 1 == 0).all()]
many = pd.concat([example] * 5, ignore_index=True)

def told(frame):
    try:
        return model.predict(frame)["churn_probability"].tolist()
    except Exception as error:
        return str(error)

print(json.dumps({
    "as they are": told(example),
    "integers": told(example.astype(dict.fromkeys(whole, "int64"))),
    "nullable": told(example.convert_dtypes()),
    "objects": told(example.astype(object).where(example.notna(), None)),
    "as text": told(example.astype({name: "str" for name in whole})),
    "categories": told(example.astype(dict.fromkeys(texts, "category"))),
    "in another order": told(example[example.columns[::-1]].assign(further=1)),
    "no text": told(example.assign(**dict.fromkeys(texts, np.nan))),
    "none": told(example.assign(**dict.fromkeys(texts, None))),
    "new texts": told(example.assign(**dict.fromkeys(texts, "of next year"))),
    "only gaps": told(example.assign(**dict.fromkeys(numbers, None))),
    "nobody": told(example.head(0)),
    "lacking": told(example.drop(columns=whole[0])),
    "words": told(example.assign(**{whole[0]: "many"})),
    "infinite": told(example.assign(**{whole[0]: np.inf})),
    "lost": told(many.assign(**dict.fromkeys(numbers, np.nan))),
    "first": whole[0],
}))
"""


@pytest.fixture(scope="module")
def served(trained, tmp_path_factory):
    """What the registered model says of vectors in many forms, without this project."""
    file, result = trained
    texts = list(existing_registry(load(file)).load(result.model).levels)
    arguments = [f"sqlite:///{file.parent / 'mlflow.db'}", json.dumps(texts)]
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", SERVED, *arguments],
        cwd=tmp_path_factory.mktemp("served"),
        capture_output=True,
        text=True,
        check=False,
        env=elsewhere(),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "form",
    ["integers", "nullable", "objects", "as text", "categories", "in another order"],
)
def test_the_registered_model_takes_the_same_values_in_any_form(served, form):
    assert served[form] == served["as they are"]


def test_the_registered_model_takes_what_it_does_not_know_as_missing(served):
    assert served["no text"] == served["none"] == served["new texts"]
    assert served["no text"] != served["as they are"]
    assert len(served["only gaps"]) == len(served["as they are"])
    assert served["nobody"] == []


def test_the_registered_model_refuses_readably(served):
    first = served["first"]
    assert f"Model is missing inputs ['{first}']" in served["lacking"]
    assert f"the feature {first} holds 'many' (type str), which is no number" in served["words"]
    assert f"the feature {first} holds infinity" in served["infinite"]
    assert "of what it learned; at most 25% may be lost" in served["lost"]


def test_same_seed_same_bytes(trained, tmp_path, write_config):
    from pipeline.config import load
    from pipeline.progress import Progress
    from pipeline.train import train

    _, first = trained
    second = train(load(write_config(tmp_path)), Progress())
    for name in ("test_predictions.parquet", "features.parquet", "metrics.json", "points.json"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_second_training_is_not_promoted(trained, churn, tmp_path):
    """The same model again is not better beyond noise; only --gate makes that a failure."""
    import shutil

    file, _ = trained
    shutil.copytree(file.parent, tmp_path / "again")
    again = churn("train", "-c", tmp_path / "again" / "churn.toml", "--json")
    assert again.status == 0
    assert again.json["promoted"] is False
    assert "not better beyond noise" in again.json["reason"]
    gated = churn("train", "-c", tmp_path / "again" / "churn.toml", "--gate")
    assert gated.status == 5


@pytest.mark.parametrize(("example", "floor"), [("oulad.toml", 0.74), ("online_retail.toml", 0.74)])
def test_real_histories_are_predicted(example, floor, shared_data, tmp_path, store):
    import shutil
    import tomllib
    from pathlib import Path

    from pipeline.config import from_values
    from pipeline.progress import Progress
    from pipeline.train import train

    committed = Path(__file__).parents[2] / "examples" / example
    values = tomllib.loads(committed.read_text(encoding="utf-8"))
    values["data"]["source"] = str((committed.parent / values["data"]["source"]).resolve())
    values["mlflow"]["tracking_uri"] = "sqlite:///mlflow.db"
    values["output"]["dir"] = "out"
    values["model"] = {**values.get("model", {}), "refits": 0}
    shutil.copy(store, tmp_path / "mlflow.db")
    result = train(from_values(values, tmp_path / "churn.toml"), Progress())
    assert result.metrics["test"]["auc"] >= floor


def test_a_champion_that_saw_the_test_points_is_no_measure(trained, churn, tmp_path):
    """Its figures there would be memory: the new model is kept beside it, and the reason told."""
    import shutil

    file, _ = trained
    shutil.copytree(file.parent, tmp_path / "earlier")
    config = tmp_path / "earlier" / "churn.toml"
    config.write_text(config.read_text() + "\n[points]\nlast = 2026-07-01\n", encoding="utf-8")
    ended = churn("train", "-c", config, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["promoted"] is False
    assert "was trained on these test points" in ended.json["reason"]


def test_server_that_is_away_costs_nothing(churn, write_config, tmp_path, refusing):
    """The run is trained, judged and kept; only --gate makes a failure of it."""
    config = write_config(tmp_path, f'[mlflow]\ntracking_uri = "{refusing}"\n')
    ended = churn("train", "-c", config, "--gate", "--json")
    assert ended.status == 5, ended.err
    assert ended.json["promoted"] is False
    assert not ended.json["run_id"]
    assert ended.json["model"].startswith("churn-risk/unsent-")
    assert ended.json["metrics"]["test"]["auc"] > 0.7
    told = " ".join(ended.err.split())
    assert "NOT registered" in told
    assert "churn send" in told
    kept = ended.json["unsent"]
    scored = churn("score", "-c", config, "--model", f"{kept}/model", "--json")
    assert scored.status == 0, scored.err
    config.write_text(config.read_text().replace(refusing, "sqlite:///mlflow.db"))
    sent = churn("send", "-c", config, "--json")
    assert sent.status == 0, sent.err
    assert [(one["model"], one["promoted"]) for one in sent.json["sent"]] == [
        ("churn-risk/1", True)
    ]
    assert churn("send", "-c", config).out == "No run is waiting to be sent.\n"


def test_forced_promotion_and_rollback(trained, churn, tmp_path):
    import shutil

    file, _ = trained
    shutil.copytree(file.parent, tmp_path / "forced")
    config = tmp_path / "forced" / "churn.toml"
    ended = churn("train", "-c", config, "--force-promote", "--gate", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["promoted"] is True
    assert ended.json["reason"].startswith("forced; the comparison says otherwise: not better")
    back = churn("rollback", "-c", config, "--json")
    assert (back.json["model"], back.json["before"]) == ("churn-risk/1", "churn-risk/2")
