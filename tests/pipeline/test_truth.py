"""Reasons beside the truth: of points whose drivers and causes are made by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.drivers import Drivers
from pipeline.config import from_values
from pipeline.truth import causes_named, causes_of, truth_of, weights

DAY = pd.Timestamp("2026-10-01")


@pytest.fixture
def truth(tmp_path) -> Path:
    """Six customers, the last one without a clear cause; C7 is told of no date."""
    file = tmp_path / "truth.parquet"
    pd.DataFrame(
        {
            "customer_id": ["C6", "C5", "C4", "C3", "C2", "C1"],
            "cutoff": [DAY.date()] * 6,
            "main_cause": ["usage", "price", "usage", "usage", "price", "usage"],
            "cause_clear": [False, True, True, True, True, True],
            "cause_usage": [1.0, 0.0, 2.0, 2.0, 0.5, 3.0],
            "cause_price": [0.9, 4.0, 0.0, 0.0, 2.0, 0.0],
        }
    ).to_parquet(file)
    return file


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"C{n}" for n in range(1, 8)], "cutoff": DAY})


@pytest.fixture
def drivers(frame) -> Drivers:
    """C4 is no risk; C3, whose cause is use, and C5, whose cause is the price, are told wrongly."""
    pushes = np.array(
        [[0, 0, 3], [2, 0, 1], [2, 0, 1], [-3, 0, -3], [1, 0, 2], [3, 0, 2], [3, 0, 0]], dtype=float
    )
    explanation = SimpleNamespace(
        frame=frame, model=SimpleNamespace(base_rate=0.05), log_odds=-2.5 + pushes.sum(axis=1)
    )
    return Drivers(explanation, ("price", "profile", "usage"), pushes, -2.5, frozenset({"profile"}))


def test_causes_are_told_point_by_point(truth, frame):
    found = causes_of(truth, frame)
    assert found["main_cause"].tolist()[:6] == [
        "usage",
        "price",
        "usage",
        "usage",
        "price",
        "usage",
    ]
    assert found["cause_price"].tolist()[:6] == [0.0, 2.0, 0.0, 0.0, 4.0, 0.9]
    assert found["cause_clear"].tolist() == [True] * 5 + [False] * 2
    assert np.isnan(found["cause_usage"].iloc[6])


def test_another_date_has_no_truth(truth, frame):
    found = causes_of(truth, frame.assign(cutoff=pd.Timestamp("2026-10-02")))
    assert found["main_cause"].isna().all()
    assert not found["cause_clear"].any()


def test_how_often_the_top_driver_is_the_cause(truth, frame, drivers):
    found = causes_named(drivers, causes_of(truth, frame))
    assert found["points"].to_dict() == {"price": 2, "usage": 2, "all": 4}
    assert found["named"].to_dict() == {"price": 0.5, "usage": 0.5, "all": 0.5}
    assert found["instead"].to_dict() == {"price": "usage", "usage": "price", "all": "price"}


def test_where_nobody_has_a_clear_cause_the_table_is_empty(truth, frame, drivers):
    causes = causes_of(truth, frame).assign(cause_clear=False)
    assert causes_named(drivers, causes).empty


def test_what_causes_add_is_of_points_at_risk_whose_truth_is_told(truth, frame, drivers):
    found = weights(drivers, causes_of(truth, frame))
    assert found["truth"].to_dict() == pytest.approx({"price": 6.9 / 5, "usage": 6.5 / 5})
    assert found["model"].to_dict() == pytest.approx({"price": 8 / 5, "usage": 9 / 5})


def test_only_simulated_histories_have_a_truth(truth, tmp_path):
    def config(source: str):
        return from_values({"data": {"source": source}}, tmp_path / "churn.toml")

    assert truth_of(config(".")) == tmp_path / "truth.parquet"
    assert truth_of(config("elsewhere")) is None
    assert truth_of(config("duckdb:///shop.db")) is None
