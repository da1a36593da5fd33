"""Why customers leave, on the whole: of a small model, and of a world whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.calibration import probabilities
from models.drivers import Drivers
from models.risk import risk_bands
from models.usual import Usual
from pipeline.explaining import explain_all
from pipeline.files import to_json


@pytest.fixture(scope="module")
def drivers(small_explanation):
    """What drives whom, against a usual customer."""
    usual = Usual.of(small_explanation)
    model = replace(small_explanation.model, usual=usual)
    return Drivers.of(replace(small_explanation, model=model))


@pytest.fixture(scope="module")
def overall(drivers):
    return explain_all(drivers, seed=1)


def at_risk(explained) -> np.ndarray:
    log_odds = explained.expected + explained.contributions.sum(axis=1)
    return risk_bands(probabilities(log_odds), explained.model.base_rate) != "low"


def test_importances_are_those_of_the_explanation(overall):
    explained = overall.explained
    assert dict(zip(overall.features["name"], overall.features["mean_abs_shap"], strict=True)) == (
        pytest.approx(explained.importance())
    )
    assert set(overall.drivers["group"]) == {*explained.by_group()[0]}
    for found in (overall.features, overall.drivers, overall.parts):
        assert (found["low"] <= found["mean_abs_shap"]).all()
        assert (found["mean_abs_shap"] <= found["high"]).all()


def test_the_catalogue_says_what_each_feature_means_and_how_much_it_matters(overall):
    found = overall.catalogue()
    assert set(found["name"]) == set(overall.explained.model.names)
    assert {"meaning", "unit", "group", "mean_abs_shap", "low", "high", "direction"} <= set(found)
    assert found["mean_abs_shap"].is_monotonic_decreasing
    directions = found.set_index("name")["direction"]
    assert directions["payments_last_failed"] > 0.5
    assert np.isnan(directions["subscriptions_plan"])


def test_drivers_are_told_of_all_points_then_of_each_part(overall):
    found = overall.drivers_of_all_and_parts()
    assert found.loc[:3, "of"].tolist() == ["all"] * 4
    assert set(zip(found["of"], found["part"], strict=True)) == {
        ("all", "all"),
        ("cutoff", "2026-01-01"),
        ("cutoff", "2026-02-01"),
        ("subscriptions_plan", "basic"),
        ("subscriptions_plan", "pro"),
        ("customers_profile_vip", "no"),
        ("customers_profile_vip", "yes"),
    }
    assert (found.groupby("of")["points"].sum() == 4 * 600).all()
    for column in ("mean_abs_shap", "mean_shap"):
        sums = (found[column] * found["points"]).groupby([found["of"], found["group"]]).sum()
        of_all = sums["all"]
        for of in ("cutoff", "subscriptions_plan", "customers_profile_vip"):
            pd.testing.assert_series_equal(sums[of], of_all)


def test_every_customer_at_risk_is_in_one_cohort_at_the_newest_cutoff(overall):
    frame = overall.explained.frame
    risky = frame[at_risk(overall.explained)]
    members = np.concatenate([one.members for one in overall.cohorts])
    newest = risky.groupby("customer_id")["cutoff"].max()
    told = frame.iloc[members].set_index("customer_id")["cutoff"]
    pd.testing.assert_series_equal(told.sort_index(), newest.sort_index())
    assert overall.cohorts_as_json()["customers"] == len(newest)


def test_cohorts_tell_the_figures_of_their_members(overall, drivers):
    explained = overall.explained
    for one, told in zip(overall.cohorts, overall.cohorts_as_json()["cohorts"], strict=True):
        assert told["churned"] == explained.frame["churned"].to_numpy()[one.members].mean()
        means = dict(zip(drivers.groups, drivers.pushes[one.members].mean(axis=0), strict=True))
        assert told["contributions"] == pytest.approx(means)
        assert told["typical"] in explained.frame["customer_id"].to_numpy()[one.members]


def test_reasons_are_those_of_the_customers_at_risk(overall):
    risky = at_risk(overall.explained)
    second = overall.explained.frame["cutoff"] == "2026-02-01"
    assert overall.reasons.at_risk["2026-02-01"] == (risky & second).sum()
    assert overall.reasons.customers == {"2026-01-01": 300, "2026-02-01": 300}


def test_the_same_explanation_gives_the_same_files(overall, drivers):
    again = explain_all(drivers, seed=1)
    for one, other in (
        (overall.catalogue(), again.catalogue()),
        (overall.drivers_of_all_and_parts(), again.drivers_of_all_and_parts()),
        (overall.pairs, again.pairs),
    ):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert to_json(overall.cohorts_as_json()) == to_json(again.cohorts_as_json())
    assert to_json(overall.reasons.as_dict()) == to_json(again.reasons.as_dict())


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_points_are_explained_as_far_as_they_go(small_explanation, rows):
    few = replace(
        small_explanation,
        frame=small_explanation.frame.head(rows),
        contributions=small_explanation.contributions[:rows],
    )
    found = explain_all(Drivers.of(few), seed=1)
    assert sum(one.size for one in found.cohorts) <= rows
    assert found.reasons.changes == [] or rows == 2
    assert len(found.drivers_of_all_and_parts()) >= 4
    to_json(found.cohorts_as_json())


def test_cohorts_are_the_true_causes(found, world):
    """Where the simulator made the cause clear, a cohort's commonest cause is nearly all of it."""
    truth = pd.read_parquet(world / "truth.parquet")
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    overall = found.overall
    keys = overall.explained.frame[["customer_id", "cutoff"]]
    truth = keys.merge(truth, on=["customer_id", "cutoff"], how="left", validate="1:1")
    right = clear = 0
    for cohort in overall.cohorts:
        causes = truth.iloc[cohort.members]
        causes = causes.loc[causes["cause_clear"], "main_cause"]
        clear += len(causes)
        right += causes.value_counts().max() if len(causes) else 0
    assert clear > 100
    assert right / clear > 0.75
    assert len(overall.cohorts) >= 3
