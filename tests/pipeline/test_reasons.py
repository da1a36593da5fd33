"""Reasons as the risk list tells them: filled up, in order, and warned of where not steady."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.wording import Wording
from models.drivers import MOST_DRIVERS, Drivers
from models.stability import STEADY, Stability
from models.telling import NOTHING, told_features
from pipeline.reasons import Columns, Row, reasons_of, sentence, steadiness, steady, warned

WORDING = Wording.of("en")
NOT_SURE = " (not sure: "


@pytest.fixture(scope="module")
def drivers(small_explanation):
    """With the fact profile, and refits that agree the more the further the first is ahead."""
    known = Stability(10, 100, 0.9, gaps=(0.0, 1.0), shares=(0.5, 1.0))
    model = replace(small_explanation.model, stability=known)
    return Drivers.of(replace(small_explanation, model=model), facts=("profile",))


def pushed(drivers, **pushes):
    """The same points, all with these pushes: 0 for other groups."""
    row = np.array([pushes.get(group, 0.0) for group in drivers.groups])
    return replace(drivers, pushes=np.tile(row, (len(drivers.pushes), 1)))


def everybody(drivers):
    return np.ones(len(drivers.pushes), dtype=bool)


def test_every_driver_has_its_sentence_and_the_rest_is_empty(drivers):
    found = reasons_of(drivers, WORDING, ~everybody(drivers))
    assert {len(row) for row in (*found.drivers, *found.reasons)} == {MOST_DRIVERS}
    for row, (named, told) in enumerate(zip(found.drivers, found.reasons, strict=True)):
        groups = [drivers.groups[place] for place in drivers.ranked[row]]
        assert named == groups + [None] * (MOST_DRIVERS - len(groups))
        assert [one is None for one in told] == [one is None for one in named]
    assert len({len([n for n in named if n]) for named in found.drivers}) > 1


def test_the_sentence_is_that_of_the_feature_that_is_told(drivers):
    found = reasons_of(drivers, WORDING, ~everybody(drivers))
    told = told_features(drivers)
    row = int(np.flatnonzero(told[:, 0] != NOTHING)[0])
    assert found.reasons[row][0] == sentence(
        drivers, WORDING, Row(Columns(drivers.explanation.frame), row), told[row, 0]
    )


def test_who_is_at_risk_is_warned_of_what_is_not_steady(drivers):
    close = pushed(drivers, usage=1.0, payments=0.9)
    found = reasons_of(close, WORDING, everybody(close))
    assert found.unsteady.all()
    assert all(told[0].endswith("(not sure: payments weighs nearly as much)")
               for told in found.reasons)  # fmt: skip
    assert not any(NOT_SURE in told[1] for told in found.reasons)


def test_only_those_at_risk_are_warned(drivers):
    close = pushed(drivers, usage=1.0, payments=0.9)
    some = np.arange(len(close.pushes)) % 3 == 0
    found = reasons_of(close, WORDING, some)
    np.testing.assert_array_equal(found.unsteady, some)
    assert [NOT_SURE in told[0] for told in found.reasons] == some.tolist()


@pytest.mark.parametrize(
    "pushes",
    [
        {"usage": 1.0, "payments": 0.1},  # far ahead
        {"usage": 0.04, "payments": 0.03, "profile": 0.5},  # the reason is a fact
        {"usage": -1.0, "payments": -1.1},  # no reason at all
    ],
)
def test_nobody_is_warned_where_there_is_no_doubt_of_levers(drivers, pushes):
    found = reasons_of(pushed(drivers, **pushes), WORDING, everybody(drivers))
    assert not found.unsteady.any()
    assert not any(NOT_SURE in one for told in found.reasons for one in told if one)


def test_a_fact_is_told_where_no_lever_raises_the_risk(drivers):
    found = reasons_of(pushed(drivers, profile=0.5, usage=-0.1), WORDING, everybody(drivers))
    assert {tuple(named) for named in found.drivers} == {("profile", None, None)}


def test_steady_is_what_most_refits_would_say(drivers):
    gap = 2 * (STEADY - 0.5)
    just, less = (pushed(drivers, usage=1.0, payments=1.0 - g) for g in (gap + 1e-9, gap - 0.01))
    assert steady(just).all()
    assert not steady(less).any()


def test_without_refits_nothing_is_in_doubt(drivers, small_explanation):
    unknown = replace(drivers, explanation=small_explanation)
    assert steadiness(unknown) is None
    close = pushed(unknown, usage=1.0, payments=0.99)
    assert steady(close).all()
    assert not reasons_of(close, WORDING, everybody(close)).unsteady.any()


def test_a_lever_alone_has_no_second(drivers):
    alone = replace(drivers, facts=frozenset(set(drivers.groups) - {"usage"}))
    assert warned(alone, WORDING, 0, "told") == "told"


def test_of_nobody_there_is_nothing_to_tell(drivers):
    frame = drivers.explanation.frame.iloc[:0]
    explanation = replace(
        drivers.explanation, frame=frame, contributions=drivers.explanation.contributions[:0]
    )
    found = reasons_of(Drivers.of(explanation), WORDING, np.zeros(0, dtype=bool))
    assert (found.drivers, found.reasons, len(found.unsteady)) == ([], [], 0)


def test_a_row_is_a_mapping(drivers):
    frame = drivers.explanation.frame
    row = Row(Columns(frame), 3)
    assert list(row) == list(frame.columns)
    assert row["subscriptions_plan"] == frame["subscriptions_plan"].iloc[3]
    assert (len(row), row.get("nothing of that name")) == (len(frame.columns), None)
