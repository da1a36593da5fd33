"""Forecasts of a small business by a small model, and whether later months confirm intervals."""

from __future__ import annotations

import json
from datetime import date
from functools import cache

import numpy as np
import pytest

from features.churn import Definition
from features.histories import read_histories
from features.plan import make_plan
from features.points import make_points
from features.sources import Source
from features.vectors import LABEL, build_vectors
from models.forecast import Past, forecast
from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.training import Data, Part, fit
from pipeline.business import Business, Question
from pipeline.config import from_values
from pipeline.files import to_json
from pipeline.kpi_forecast import forecast_of
from pipeline.progress import Progress
from pipeline.simulate import STREAMS, live, simulate
from pipeline.world import Calendar, Settings

NOW = date(2026, 6, 1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with a world of 400 customers, and a model of its first year."""
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder / "data", customers=400, months=18, seed=4)
    histories = read_histories(Source(str(folder / "data")))
    plan = make_plan(histories, windows=(30,), known_before=date(2026, 1, 1))
    cutoffs = [date(2025, month, 1) for month in range(7, 13)]
    vectors = build_vectors(histories, plan, make_points(histories, Definition(), cutoffs))
    histories.close()
    frame, labels = vectors.frame, vectors.frame[LABEL].to_numpy(np.int8)
    texts = [f.name for f in vectors.catalogue if f.is_text]
    levels = find_levels(frame, texts)
    part = Part(to_matrix(frame, vectors.names, levels), labels)
    fitted = fit(Data(part, vectors.names, texts), seed=1)
    features = tuple(feature.as_dict() for feature in vectors.catalogue)
    context = {"definition": Definition().as_dict(), "plan": plan.as_dict()}
    model = ChurnModel(fitted.boosters, features, levels, {}, float(labels.mean()), context)
    model.save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def opened(shop):
    """The business of a day: ``opened(NOW)``; histories are read once for each."""
    kept = {}

    def of(day, **churn):
        if day not in kept:
            kept[day] = read_histories(Source(str(shop / "data")), observed_until=day)
        return Business.of(kept[day], Definition(**churn), Question())

    yield of
    for histories in kept.values():
        histories.close()


@pytest.fixture(scope="module")
def told(shop, opened):
    """The forecast of a day: ``told(NOW)``; each is made once."""

    @cache
    def of(day, model="model", **churn):
        config = from_values({"data": {"source": "data"}, "churn": churn}, shop / "churn.toml")
        where = None if model is None else str(shop / model)
        return forecast_of(opened(day, **churn), config, Progress(), model=where)

    return of


def test_three_months_ahead_by_a_real_model(told, opened):
    business, found = opened(NOW), told(NOW)
    here = business.at(NOW)
    assert found.customers == here.sum()
    assert [one.until for one in found.ahead] == [date(2026, month, 1) for month in (7, 8, 9)]
    expected = [one.customers.customers.expected for one in found.ahead]
    assert 0 < expected[0] < expected[1] < expected[2] < here.sum()
    assert found.measured
    assert found.cutoffs == 10
    money = found.ahead[2].money[None]
    revenue = business.terms.at(NOW, 0)[here].sum() / 100
    share = money.expected / revenue
    assert share == pytest.approx(expected[2] / here.sum(), rel=0.5)
    assert found.confirmed[0] <= found.confirmed[1] > 0
    assert json.loads(to_json(found.as_json()))["ahead"][2]["churned"]["expected"] == expected[2]


def test_what_came_lies_within_the_interval(told, opened):
    later, found = opened(date(2026, 10, 1)), told(NOW)
    here = later.at(NOW)
    gone = here & ~later.at(date(2026, 9, 1))
    told_then = found.ahead[2].customers.customers
    assert told_then.low <= gone.sum() <= told_then.high
    lost = (later.terms.at(NOW, 0) * gone).sum() / 100
    assert found.ahead[2].money[None].low <= lost <= found.ahead[2].money[None].high


def test_without_a_model_the_section_says_what_it_lacks(told):
    found = told(NOW, model=None)
    assert "no trained model yet" in found.lacking
    assert "churn train" in found.notes[0]
    assert found.as_json() == {"lacking": found.lacking}


def test_a_model_of_another_churn_is_refused(told):
    found = told(NOW, horizon_days=60)
    assert "predicts another churn" in found.lacking


def test_too_young_a_business_is_told_by_constant_hazards(told):
    found = told(date(2025, 7, 15))
    assert found.cutoffs < 3
    assert any("uncertain by a quarter" in note for note in found.notes)
    ahead = found.ahead[2].customers.customers
    assert ahead.low < ahead.expected < ahead.high


def months_of(seed, customers=600, months=30):
    """A world's months: past cutoffs with true probabilities, disturbed, and who was gone."""
    children = np.random.SeedSequence(seed).spawn(len(STREAMS))
    streams = {name: np.random.default_rng(c) for name, c in zip(STREAMS, children, strict=True)}
    lived = live(customers, Calendar(months), Settings(), streams)
    history, truth = lived.history, lived.truth
    price = history.people.price / np.where(history.people.year, 12, 1)
    names = history.calendar.names.astype("datetime64[D]")
    cutoffs = truth["cutoff"].to_numpy().astype("datetime64[D]")
    who = np.char.lstrip(truth["customer_id"].to_numpy().astype(str), "C").astype(int)
    chance = truth["churn_probability"].to_numpy()
    for month in range(3, months - 3):
        rows = cutoffs == names[month]
        noise = streams["mood"].normal(0, 0.5, rows.sum())
        odds = np.log(chance[rows] / (1 - chance[rows])) + noise
        gone = history.ended[who[rows]] < history.calendar.first[month + 3]
        yield Past(1 / (1 + np.exp(-odds)), gone, price[who[rows]])


def test_later_months_confirm_about_95_of_100_intervals():
    """240 forecasts: a year of 20 simulated businesses, by probabilities beside the truth."""
    people, money = [], []
    for seed in range(20):
        seen = list(months_of(seed))
        for n in range(len(seen) - 12, len(seen)):
            now, past = seen[n], seen[max(n - 14, 0) : n - 2]
            found = forecast(now.probability, now.money, past, horizons=3, overlap=3)
            lost = now.money[now.gone].sum()
            people.append(found.customers.low <= now.gone.sum() <= found.customers.high)
            money.append(found.money.low <= lost <= found.money.high)
    assert 0.92 <= np.mean(people) <= 0.98
    assert 0.92 <= np.mean(money) <= 0.99
