"""The weights of the points score in the config, and the score beside the model by segment."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import UsageError
from models.health_score import RULES
from pipeline.config import from_values
from pipeline.health import HealthScore
from pipeline.one_score import sentences, table


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


def test_weights_that_differ_beyond_chance_are_named(trained):
    """In the demo world an open ticket drives companies out, and consumers less so."""
    found = trained[1].metrics["points_score"]
    first = found["apart"][0]
    assert (first["by"], first["p_value"] < 0.001) == ("customers_profile_segment", True)
    told = {one["rule"]: one for one in found["apart"] if one["by"] == first["by"]}
    assert told["ticket_open"]["high"]["value"] == "business"
    assert told["ticket_open"]["low"]["value"] == "consumer"


def test_training_shows_where_and_why_the_score_fails(trained, capsys):
    from pipeline import show
    from pipeline.config import load

    file, result = trained
    show.trained(result, load(file), str(file))
    blocks = capsys.readouterr().out.split("\n\n")
    (block,) = [one for one in blocks if one.startswith("points score by segment")]
    for name in ("segment = consumer", "segment = business", "points by hand"):
        assert sum(line.startswith(name) for line in block.splitlines()) == 1
    assert "needs: ticket_open" in block.splitlines()[0]
    assert all(sentence in block for sentence in sentences(result.metrics["points_score"]))
    assert len(block.splitlines()) <= 12


def test_the_card_holds_the_same_table(trained):
    result = trained[1]
    card = (result.folder / "model_card.md").read_text()
    section = card.partition("## Where one score for all fails\n\n")[2].partition("\n\n## ")[0]
    head, rows = table(result.metrics["points_score"])
    assert [f"| {name} | {' | '.join(cells)} |" in section for name, cells in rows] == [True] * len(
        rows
    )
    assert all(name in section for name in head)
    assert (result.folder / "points_score.png").read_bytes().startswith(b"\x89PNG")
