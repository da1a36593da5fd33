"""The weights of the points score in the config, and the score beside the model by segment."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from features.errors import UsageError
from models.health_score import RULES
from pipeline.config import from_values
from pipeline.health import HealthScore
from pipeline.show_score import points_score, sentences


def told(found):
    console = Console(file=io.StringIO(), width=200)
    points_score(found, console)
    return console.file.getvalue()


def test_the_config_has_the_points_of_every_rule():
    assert HealthScore().model_dump() == {rule.name: rule.points for rule in RULES}
    assert HealthScore().rules == RULES


def test_points_are_set_by_name():
    values = {"data": {"source": "data"}, "health_score": {"silent_a_month": 9}}
    score = from_values(values, Path("churn.toml")).health_score
    assert {rule.name: rule.points for rule in score.rules}["silent_a_month"] == 9
    with pytest.raises(UsageError, match="silent_month"):
        from_values(
            {"data": {"source": "data"}, "health_score": {"silent_month": 9}}, Path("churn.toml")
        )


def test_training_tells_the_score_beside_the_model_by_segment(trained):
    found = trained[1].metrics["points_score"]
    kinds = found["by_segment"]["customers_profile_segment"]
    assert set(kinds) == {"business", "consumer"}
    for one in [*kinds.values(), found["by_segment"]["all points"]["all"]]:
        assert one["model"]["auc"] > one["points_score"]["auc"]
    weights = found["weights"]["payment_open"]
    assert weights["by_hand"] == 3
    # An open invoice drives consumers out, and companies less so.
    consumer = weights["customers_profile_segment = consumer"]
    assert consumer > weights["customers_profile_segment = business"]


def test_the_points_of_the_config_make_the_score(trained, opened_metrics):
    """Rules without points make a score that tells nothing apart."""
    nothing = {rule.name: 0 for rule in RULES}
    found = opened_metrics(HealthScore(**nothing))
    assert found["baselines"]["points_score"]["auc"] == 0.5
    assert trained[1].metrics["baselines"]["points_score"]["auc"] > 0.6


@pytest.fixture
def opened_metrics(found):
    """The figures of a training run under other points."""
    from dataclasses import replace

    from pipeline.evaluating import metrics_of

    def of(score):
        candidate = found.candidate
        config = candidate.config.model_copy(update={"health_score": score})
        return metrics_of(replace(candidate, config=config))

    return of


def test_people_see_where_the_score_fails(trained):
    found = trained[1].metrics["points_score"]
    text = told(found)
    assert "segment = business" in text
    assert "payment_open" in text
    behind, weight = sentences(found)
    assert behind.startswith("The score falls furthest behind at ")
    assert weight.startswith("One weight cannot fit all: ")


def test_without_a_score_nothing_is_told():
    assert told(None) == ""


def test_sentences_by_hand():
    def figures(auc):
        return {"auc": auc, "lift_10": 2.0, "ece": 0.01, "mean_prediction": 0.1, "base_rate": 0.1}

    def one(model, score):
        both = {"model": figures(model), "points_score": figures(score)}
        return {"points": 100, "churned": 10, **both}

    found = {
        "by_segment": {"customers_profile_kind": {"a": one(0.8, 0.7), "b": one(0.9, 0.6)}},
        "weights": {
            "silent": {"by_hand": 2.0, "all": 2.0, "kind = a": 1.0, "kind = b": 5.5},
            "failed": {"by_hand": 2.0, "all": 2.0, "kind = a": 2.0, "kind = b": None},
        },
    }
    assert sentences(found) == [
        "The score falls furthest behind at kind = b: AUC 0.600 against 0.900.",
        "One weight cannot fit all: silent would need 1.0 points at kind = a and 5.5 at kind = b, "
        "and has 2.",
    ]
