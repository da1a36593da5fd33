"""The figures of a training run: complete, consistent, and without any NaN whatever the data."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import candidate, evaluating, show
from pipeline.candidate import Candidate
from pipeline.config import load
from pipeline.evaluating import metrics_of
from pipeline.opening import definition_of, open_histories, plan_features
from pipeline.parting import Parts, choose_points, date_of
from pipeline.progress import Progress

PROMISED = (
    *("lift_1", "lift_5", "recall_1", "recall_5", "recall_10", "ece", "mean_prediction"),
    *("calibration_slope", "calibration_intercept", "emp", "emp_share", "emp_own", "profit"),
)


class Opened:
    """A trained model with everything its figures are made from."""

    def __init__(self, file, result):
        from features.vectors import build_vectors
        from pipeline.registry import Registry

        self.config, progress = load(file), Progress()
        self.histories = open_histories(self.config, progress)
        definition = definition_of(self.config)
        self.points, split = choose_points(self.config, self.histories, definition)
        self.plan = plan_features(
            self.config, self.histories, progress, known_before=date_of(split.test[0])
        )
        self.vectors = build_vectors(self.histories, self.plan, self.points)
        self.split = split
        self.model = Registry(self.config).load(result.model)

    def parts(self):
        return Parts(self.vectors, self.split)

    def metrics(self, parts, predicted=None):
        if predicted is None:
            predicted = self.model.predict(parts.frames["test"])
        return metrics_of(self.candidate(parts, predicted))

    def candidate(self, parts, predicted=None):
        return Candidate(self.config, self.histories, self.model, self.points, parts, predicted)


@pytest.fixture(scope="module")
def opened(trained):
    found = Opened(*trained)
    yield found
    found.histories.close()


def shown(metrics, opened, trained):
    """What people see of these figures."""
    result = SimpleNamespace(
        metrics=metrics, model=trained[1].model, drivers={}, promoted=True, reason="", folder=".",
        unsent=None,
    )  # fmt: skip
    with redirect_stdout(io.StringIO()) as told:
        show.trained(result, opened.config, "churn.toml")
    return told.getvalue()


def test_figures_are_all_there(trained):
    metrics = trained[1].metrics
    test = metrics["test"]
    json.dumps(metrics, allow_nan=False)
    for name in PROMISED:
        assert isinstance(test[name], float), name
    assert set(metrics["baselines"]) == {
        "base_rate", "recency", "points_score", "logistic_regression",
    }  # fmt: skip
    assert set(metrics["beaten"]) == set(metrics["baselines"])
    assert metrics["beaten"]["base_rate"]["beaten"]
    assert set(metrics["by_stage"]) == {"onboarding", "renewal", "steady"}
    assert "voluntary" in metrics["by_churn_kind"]


def test_each_interval_holds_its_figure(trained):
    test = trained[1].metrics["test"]
    for name, edges in test["intervals"].items():
        assert edges[0] < test[name] < edges[1], name
    assert {"auc", "lift_1", "recall_10", "log_loss", "brier", "emp", "profit"} <= set(
        test["intervals"]
    )


def test_parts_add_up_to_the_whole(trained):
    metrics = trained[1].metrics
    for parts in (metrics["by_cutoff"], metrics["by_stage"], metrics["by_risk_band"]):
        for count in ("points", "churned"):
            assert sum(part[count] for part in parts.values()) == metrics["test"][count]
    kinds = metrics["by_churn_kind"].values()
    assert sum(kind["churned"] for kind in kinds) == metrics["test"]["churned"]


def test_the_curve_agrees_with_the_policy(trained):
    """Whom it seems to pay to contact are the first of the curve."""
    metrics = trained[1].metrics
    profit, curve = metrics["profit"], metrics["curves"]["profit"]["model"]
    assert curve[-1] == pytest.approx(profit["everybody"])
    assert max(curve) == profit["best"]["profit"] >= profit["policy"]["profit"] - 1e-6
    near = np.interp(profit["policy"]["share"], metrics["curves"]["share"], curve)
    assert near == pytest.approx(profit["policy"]["profit"], abs=0.1 * abs(max(curve)))
    assert metrics["test"]["profit"] == pytest.approx(profit["policy"]["profit"])


def test_the_gap_is_the_difference(trained):
    metrics = trained[1].metrics
    train, test, gap = (metrics[name] for name in ("train", "test", "gap"))
    assert gap["auc"] == train["auc"] - test["auc"]
    assert gap["log_loss"] == test["log_loss"] - train["log_loss"]


def test_plots_are_drawn(trained):
    for name in ("reliability.png", "gains.png", "profit.png", "value.png"):
        assert (trained[1].folder / name).stat().st_size > 5_000


@pytest.mark.parametrize("churned", [0, 1])
def test_a_test_period_of_one_class(churned, opened, trained):
    parts = opened.parts()
    parts.frames["test"]["churned"] = parts.frames["test"]["churned"] * 0 + churned
    metrics = opened.metrics(parts)
    json.dumps(metrics, allow_nan=False)
    assert metrics["test"]["auc"] is None
    assert metrics["test"]["intervals"]["auc"] is None
    assert metrics["beaten"] == {}
    told = shown(metrics, opened, trained)
    who = "Everybody" if churned else "Nobody"
    assert f"{who} churned in the test: nothing tells how good this is." in told


def test_a_model_that_says_the_same_of_all_is_not_better_than_anything(opened, trained):
    parts = opened.parts()
    metrics = opened.metrics(parts, np.full(len(parts.frames["test"]), opened.model.base_rate))
    json.dumps(metrics, allow_nan=False)
    assert metrics["test"]["auc"] == 0.5
    assert not any(
        found["beaten"] for name, found in metrics["beaten"].items() if name != "recency"
    )
    assert "NOT BETTER than logistic regression" in shown(metrics, opened, trained)


def test_histories_without_money_have_no_profit(opened, trained, monkeypatch):
    monkeypatch.setattr(candidate, "values_of", lambda *_, **__: None)
    metrics = opened.metrics(opened.parts())
    assert metrics["profit"] is None
    assert metrics["test"]["profit"] is None
    assert metrics["test"]["emp_own"] is None
    assert metrics["test"]["emp"] > 0
    assert "per 1,000 customers" not in shown(metrics, opened, trained)


def test_values_stand_beside_their_own_points(opened, trained):
    """Worth is computed for the test points alone, and in their order."""
    from features.vectors import KEYS

    tested = opened.candidate(opened.parts()).test_points
    frame = opened.parts().frames["test"]
    ids = opened.histories.customer_ids().to_pylist()
    assert [ids[n] for n in tested.points.customer] == frame[KEYS[0]].tolist()
    np.testing.assert_array_equal(tested.churned, frame["churned"].to_numpy(dtype=np.int8))
    dates = [str(tested.cutoffs[n]) for n in tested.points.cutoff]
    assert dates == frame[KEYS[1]].dt.strftime("%Y-%m-%d").tolist()


def test_the_first_paragraph_fits_a_page(trained, opened):
    """It is copied into the README."""
    first = shown(trained[1].metrics, opened, trained).strip().split("\n\n")[0]
    assert "this model" in first
    assert max(map(len, first.splitlines())) <= 120


def test_every_figure_is_explained(trained):
    """docs/evaluation.md tells what each key means."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    metrics = trained[1].metrics
    for name in (*metrics, *metrics["test"], *metrics["by_stage"], *metrics["baselines"]):
        assert f"`{name}`" in page, name


def test_one_customer(opened):
    """Nothing to resample, and too little to part: figures, and no noise to be certain beyond."""
    parts = opened.parts()
    frame = parts.frames["test"]
    tested = opened.candidate(opened.parts()).test_points
    one = tested.points.customer == tested.points.customer[-1]
    parts.frames["test"] = frame[one].reset_index(drop=True)
    values = np.full(int(one.sum()), 100.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidate, "values_of", lambda *_, **__: values)
        patch.setattr(evaluating, "departure_kinds", lambda *_: None)
        metrics = opened.metrics(parts)
    json.dumps(metrics, allow_nan=False)
    assert metrics["test"]["customers"] == 1
    assert metrics["by_segment"] == {}
    assert metrics["weak_spots"] == []
    assert metrics["by_churn_kind"] == {}
