"""Whom to contact: budgets, consent and the holdout as properties; the rest by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.levers import Lever
from models.outreach import CONTACT, HOLDOUT, NONE, Limits, plan_outreach

CALL = Lever("call", ("support", "usage"), cost=10, incentive=0, success_rate=0.2)
GIFT = Lever("gift", ("price",), cost=1, incentive=20, success_rate=0.5)
DUNNING = Lever("dunning", ("payments",), cost=1, incentive=0, success_rate=0.3)
LEVERS = [CALL, GIFT, DUNNING]
NOBODY_ASIDE = Limits(holdout_share=0)


def plan(probability, value, fits, **changes):
    n = len(probability)
    settings = {
        "customer_ids": [f"C{k}" for k in range(n)],
        "at_risk": np.ones(n, dtype=bool),
        "allowed": np.ones(n, dtype=bool),
        "suppressed": np.zeros(n, dtype=bool),
        "levers": LEVERS,
        "limits": NOBODY_ASIDE,
        "campaign": "spring",
    }
    return plan_outreach(
        probability=np.array(probability, dtype=float),
        value=np.array(value, dtype=float),
        fits=np.array(fits, dtype=float).reshape(n, len(changes.get("levers", LEVERS))),
        **{**settings, **changes},
    )


def many(n=2000, seed=3, **changes):
    random = np.random.default_rng(seed)
    fits = (random.random((n, 3)) < 0.6) * random.choice([0.5, 1.0], (n, 3))
    return plan(random.beta(1, 5, n), random.lognormal(5, 1, n), fits, **changes)


def where(found, group):
    return {k for k, own in enumerate(found.group) if own == group}


def test_the_best_action_with_its_profit():
    found = plan([0.5], [300], [[1, 0, 0]])
    assert found.action == ["call"]
    assert found.expected_profit[0] == pytest.approx(0.5 * 0.2 * 300 - 10)
    assert (found.group, found.why_not) == ([CONTACT], [""])
    assert (found.spent, found.total.contacts, found.by_action["call"].contacts) == (10, 1, 1)
    assert found.profit_low[0] < found.expected_profit[0] < found.profit_high[0]


def test_an_incentive_is_set_aside_for_everybody():
    assert plan([0.5], [300], [[0, 1, 0]]).spent == 21
    assert plan([0.5], [300], [[0, 1, 0]], limits=Limits(20, None, 0)).why_not == ["budget"]


def test_nothing_fits_or_nothing_pays():
    found = plan([0.9, 0.1], [1000, 100], [[0, 0, 0], [0, 1, 0]])
    assert found.action == [None, "gift"]
    assert np.isnan([found.expected_profit[0], found.profit_low[0], found.profit_high[0]]).all()
    assert found.expected_profit[1] == pytest.approx(0.1 * 0.5 * 100 - 1 - 20 * 0.9)
    assert found.why_not == ["unprofitable"] * 2


def test_why_not_names_the_first_obstacle():
    found = plan(
        [0.5] * 5,
        [300] * 5,
        [[1, 0, 0]] * 5,
        at_risk=np.array([False, True, True, True, True]),
        allowed=np.array([False, False, True, True, True]),
        suppressed=np.array([True, True, True, False, False]),
        limits=Limits(budget=10, holdout_share=0),
    )
    assert found.why_not[:3] == ["not_at_risk", "no_consent", "suppressed"]
    assert sorted(found.why_not[3:]) == ["", "budget"]
    assert found.action == ["call"] * 5


def test_another_action_where_the_best_has_no_room():
    """The call brings 20 more than dunning, but one call is all that can be made."""
    one_call = [replace(CALL, capacity=1), DUNNING]
    found = plan([0.5] * 2, [400, 300], [[1, 0.5]] * 2, levers=one_call)
    assert found.action == ["call", "dunning"]
    assert found.group == [CONTACT] * 2


def test_the_money_goes_where_it_brings_most():
    """A call brings 30; for the money four others can be reached, who bring 14 each."""
    found = plan(
        [0.5] * 5,
        [400, 100, 100, 100, 100],
        [[1, 0, 0], *[[0, 0, 1]] * 4],
        limits=Limits(10, None, 0),
    )
    assert where(found, CONTACT) == {1, 2, 3, 4}
    assert found.why_not[0] == "budget"


customers = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.sampled_from([0.0, 100.0]), st.floats(0, 1e5)),
        st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 3),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@given(
    customers=customers,
    budget=st.one_of(st.none(), st.floats(0, 200)),
    capacity=st.one_of(st.none(), st.integers(0, 10)),
    calls=st.one_of(st.none(), st.integers(0, 3)),
    holdout=st.floats(0, 1),
)
def test_limits_and_consent_always_hold(customers, budget, capacity, calls, holdout):
    probability, value, fits, at_risk, allowed, suppressed = map(list, zip(*customers, strict=True))
    found = plan(
        probability,
        value,
        fits,
        at_risk=np.array(at_risk),
        allowed=np.array(allowed),
        suppressed=np.array(suppressed),
        levers=[replace(CALL, capacity=calls), GIFT, DUNNING],
        limits=Limits(budget, capacity, holdout),
    )
    outlay = {lever.name: lever.cost + lever.incentive for lever in LEVERS}
    contacted = [i for i, group in enumerate(found.group) if group == CONTACT]
    assert found.spent == math.fsum(outlay[found.action[i]] for i in contacted)
    assert found.spent <= (math.inf if budget is None else budget)
    assert len(contacted) <= (math.inf if capacity is None else capacity)
    called = sum(found.action[i] == "call" for i in contacted)
    assert called <= (math.inf if calls is None else calls)
    assert math.fsum(found.expected_profit[contacted]) <= found.bound
    for i, group in enumerate(found.group):
        assert (group == NONE) == bool(found.why_not[i])
        if group != NONE:
            assert (at_risk[i], allowed[i], suppressed[i]) == (True, True, False)
            assert found.expected_profit[i] > 0
            assert fits[i][[lever.name for lever in LEVERS].index(found.action[i])] > 0


def test_the_holdout_does_not_depend_on_the_budget():
    """With less money fewer would have been contacted, but nobody changes sides."""
    poor, rich = many(limits=Limits(2000, None, 0.2)), many(limits=Limits(None, None, 0.2))
    assert where(poor, HOLDOUT) < where(rich, HOLDOUT)
    assert not where(poor, CONTACT) & where(rich, HOLDOUT)
    eligible = where(rich, HOLDOUT) | where(rich, CONTACT)
    assert len(where(rich, HOLDOUT)) == pytest.approx(0.2 * len(eligible), abs=3)


def test_of_whom_the_money_reaches_the_share_is_held_out():
    found = many(3000, limits=Limits(2500, None, 0.3))
    held, contacts = len(where(found, HOLDOUT)), len(where(found, CONTACT))
    assert held / (held + contacts) == pytest.approx(0.3, abs=0.05)
    assert found.spent == pytest.approx(2500, abs=1)


def test_strata_balance_the_holdout():
    band = np.arange(2000) % 3
    found = many(limits=Limits(None, None, 0.25), strata=[band])
    eligible = where(found, HOLDOUT) | where(found, CONTACT)
    for own in range(3):
        for action in ("call", "gift", "dunning"):
            part = [k for k in eligible if band[k] == own and found.action[k] == action]
            held = sum(found.group[k] == HOLDOUT for k in part)
            assert math.floor(0.25 * len(part)) <= held <= math.ceil(0.25 * len(part))


def test_everybody_held_out_is_contacted_by_nobody():
    found = many(limits=Limits(500, None, 1))
    assert where(found, CONTACT) == set()
    assert where(found, HOLDOUT)
    assert (found.spent, found.total.contacts, found.total.verdict) == (0, 0, "no contacts")


def test_the_rows_may_come_in_any_order_and_again():
    random = np.random.default_rng(5)
    n, mixed = 500, np.random.default_rng(6).permutation(500)
    columns = random.beta(1, 5, n), random.choice([100.0, 400], n), random.random((n, 3)).round()
    ids, limits = np.array([f"C{k}" for k in range(n)]), Limits(300, 60, 0.2)
    first, again = (plan(*columns, customer_ids=ids, limits=limits) for _ in range(2))
    other = plan(*[c[mixed] for c in columns], customer_ids=ids[mixed], limits=limits)
    assert first.group == again.group
    assert [first.group[k] for k in mixed] == other.group
    assert [first.action[k] for k in mixed] == other.action


def test_equals_are_not_contacted_by_their_place():
    found = plan([0.5] * 1000, [300] * 1000, [[1, 0, 0]] * 1000, limits=Limits(5000, None, 0.2))
    contacted = np.array(sorted(where(found, CONTACT)))
    assert len(contacted) == 500
    assert contacted.mean() == pytest.approx(499.5, abs=50)
    # 500 of the 800 who take part are contacted, and of those held out the same share.
    assert len(where(found, HOLDOUT)) == pytest.approx(125, abs=25)


def test_no_actions_and_no_customers():
    found = plan([0.5], [300], [], levers=[])
    assert (found.action, found.why_not, found.by_action) == ([None], ["unprofitable"], {})
    assert plan([], [], []).group == []


@pytest.mark.parametrize("limits", [Limits(-1), Limits(None, -1), Limits(holdout_share=1.5)])
def test_odd_limits_are_refused(limits):
    with pytest.raises(ValueError, match="must be"):
        plan([0.5], [300], [[1, 0, 0]], limits=limits)
