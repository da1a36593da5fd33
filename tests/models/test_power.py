"""Power of a campaign: as simulated campaigns have it, and as its own parts agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.effects import effect
from models.power import (
    Plan,
    advise,
    best_share,
    customers_needed,
    impossible,
    power,
    profit_forgone,
    smallest_success,
)

PLAN = Plan(customers=1000, holdout_share=0.1, churn_rate=0.2, success_rate=0.4)


@pytest.mark.parametrize(
    "plan", [Plan(300, 0.1, 0.3, 0.5), Plan(1000, 0.2, 0.2, 0.3), Plan(600, 0.1, 0.1, 0.8)]
)
def test_power_is_how_often_the_evaluation_finds_it(plan):
    random = np.random.default_rng(1)
    treated = np.arange(plan.customers) < plan.treated
    found = 0
    for _ in range(300):
        rate = np.where(treated, plan.churn_rate * (1 - plan.success_rate), plan.churn_rate)
        told = effect((random.random(plan.customers) < rate).astype(float), treated)
        found += told.high < 0
    assert power(plan) == pytest.approx(found / 300, abs=0.08)


def test_like_arms_have_the_power_of_the_textbook():
    """statsmodels 0.15: power_proportions_2indep(-0.03, 0.1, nobs1=1000).power."""
    assert power(Plan(2000, 0.5, 0.1, 0.3)) == pytest.approx(0.6722, abs=0.005)


def test_adjustment_counts_as_more_customers():
    more = replace(PLAN, customers=1250)
    assert power(replace(PLAN, variance_reduction=0.2)) == pytest.approx(power(more), abs=0.003)


def test_without_an_effect_it_is_found_by_chance_alone():
    assert power(replace(PLAN, success_rate=1e-9)) == pytest.approx(0.025, abs=0.006)


@settings(max_examples=20)
@given(st.integers(100, 5000), st.floats(0.05, 0.5), st.floats(0.02, 0.9), st.floats(0.05, 0.9))
def test_more_customers_and_more_success_have_more_power(customers, share, churn, success):
    plan = Plan(customers, share, churn, success)
    found = power(plan)
    assert 0 <= found <= 1
    assert power(replace(plan, customers=2 * customers)) >= found - 1e-3
    assert power(replace(plan, success_rate=min(success * 1.2, 1.0))) >= found - 1e-3


def test_the_customers_needed_are_just_enough():
    needed = customers_needed(PLAN)
    assert power(replace(PLAN, customers=needed)) >= 0.8
    assert power(replace(PLAN, customers=round(needed * 0.99))) < 0.8
    assert customers_needed(PLAN, 0.9) > needed


def test_the_smallest_success_is_just_enough():
    smallest = smallest_success(PLAN)
    assert power(replace(PLAN, success_rate=smallest)) == pytest.approx(0.8, abs=1e-4)
    assert smallest_success(replace(PLAN, customers=10_000)) < smallest


def test_the_best_share_is_near_a_half():
    share = best_share(PLAN)
    assert 0.4 < share < 0.6
    assert power(replace(PLAN, holdout_share=share)) > power(PLAN)


def test_a_holdout_costs_the_profit_of_its_contacts():
    assert profit_forgone(PLAN, 12.5) == 1250
    assert profit_forgone(PLAN, -3) == 0


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (replace(PLAN, holdout_share=0), "of 1,000 customers 0 are held out"),
        (replace(PLAN, holdout_share=1), "1,000 are held out and 0 contacted"),
        (replace(PLAN, customers=0), "of 0 customers"),
        (replace(PLAN, churn_rate=0), "nobody would leave"),
        (replace(PLAN, success_rate=0), "keeps nobody"),
    ],
)
def test_impossible_plans_say_why(plan, why):
    told = advise(plan)
    assert why in told.why
    assert told.power is None
    assert impossible(plan) == told.why


def test_too_few_customers_are_told_with_how_many_it_takes():
    told = advise(replace(PLAN, customers=40), profit=2.0)
    assert told.smallest_success is None
    assert told.why == "even an action that keeps every leaver is found with less than 80%; " + (
        "4 held out are too few"
    )
    assert told.customers_needed > 40
    assert told.forgone == 8
    assert advise(PLAN).why == ""


@pytest.mark.parametrize(
    "change", [{"churn_rate": 1.1}, {"customers": -1}, {"level": 1}, {"variance_reduction": 1}]
)
def test_values_have_their_ranges(change):
    with pytest.raises(ValueError, match=r"between 0 and 1|a plan needs"):
        replace(PLAN, **change)
    with pytest.raises(ValueError, match="between 0 and 1"):
        customers_needed(PLAN, 1.0)


def test_certain_plans_are_certain():
    assert power(Plan(2000, 0.5, 1.0, 1.0)) == 1
    assert power(Plan(2000, 0.5, 1.0, 0.5)) == pytest.approx(1)
