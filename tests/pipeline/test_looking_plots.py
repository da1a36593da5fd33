"""The plots of the notebooks: each is a picture, and words where there is nothing to draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.drivers import Drivers
from models.stability import Stability
from pipeline import looking_plots as plots
from pipeline.config import from_values
from pipeline.explaining import explain_all
from pipeline.looking import Look
from pipeline.looking_tables import drivers_at_risk

WORDS = (8.0, 1.0)


@pytest.fixture(scope="module")
def drivers(small_explanation):
    return Drivers.of(small_explanation, facts=("profile",))


@pytest.fixture(scope="module")
def overall(drivers):
    return explain_all(drivers, seed=1)


@pytest.fixture(scope="module")
def look(small_explanation, tmp_path_factory):
    file = tmp_path_factory.mktemp("small") / "churn.toml"
    days = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"])
    rates = {"churn_rate": [0.1, 0.2, 0.15], "low": [0.05, 0.1, 0.1], "high": [0.2, 0.3, 0.2]}
    return Look(
        config=from_values({"data": {"source": "data"}}, file),
        label="churn-risk/1",
        model=small_explanation.model,
        counts=pd.DataFrame(rates, index=days),
        tested=small_explanation.frame,
        lately=small_explanation.frame,
    )


def axes(picture):
    return picture.figure.axes[0]


def is_words(picture) -> bool:
    return tuple(picture.figure.get_size_inches()) == WORDS


def test_the_plots_of_a_training_run_are_shown(overall):
    for name in ("importance", "drivers", *plots.NOTHING):
        picture = plots.overall(overall, name)
        assert not is_words(picture), name
        assert len(picture._repr_png_()) > 5_000


def test_what_there_is_nothing_of_is_said_in_words(overall):
    apart = overall.pairs.assign(mean_abs_interaction=0.0)
    nothing = replace(
        overall,
        pairs=apart,
        parts=overall.parts.head(0),
        reasons=replace(overall.reasons, at_risk={"2026-01-01": 0}),
        cohorts=[],
        features=overall.features.assign(mean_abs_shap=0.0),
    )
    for name, words in plots.NOTHING.items():
        picture = plots.overall(nothing, name)
        assert is_words(picture)
        assert axes(picture).texts[0].get_text() == words
    assert is_words(plots.dependence(nothing))
    assert is_words(plots.strongest_pair(nothing))


def test_dependence_shows_the_strongest_pair(overall):
    assert len(plots.dependence(overall)._repr_png_()) > 20_000
    pair = overall.pairs.iloc[0]
    first = next(n for n in overall.features["name"] if n in {pair["name_1"], pair["name_2"]})
    assert axes(plots.strongest_pair(overall)).get_xlabel() == first


def test_churn_over_time_shows_each_rate_in_percent(look):
    shown = axes(plots.churn_over_time(look)).lines[0]
    assert shown.get_ydata().tolist() == pytest.approx([10, 20, 15])


def test_levers_and_facts_are_told_apart(drivers):
    shown = axes(plots.levers_and_facts(drivers))
    found = drivers_at_risk(drivers)
    found = found[found["log_odds"] > 0]
    levers, facts = shown.containers
    assert len(levers) == (found["kind"] == "lever").sum()
    assert len(facts) == (found["kind"] == "fact").sum()
    assert [one.get_text() for one in shown.get_yticklabels()] == list(found.index)


def test_where_nothing_raises_a_risk_it_is_said(small_explanation):
    calm = replace(small_explanation, contributions=small_explanation.contributions * 0 - 1.0)
    assert is_words(plots.levers_and_facts(Drivers.of(calm)))


def test_the_history_of_a_customer_shows_its_scores_and_the_threshold():
    scores = ((date(2026, 1, 1), 0.1), (date(2026, 2, 1), 0.4))
    found = SimpleNamespace(history=scores, at_risk_from=0.06, customer_id="C$^$")
    picture = plots.history(found)
    line, threshold = axes(picture).lines
    assert line.get_ydata().tolist() == pytest.approx([10, 40])
    assert threshold.get_ydata()[0] == pytest.approx(6)
    assert len(picture._repr_png_()) > 5_000


def test_calibration_holds_predictions_against_what_happened(look):
    observed = axes(plots.calibration(look)).lines[1]
    rate = look.tested["churned"].mean()
    assert np.mean(observed.get_ydata()) == pytest.approx(rate, abs=0.02)


def test_steadiness_is_drawn_where_it_is_known(drivers):
    assert is_words(plots.steadiness(drivers))
    model = replace(
        drivers.explanation.model, stability=Stability(10, 50, 0.9, (0.0, 1.0), (0.5, 1.0))
    )
    known = Drivers.of(replace(drivers.explanation, model=model), facts=("profile",))
    picture = plots.steadiness(known)
    curve = picture.figure.axes[1].lines[0].get_ydata()
    assert curve[0] == 50
    assert curve.max() == 100
    assert len(picture._repr_png_()) > 5_000
