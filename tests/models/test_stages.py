"""New, about to renew, or in between."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.stages import stages

NAN = float("nan")


def stage_of(horizon_days=30, **features):
    """The stage of one customer."""
    given = {"customers_tenure_days": 400.0, **features}
    frame = pd.DataFrame({name: [value] for name, value in given.items()})
    (name,) = stages(frame, horizon_days=horizon_days)
    return name


def term(until, length, since_start=500.0):
    """A running term of so many days, which ends in so many."""
    return {
        "subscriptions_days_to_renewal": until,
        "subscriptions_term_phase": 1 - until / length,
        "subscriptions_days_since_start": since_start,
    }


@pytest.mark.parametrize(
    ("tenure", "stage"), [(0, "onboarding"), (89, "onboarding"), (90, "steady")]
)
def test_the_first_ninety_days(tenure, stage):
    assert stage_of(customers_tenure_days=float(tenure)) == stage


@pytest.mark.parametrize(
    ("until", "stage"),
    [(1, "renewal"), (30, "renewal"), (31, "steady"), (334, "steady"), (335, "renewal")],
)
def test_a_year_ends_soon_or_has_just_begun_again(until, stage):
    assert stage_of(**term(until, 365.0)) == stage


def test_a_longer_horizon_looks_further():
    assert stage_of(horizon_days=90, **term(80, 365.0)) == "renewal"


def test_the_first_year_was_not_renewed():
    assert stage_of(**term(340, 365.0, since_start=25.0)) == "steady"


def test_a_month_ends_all_the_time():
    assert stage_of(**term(10, 30.0)) == "steady"


@pytest.mark.parametrize(("yearly", "stage"), [(1.0, "renewal"), (0.0, "steady"), (NAN, "steady")])
def test_on_the_very_day_the_billing_tells_how_long_the_term_was(yearly, stage):
    assert stage_of(**term(0.0, 365.0), subscriptions_is_yearly=yearly) == stage


def test_who_is_new_is_in_onboarding_whatever_ends():
    assert stage_of(customers_tenure_days=60.0, **term(20, 365.0)) == "onboarding"


def test_every_customer_is_in_one_stage():
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "customers_tenure_days": random.integers(0, 400, 200).astype(float),
            "subscriptions_days_to_renewal": random.choice([NAN, 5.0, 100.0], 200),
            "subscriptions_term_phase": random.choice([NAN, 0.5, 0.99, 1.0], 200),
        }
    )
    assert (sum(mask.astype(int) for mask in stages(frame, horizon_days=30).values()) == 1).all()


def test_without_the_features_there_are_no_stages():
    assert stages(pd.DataFrame({"age": [1.0]}), horizon_days=30) == {}
