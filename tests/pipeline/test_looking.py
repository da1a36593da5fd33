"""What a notebook looks at: the same points and figures as the training run that made the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import UsageError, UserError
from features.vectors import KEYS, LABEL
from pipeline import looking
from pipeline.config import load
from pipeline.looking import _spread, look_at
from pipeline.registry import resolve


@pytest.fixture(scope="module")
def look(trained):
    return look_at(trained[0])


def test_the_points_and_probabilities_are_those_of_the_test(look, trained):
    told = pd.read_parquet(trained[1].folder / "test_predictions.parquet")
    pd.testing.assert_frame_equal(look.tested[[*KEYS]], told[[*KEYS]])
    assert (look.tested[LABEL].to_numpy(int) == told["churned"].to_numpy(int)).all()
    np.testing.assert_allclose(look.probability, told["churn_probability"], rtol=0, atol=1e-12)


def test_what_drives_them_is_what_training_told(look, trained):
    told = pd.read_parquet(trained[1].folder / "features.parquet").set_index("name")
    found = look.overall.features.set_index("name")["mean_abs_shap"]
    np.testing.assert_allclose(found, told.loc[found.index, "mean_abs_shap"])
    assert look.label == trained[1].model.label


def test_why_customers_are_at_risk_is_told_of_the_newest_dates(look):
    cutoffs = sorted(look.lately[KEYS[1]].dt.date.astype(str).unique())
    assert list(look.overall.reasons.customers) == cutoffs
    assert cutoffs[-1] == str(look.as_of) == "2026-10-31"
    assert len(cutoffs) == 12
    assert LABEL not in look.lately


def test_the_churn_rate_of_each_date_lies_within_its_interval(look):
    found = look.counts
    assert (found["churn_rate"] == found["churned"] / found["points"]).all()
    assert (found["low"] < found["churn_rate"]).all()
    assert (found["churn_rate"] < found["high"]).all()
    assert found.index.is_monotonic_increasing
    assert found.index[-1] == pd.Timestamp("2026-10-01")


def test_the_riskiest_customer_is_explained_at_the_newest_date(look):
    newest = look.newest
    probability = look.model.predict(newest)
    assert newest[KEYS[0]].iloc[probability.argmax()] == look.riskiest
    alone = look.of_customer(look.riskiest)
    assert alone.explanation.frame[KEYS[1]].iloc[0] == pd.Timestamp(look.as_of)
    assert alone.usual_probability + alone.in_probability.sum() == pytest.approx(probability.max())


def test_a_customer_that_nobody_looks_at_is_refused(look):
    with pytest.raises(UsageError, match="nobody-of-that-name"):
        look.of_customer("nobody-of-that-name")


def test_of_many_customers_evenly_spread_ones_are_looked_at(trained, monkeypatch):
    monkeypatch.setattr(looking, "MOST_POINTS", 200)
    few = look_at(trained[0])
    assert 100 < len(few.tested) <= 200
    assert 100 < len(few.newest) <= 200
    assert len(few.lately) - len(few.newest) <= 200
    assert few.lately[KEYS[1]].nunique() == 12
    assert few.tested[KEYS[1]].nunique() == 2


def test_where_no_outcome_is_untouched_the_newest_are_looked_at_and_it_is_said(
    trained, tmp_path, capsys
):
    model, _ = resolve(load(trained[0]), None)
    later = {**model.context, "test_cutoffs": ["2030-01-01"]}
    replace(model, context=later).save(tmp_path / "model")
    look = look_at(trained[0], str(tmp_path / "model"))
    assert "may have learned from" in capsys.readouterr().out
    assert look.tested[KEYS[1]].unique() == [pd.Timestamp("2026-10-01")]


def test_without_a_model_it_is_said_how_to_get_one(write_config, tmp_path):
    with pytest.raises(UserError, match="churn train"):
        look_at(write_config(tmp_path))


@given(st.integers(0, 300), st.integers(1, 50))
def test_spread_places_are_even_and_not_too_many(count, most):
    places = np.arange(count) * 3
    found = _spread(places, most)
    assert len(found) <= most
    assert len(found) >= min(count, (most + 1) // 2)
    assert len(set(np.diff(found))) <= 1
    assert set(found) <= set(places)
