"""The feature that is told is the strongest of the strongest subject."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.telling import NOTHING, told_features


def with_contributions(drivers, contributions, **says):
    """The drivers as if these were the contributions, and the features said what is given."""
    explanation = drivers.explanation
    features = tuple({**f, **says.get(f["name"], {})} for f in explanation.model.features)
    model = replace(explanation.model, features=features, usual=type(explanation.model.usual)())
    frame = explanation.frame.head(len(contributions))
    explanation = replace(
        explanation, model=model, frame=frame, contributions=np.array(contributions)
    )
    return type(drivers).of(explanation, facts=drivers.facts)


def test_one_for_each_driver_in_their_order(drivers):
    found = told_features(with_contributions(drivers, [[0.2, 0.5, 0.1], [0.5, 0.2, 0.0]]))
    names = [[drivers.explanation.model.names[i] for i in row if i != NOTHING] for row in found]
    assert names == [["failed_share", "usage_count_30d"], ["usage_count_30d", "failed_share"]]


def test_features_that_say_the_same_are_weighed_together(drivers):
    all_usage = {"group": "usage"}
    same = {name: {**all_usage, "says": "how much"} for name in ("usage_count_30d", "plan")}
    other = {"failed_share": {**all_usage, "says": "what else"}}
    alone, together = [[0.3, 0.4, 0.05]], [[0.3, 0.4, 0.25]]
    for contributions, told in ((alone, "failed_share"), (together, "usage_count_30d")):
        found = told_features(with_contributions(drivers, contributions, **same, **other))
        assert drivers.explanation.model.names[found[0, 0]] == told


def test_what_is_usual_is_no_reason(drivers):
    """A contribution that everybody has tells nothing of one customer."""
    same = {name: {"group": "usage", "says": name} for name in ("usage_count_30d", "plan")}
    given = with_contributions(drivers, [[0.3, 0.0, 0.5]], **same)
    explanation = given.explanation
    usual = replace(explanation.model.usual, groups={"usage": 0.45}, features={"plan": 0.45})
    explanation = replace(explanation, model=replace(explanation.model, usual=usual))
    found = told_features(type(given).of(explanation, facts=given.facts))
    assert drivers.explanation.model.names[found[0, 0]] == "usage_count_30d"


def test_where_there_is_no_driver_nothing_is_told(drivers):
    assert (told_features(with_contributions(drivers, [[-1.0, -1.0, -1.0]])) == NOTHING).all()


def test_the_longest_window_is_told_only_where_no_shorter_one_raises_the_risk(drivers):
    """It has nothing before it to be compared with."""
    days = {"usage_count_30d": 30, "failed_share": 90, "plan": 365}
    same = {
        name: {"group": "usage", "says": "how much", "window_days": n} for name, n in days.items()
    }
    names = drivers.explanation.model.names
    for contributions, told in (
        ([[0.1, 0.2, 0.9]], "failed_share"),
        ([[-0.1, 0.0, 0.9]], "plan"),
    ):
        found = told_features(with_contributions(drivers, contributions, **same))
        assert names[found[0, 0]] == told
