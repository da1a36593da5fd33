"""Whom to contact: budgets, consent and the holdout as properties; profit by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.outreach import Lever, Limits, is_held_out, plan_outreach
from models.risk import at_risk_from, risk_bands, top_share
from models.value import remaining_margin

CALL = Lever("call", ("support", "usage"), cost=10, incentive=0, success_rate=0.2)
GIFT = Lever("gift", ("price",), cost=1, incentive=20, success_rate=0.5)
DUNNING = Lever("dunning", ("payments",), cost=1, incentive=0, success_rate=0.3)


def plan(probability, value, drivers, **changes):
    n = len(probability)
    settings = {
        "customer_ids": list(range(n)),
        "at_risk": np.ones(n, dtype=bool),
        "allowed": np.ones(n, dtype=bool),
        "suppressed": np.zeros(n, dtype=bool),
        "levers": [CALL, GIFT, DUNNING],
        "limits": Limits(holdout_share=0),
        "salt": "run",
    }
    return plan_outreach(
        probability=np.array(probability, dtype=float),
        value=np.array(value, dtype=float),
        drivers=drivers,
        **{**settings, **changes},
    )


def test_expected_profit_by_hand():
    """Half of them leave, 20 % of those can be kept, each worth 300; the call costs 10."""
    found = plan([0.5], [300], [["support", None, None]])
    assert found.action == ["call"]
    assert found.expected_profit[0] == pytest.approx(0.5 * 0.2 * 300 - 10)
    assert found.group == ["contact"]


def test_an_incentive_goes_to_those_who_would_have_stayed_too():
    found = plan([0.1], [100], [["price", None, None]])
    assert found.expected_profit[0] == pytest.approx(0.1 * 0.5 * 100 - 1 - 20 * 0.9)
    assert found.why_not == ["unprofitable"]


def test_the_action_fits_the_strongest_driver():
    """Dunning would pay more, but support is the cause."""
    assert plan([0.5], [300], [["support", "payments", None]]).action == ["call"]


def test_a_weaker_driver_where_none_for_the_stronger_pays():
    assert plan([0.5], [80], [["support", "payments", None]]).action == ["dunning"]


def test_no_action_fits():
    found = plan([0.9], [1000], [["profile", None, None]])
    assert found.action == [None]
    assert np.isnan(found.expected_profit[0])
    assert found.why_not == ["unprofitable"]


def test_why_not_names_the_first_obstacle():
    drivers = [["support", None, None]] * 4
    found = plan(
        [0.5] * 4,
        [300] * 4,
        drivers,
        at_risk=np.array([False, True, True, True]),
        allowed=np.array([False, False, True, True]),
        suppressed=np.array([True, True, True, False]),
    )
    assert found.why_not == ["not_at_risk", "no_consent", "suppressed", ""]


customers = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.floats(0, 1e5),
        st.lists(st.sampled_from(["support", "usage", "price", "payments", "profile"]), max_size=3),
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
    holdout=st.floats(0, 1),
)
def test_limits_and_consent_always_hold(customers, budget, capacity, holdout):
    probability, value, drivers, at_risk, allowed, suppressed = map(
        list, zip(*customers, strict=True)
    )
    found = plan(
        probability,
        value,
        drivers,
        at_risk=np.array(at_risk),
        allowed=np.array(allowed),
        suppressed=np.array(suppressed),
        limits=Limits(budget, capacity, holdout),
    )
    cost = {lever.name: lever.cost + lever.incentive for lever in (CALL, GIFT, DUNNING)}
    contacted = [i for i, group in enumerate(found.group) if group == "contact"]
    if budget is not None:
        assert sum(cost[found.action[i]] for i in contacted) <= budget + 1e-9
    if capacity is not None:
        assert len(contacted) <= capacity
    for i, group in enumerate(found.group):
        if group == "none":
            assert found.why_not[i]
        else:
            assert found.why_not[i] == ""
            assert (at_risk[i], allowed[i], suppressed[i]) == (True, True, False)
            assert found.expected_profit[i] > 0


def test_the_holdout_is_repeatable_and_of_the_right_size():
    held = [is_held_out(n, "spring", 0.1) for n in range(20_000)]
    assert held == [is_held_out(n, "spring", 0.1) for n in range(20_000)]
    assert np.mean(held) == pytest.approx(0.1, abs=0.01)
    other = [is_held_out(n, "autumn", 0.1) for n in range(20_000)]
    assert np.mean(np.array(held) & np.array(other)) == pytest.approx(0.01, abs=0.005)


def test_bands_go_by_odds_against_the_average():
    """At a base rate of 20 % the odds are 1 to 4; 3 times that is 43 %."""
    bands = risk_bands(np.array([0.1, 0.27, 0.28, 0.42, 0.43]), 0.2)
    assert list(bands) == ["low", "low", "medium", "medium", "high"]


@given(rate=st.floats(0.001, 0.999))
def test_medium_begins_where_at_risk_does(rate):
    """At that probability, and not just below it."""
    start = at_risk_from(rate)
    assert start / (1 - start) == pytest.approx(1.5 * rate / (1 - rate))
    assert list(risk_bands(np.array([np.nextafter(start, 0), start]), rate)) == ["low", "medium"]


def test_top_share_leaves_out_customers_without_value():
    assert list(top_share(np.array([0.0, 5.0, 0.0, 9.0, 0.0]), 0.6)) == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert not top_share(np.array([1.0, 2.0]), 0.0).any()


def test_remaining_margin_by_hand():
    """Nobody leaves, no discount: 10 a month at half margin over 24 months is 120."""
    settings = {"margin": 0.5, "churn_days": 30, "horizon_months": 24, "discount_rate": 0.0}
    worth = remaining_margin(np.array([10.0, np.nan, -3.0]), churn_rate=0.0, **settings)
    np.testing.assert_allclose(worth, [120, 0, 0])
    assert remaining_margin(np.array([10.0]), churn_rate=1.0, **settings)[0] == 0


@given(rate=st.floats(0, 1), discount=st.floats(0, 1), months=st.integers(1, 60))
def test_more_churn_or_discount_is_never_worth_more(rate, discount, months):
    def worth(rate: float, discount: float) -> float:
        return remaining_margin(
            np.array([10.0]),
            margin=1.0,
            churn_rate=rate,
            churn_days=30,
            horizon_months=months,
            discount_rate=discount,
        )[0]

    assert worth(rate, discount) <= worth(rate * 0.9, discount) + 1e-9
    assert worth(rate, discount) <= worth(rate, discount * 0.9) + 1e-9
    assert worth(rate, discount) <= 10 * months + 1e-9
