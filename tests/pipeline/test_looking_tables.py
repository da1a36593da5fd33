"""The tables of the notebooks, of a small model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.drivers import Drivers
from models.shifts import Change, Reasons
from pipeline.config import from_values
from pipeline.explain import Driver
from pipeline.explaining import at_risk
from pipeline.looking import Look
from pipeline.looking_tables import (
    changes,
    cohorts,
    drivers_at_risk,
    drivers_of_one,
    raised_most,
)


@pytest.fixture(scope="module")
def drivers(small_explanation):
    return Drivers.of(small_explanation, facts=("profile",))


@pytest.fixture(scope="module")
def look(small_explanation, tmp_path_factory):
    file = tmp_path_factory.mktemp("small") / "churn.toml"
    frame = small_explanation.frame
    return Look(
        config=from_values({"data": {"source": "data"}}, file),
        label="churn-risk/1",
        model=small_explanation.model,
        counts=pd.DataFrame(),
        tested=frame,
        lately=frame.drop(columns="churned"),
    )


def test_drivers_tell_what_they_add_for_those_at_risk(drivers):
    found = drivers_at_risk(drivers)
    rows = np.flatnonzero(at_risk(drivers))
    assert found["log_odds"].to_dict() == drivers.importance(rows)
    assert found["log_odds"].is_monotonic_decreasing
    assert found["kind"].to_dict() == {
        **dict.fromkeys(("payments", "usage", "subscription"), "lever"),
        "profile": "fact",
    }
    first = [drivers.groups[drivers.ranked[row][0]] for row in rows if drivers.ranked[row]]
    assert found["first_of"].sum() == pytest.approx(len(first) / len(rows))
    assert found.loc["payments", "first_of"] == first.count("payments") / len(rows)


def test_points_are_of_what_raises_the_risk(drivers):
    found = drivers_at_risk(drivers)
    rows, place = np.flatnonzero(at_risk(drivers)), drivers.groups.index("payments")
    added = [
        drivers.in_probability[row, place] * (drivers.pushes[row, place] >= 0.05) for row in rows
    ]
    assert found.loc["payments", "points"] == pytest.approx(100 * np.mean(added))
    assert (found["points"] >= 0).all()


def test_of_nobody_at_risk_nothing_is_added(small_explanation):
    from dataclasses import replace

    calm = replace(small_explanation, contributions=small_explanation.contributions * 0 - 1.0)
    found = drivers_at_risk(Drivers.of(calm))
    assert len(found) == 4
    assert (found[["log_odds", "points", "first_of"]] == 0).all(axis=None)


def test_changes_stand_in_their_order():
    risen = Change("usage", 0.3, 0.1, 0.2, 0.1, 0.3, True)
    fallen = Change("price", 0.1, 0.3, -0.2, -0.3, -0.1, True)
    found = changes(Reasons({}, {}, {}, [risen, fallen]))
    assert found.index.tolist() == ["usage", "price"]
    assert found.loc["price", "change"] == -0.2
    assert changes(Reasons({}, {}, {}, [])).empty


def test_each_driver_is_told_where_it_raises_the_risk_most(look):
    found, parts = raised_most(look.overall), look.overall.parts
    parts = parts[parts["of"] != "cutoff"]
    assert found["mean_shap"].to_dict() == parts.groupby("group")["mean_shap"].max().to_dict()
    assert found["mean_shap"].is_monotonic_decreasing
    place = found.loc["subscription", ["of", "part"]].tolist()
    assert place == ["subscriptions_plan", "basic"]


def test_a_cohort_has_a_typical_customer_and_its_reason(look):
    found = cohorts(look)
    assert found.index.tolist() == [one.name for one in look.overall.cohorts]
    assert found["share"].sum() == pytest.approx(1)
    members = look.tested["customer_id"].to_numpy()
    for one, typical in zip(look.overall.cohorts, found["typical"], strict=True):
        assert typical in members[one.members]
    assert found["its first reason"].str.len().gt(5).all()


def test_without_anybody_at_risk_there_is_no_cohort(look):
    from dataclasses import replace

    nobody = SimpleNamespace(overall=replace(look.overall, cohorts=[]), tested=look.tested)
    assert cohorts(nobody).empty


def test_the_drivers_of_one_customer_are_told_in_points():
    found = SimpleNamespace(
        drivers=(
            Driver("usage", "use", 1.0, 0.125, True, "Last active 9 days ago"),
            Driver("profile", "profile", 0.01, 0.001, False, None),
        )
    )
    table = drivers_of_one(found)
    assert table.loc["use"].tolist() == ["lever", 12.5, "Last active 9 days ago"]
    assert table.loc["profile"].tolist() == ["fact", 0.1, ""]
