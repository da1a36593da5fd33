"""What would change it, in sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.wording import Wording
from models.drivers import LEAST_PUSH, Drivers
from models.usual import Usual
from models.what_if import Change, Fixed, Lowest, WhatIf
from pipeline.alternatives import told_alternative

WORDING = Wording.of("en")
SILENCE = {"since": "usage_days_since_last"}
SAYS = {
    "usage_days_since_last": {"says": "usage_silence", "fields": SILENCE, "actionable": True},
    "payments_last_failed": {"meaning": "1 when the last payment failed", "actionable": True},
    "subscriptions_plan": {"says": "plan", "fields": {"plan": "subscriptions_plan"}},
    "customers_profile_vip": {"meaning": "1 for VIPs"},
}


@pytest.fixture(scope="module")
def drivers(small_explanation):
    """Of one customer: 40 days silent, on plan basic."""
    model = small_explanation.model
    features = tuple({**each, **SAYS[each["name"]]} for each in model.features)
    frame = small_explanation.frame.iloc[[0]].reset_index(drop=True).assign(
        usage_days_since_last=40.0, payments_last_failed=1.0, subscriptions_plan="basic",
        customers_profile_vip=0.0,
    )  # fmt: skip
    model = replace(model, features=features, usual=Usual())
    contributions = np.array([[0.9, 0.4, 0.3, -0.1]])
    return Drivers.of(replace(small_explanation, model=model, frame=frame,
                              contributions=contributions))  # fmt: skip


SILENT = Change(("usage_silence",), "usage", (("usage_days_since_last", 40.0, 2.0),), 0.7)
FAILED = Change(("payments_last_failed",), "payments", (("payments_last_failed", 1.0, 0.0),), 0.4)
PLAN = Fixed("plan", "subscription", 0.3)


def told(drivers, *changes, reached=True, lowest=None, fixed=(), why_not=""):
    found = WhatIf(0.5, 0.1 if reached else 0.5, 0.2, reached, changes, lowest, fixed, why_not)
    return told_alternative(drivers, WORDING, found)


def test_a_change_tells_now_and_then(drivers):
    found = told(drivers, SILENT, FAILED)
    assert (found.reached, found.probability) == (True, 0.1)
    first, second = found.changes
    assert (first.group, first.name, first.share) == ("usage", "usage", 0.7)
    assert first.now == ("Last active 40 days ago",)
    assert first.then == ("Last active 2 days ago",)
    assert second.now == ("1 when the last payment failed: yes",)
    assert second.then == ("1 when the last payment failed: no",)


def test_what_goes_together_has_a_sentence_each(drivers):
    both = Change(
        ("usage_silence", "payments_last_failed"), "usage", (*SILENT.features, *FAILED.features), 1
    )
    (change,) = told(drivers, both).changes
    assert len(change.now) == len(change.then) == 2
    assert change.then[0] == "Last active 2 days ago"


def test_what_reads_the_same_is_told_by_its_meaning(drivers):
    """A feature that its own sentence does not hold: what changes has to show."""
    model = drivers.explanation.model
    features = ({**model.features[0], "fields": {}}, *model.features[1:])
    explanation = replace(drivers.explanation, model=replace(model, features=features))
    (change,) = told(replace(drivers, explanation=explanation), SILENT).changes
    assert change.now == ("Usage_days_since_last: 40 days",)
    assert change.then == ("Usage_days_since_last: 2 days",)


def test_where_it_is_not_enough_the_lowest_is_told(drivers):
    found = told(drivers, reached=False, lowest=Lowest(0.3, (SILENT,)), why_not="not_enough")
    assert (found.reached, found.probability, found.why_not) == (False, 0.3, "not_enough")
    assert [change.group for change in found.changes] == ["usage"]


def test_where_nothing_lowers_it_the_risk_stays(drivers):
    found = told(drivers, reached=False, why_not="no_peer_below")
    assert (found.probability, found.changes, found.why_not) == (0.5, (), "no_peer_below")


def test_what_stays_is_told_beside_the_median_customer(drivers):
    assert told(drivers, SILENT, fixed=(PLAN,)).fixed == ("Plan: basic",)


def test_what_changes_or_weighs_nothing_does_not_stay(drivers):
    light = Fixed("plan", "subscription", LEAST_PUSH - 0.001)
    also = replace(SILENT, subjects=("usage_silence", "plan"))
    assert told(drivers, SILENT, fixed=(light,)).fixed == ()
    assert told(drivers, also, fixed=(PLAN,)).fixed == ()


def test_of_a_subject_that_stays_the_strongest_feature_is_told(drivers):
    """Of those that nobody can move, held against what is usual."""
    model = drivers.explanation.model
    plan, vip = model.features[2:]
    features = (*model.features[:2], {**plan, "says": "s"}, {**vip, "says": "s"})
    for usual, meaning in ((0.0, "Subscriptions_plan: basic"), (0.6, "1 for VIPs: no")):
        known = Usual({}, {"subscriptions_plan": usual})
        changed = replace(model, features=features, usual=known)
        explanation = replace(drivers.explanation, model=changed)
        found = told(
            replace(drivers, explanation=explanation), fixed=(Fixed("s", "subscription", 0.3),)
        )
        assert found.fixed == (meaning,)
