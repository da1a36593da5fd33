"""Subjects: which columns a sentence is told from, as far as there are any."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from features.catalogue import Feature
from features.telling import Subject, settled

COUNT = Subject(
    "count",
    {
        "now": "usage_{slug}_count_{window}",
        "wider": "usage_{slug}_count_{wider}",
        "most": "usage_{slug}_count_{longest}",
        "since": "usage_days_since_last",
    },
)


def counts(*windows, slug="login"):
    return [
        COUNT.of(
            Feature(f"usage_{slug}_count_{n}d", "events", "events", "usage", "usage", n),
            slug=slug,
            actionable=True,
            kind="Log-in",
        )
        for n in windows
    ]


def test_a_feature_tells_its_window_beside_the_next_wider_one():
    first, last = settled(counts(30, 90))
    assert first.says == "count/login"
    assert first.actionable
    assert first.fields == {
        "now": "usage_login_count_30d",
        "wider": "usage_login_count_90d",
        "most": "usage_login_count_90d",
    }
    assert first.words == {"kind": "Log-in", "days": 30, "wider_days": 90}
    assert last.words == {"kind": "Log-in", "days": 90}
    assert "wider" not in last.fields


@pytest.mark.parametrize(
    ("windows", "told"), [((7, 30, 90, 365), 90), ((7, 30), 30), ((365,), 365), ((80, 100), 80)]
)
def test_a_feature_without_a_window_is_told_in_a_usual_one(windows, told):
    since = COUNT.of(Feature("usage_days_since_last", "", "days", "usage", "usage"), slug="login")
    found = settled([*counts(*windows), since])[-1]
    assert found.fields["now"] == f"usage_login_count_{told}d"
    assert found.words["days"] == told


def test_a_column_that_there_is_not_is_no_field():
    (alone,) = settled([COUNT.of(Feature("x", "x", "days", "usage", "usage"), slug="login")])
    assert alone.fields == {}
    assert alone.words == {}


def test_what_is_settled_stays_and_survives_json():
    features = settled(counts(7, 30))
    assert settled(features) == features
    for feature in features:
        assert Feature(**feature.as_dict()) == feature
        assert Feature(**json.loads(json.dumps(feature.as_dict()))) == feature
        assert {feature: 1}[replace(feature)] == 1


@pytest.mark.parametrize(
    ("name", "days", "group", "below"),
    [
        ("usage_count_7d", 7, "usage", None),
        ("usage_count_30d", 30, "usage", None),
        ("usage_count_60d", 60, "usage", 60),
        ("usage_count_365d", 365, "usage", 90),
        ("usage_count_ever", None, "usage", 90),
        ("payments_days_since_first", None, "usage", 90),
        ("usage_days_since_last", None, "usage", None),
        ("payments_failed_count_90d", 90, "payments", None),
    ],
)
def test_what_newcomers_did_in_windows_longer_than_their_stay_is_their_beginning(
    name, days, group, below
):
    (found,) = settled([Feature(name, "", "events", group, name.split("_")[0], days)])
    assert found.onboarding_below == below


@pytest.mark.parametrize(
    ("name", "group", "actionable", "better"),
    [
        ("usage_count_30d", "usage", True, 1),
        ("usage_days_since_last", "usage", True, -1),
        ("payments_silence_vs_longest", "usage", True, -1),
        ("payments_last_failed", "payments", True, -1),
        ("tickets_open_count", "support", True, -1),
        ("tickets_csat_last", "satisfaction", True, 1),
        ("subscriptions_auto_renew", "subscription", True, 1),
        ("subscriptions_plan", "subscription", True, 0),
        ("usage_count_ever", "usage", False, 0),
    ],
)
def test_which_way_is_better(name, group, actionable, better):
    given = Feature(name, "", "events", group, name.split("_")[0], actionable=actionable)
    assert settled([given])[0].better == better
