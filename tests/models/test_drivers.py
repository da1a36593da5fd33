"""Drivers add up to the probability, levers come before facts, and noise is no driver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.drivers import LEAST_PUSH, Drivers

PUSHES = np.array(
    [
        [0.5, 0.9, 0.1],  # the fact is the strongest, and is kept apart
        [-0.5, 0.9, 0.01],  # nothing that someone can act on
        [-0.1, -0.2, -0.3],
        [0.3, 0.0, 0.3],  # equal ones in the order of their names
    ]
)


@pytest.fixture
def simple(drivers) -> Drivers:
    """With the groups payments, subscription (a fact) and usage."""
    return replace(drivers, pushes=PUSHES)


def test_from_the_usual_customer_they_add_up_in_log_odds_and_in_probability(drivers):
    model, frame = drivers.explanation.model, drivers.explanation.frame
    predicted = model.predict(frame)
    log_odds = np.log(predicted) - np.log1p(-predicted)
    np.testing.assert_allclose(drivers.base + drivers.pushes.sum(axis=1), log_odds, atol=1e-9)
    told = drivers.usual_probability + drivers.in_probability.sum(axis=1)
    np.testing.assert_allclose(told, predicted, rtol=0, atol=1e-9)


def test_the_usual_customer_has_no_push(drivers):
    np.testing.assert_allclose(np.median(drivers.pushes, axis=0), 0, atol=1e-12)


def test_levers_are_ranked_and_facts_are_kept_apart(simple):
    names = [[simple.groups[place] for place in row] for row in simple.ranked]
    assert names == [["payments", "usage"], ["subscription"], [], ["payments", "usage"]]


def test_the_top_lever_and_its_lead(simple):
    assert [simple.groups[place] for place in simple.top] == [
        "payments", "usage", "payments", "payments"
    ]  # fmt: skip
    np.testing.assert_allclose(simple.gap, [0.4, 0.51, 0.2, 0.0])


def test_importance_counts_what_raises_the_risk(simple):
    found = simple.importance()
    assert found == pytest.approx({"subscription": 0.45, "payments": 0.2, "usage": 0.1})
    assert list(found) == ["subscription", "payments", "usage"]
    some = simple.importance(np.array([False, False, False, True]))
    assert list(some.items()) == [("payments", 0.3), ("usage", 0.3), ("subscription", 0.0)]
    assert PUSHES[1, 2] < LEAST_PUSH


def test_nobody_and_nothing_to_act_on(drivers, simple):
    assert set(simple.importance(np.zeros(4, dtype=bool)).values()) == {0.0}
    facts = Drivers.of(drivers.explanation, facts=drivers.groups)
    assert not facts.levers
    assert np.isinf(facts.gap).all()
    assert all(len(row) <= 1 for row in facts.ranked)


def test_what_is_small_beside_the_first_driver_is_no_further_reason(drivers):
    found = replace(drivers, pushes=np.array([[2.0, 0.0, 0.39], [2.0, 0.0, 0.41]]))
    names = [[found.groups[place] for place in row] for row in found.ranked]
    assert names == [["payments"], ["payments", "usage"]]
