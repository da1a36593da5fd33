"""What figures say to people."""

from __future__ import annotations

from copy import deepcopy

import pytest

from pipeline.verdict import rows, sentences, warnings, worth


@pytest.fixture
def metrics(trained):
    return deepcopy(trained[1].metrics)


def told(metrics):
    return "\n".join([*sentences(metrics), *warnings(metrics)])


def test_the_model_stands_above_every_baseline(metrics):
    names = [name for name, _ in rows(metrics)]
    assert names == [
        "this model",
        "logistic regression",
        "points score",
        "longest silence first",
        "churn rate for all",
    ]


def test_a_baseline_that_is_not_beaten_is_said_loudly(metrics):
    for found in metrics["beaten"].values():
        found["beaten"] = True
    assert "NOT BETTER" not in told(metrics)
    found = {"log_loss": {"gain": -0.001, "interval": [-0.002, 0.0005]}, "judged_by": "log_loss"}
    metrics["beaten"]["logistic_regression"] = {**found, "beaten": False}
    assert (
        "NOT BETTER than logistic regression beyond noise: log loss -0.0010, "
        "95 % interval -0.0020 to +0.0005." in told(metrics)
    )


def test_the_clearest_weak_spot_is_told(metrics):
    metrics["weak_spots"] = []
    assert "Weakest" not in told(metrics)
    spot = {"where": "plan = pro", "points": 1200}
    metrics["weak_spots"] = [
        {**spot, "what": "calibration", "expected": 0.05, "observed": 0.08},
        {**spot, "what": "ranking", "auc": 0.6, "auc_elsewhere": 0.8},
    ]
    assert "Weakest at plan = pro (1,200 points): 5.0% expected, 8.0% churned." in told(metrics)
    assert "1 more" in told(metrics)
    assert "AUC 0.600, elsewhere 0.800" in told(
        {**metrics, "weak_spots": metrics["weak_spots"][1:]}
    )


def test_profit_is_told_where_there_is_money(metrics):
    assert "per 1,000 customers" in told(metrics)
    assert "per 1,000 customers" not in told({**metrics, "profit": None})


VALUE = {
    "cutoff": "2026-03-01",
    "months": 8,
    "how_why": "",
    "customers": 1047,
    "total": 1.049,
    "total_interval": [1.018, 1.083],
    "rank_correlation": 0.866,
}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            VALUE,
            "Values as they would have been found at 2026-03-01 expected 1.05 times what 1,047 "
            "customers brought in 8 months (95 % interval 1.02 to 1.08); rank correlation 0.87.",
        ),
        (
            {**VALUE, "how_why": "too few", "rank_correlation": None},
            "Values (by one churn rate for all, since too few) as they would have been found at "
            "2026-03-01 expected 1.05 times what 1,047 customers brought in 8 months (95 % "
            "interval 1.02 to 1.08).",
        ),
        ({"why": "no money"}, "Values are not held against what came: no money."),
        (None, "Values are not held against what came: it was not looked at."),
    ],
)
def test_whether_values_came_true_is_told(found, said):
    assert worth({"value": found}) == said
