"""What customers are worth under a config: by hazards, by one rate, by purchases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.revenue import monthly_revenue
from models.value import HAZARDS, PURCHASES, RATE, remaining_margin
from pipeline.staying import WHY, curves
from pipeline.worth import LEARNED, values_of, worth_of


@pytest.fixture
def asked(found):
    one = found.candidate
    return lambda model=one.model, **more: worth_of(
        one.config, one.histories, one.test_points, model=model, frame=one.frame, **more
    )


def test_revenue_times_the_months_to_come(found, asked):
    from features.plan import Plan

    one = found.candidate
    plan = Plan.from_dict(one.model.context["plan"])
    revenue = monthly_revenue(one.histories, plan, one.test_points)
    money = 1.1 ** (-np.arange(1, 25) / 12)
    worth = asked()
    wanted = revenue * 0.6 * (curves(one.model, one.frame, 24) @ money)
    np.testing.assert_allclose(worth.value, wanted)
    assert (worth.how, worth.why, worth.alive) == (HAZARDS, "", None)
    assert ((worth.low <= worth.value) & (worth.value <= worth.high)).all()
    np.testing.assert_allclose(one.values, worth.value)


def test_a_model_that_knows_no_hazards_takes_one_rate_for_all(found, asked):
    one = found.candidate
    older = replace(one.model, survival=None)
    worth = asked(older)
    assert (worth.how, worth.why) == (RATE, "the model was trained before it was learned")
    told = replace(older, context={**older.context, WHY: "too few"})
    assert asked(told).why == "too few"
    from features.plan import Plan

    revenue = monthly_revenue(
        one.histories, Plan.from_dict(one.model.context["plan"]), one.test_points
    )
    wanted = remaining_margin(
        revenue,
        margin=0.6,
        churn_rate=one.model.base_rate,
        churn_days=30,
        horizon_months=24,
        discount_rate=0.1,
    )
    np.testing.assert_allclose(worth.value, wanted)


def test_what_later_data_said_widens_ranges_of_the_same_kind(found, asked):
    model = found.candidate.model
    bare = replace(model, context={k: v for k, v in model.context.items() if k != LEARNED})
    told = {"how": HAZARDS, "error": 0.07, "low": 0.5, "high": 1.5}
    plain, wide = asked(bare), asked(replace(bare, context={**bare.context, LEARNED: told}))
    assert (plain.error, wide.error) == (None, 0.07)
    np.testing.assert_allclose(wide.low, 0.5 * plain.low)
    np.testing.assert_allclose(wide.high, 1.5 * plain.high)
    other = replace(bare, context={**bare.context, LEARNED: {**told, "how": PURCHASES}})
    assert asked(other).error is None


def test_fewer_months_are_worth_less(asked):
    assert (asked(months=3).value < asked().value).all()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """600 customers who buy as they like over a year and a half, until they are gone."""
    random, rows = np.random.default_rng(3), []
    for number in range(600):
        day, rate = random.integers(0, 365), random.gamma(2.0, 0.02)
        while day < 550:
            rows.append((number, day, round(float(random.gamma(4, 5)), 2)))
            if random.random() < 0.1:
                break
            day += 1 + int(random.exponential(1 / rate))
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    frame["occurred_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.pop("day"), "D")
    folder = tmp_path_factory.mktemp("shop")
    frame.to_parquet(folder / "payments.parquet")
    return folder


@pytest.fixture
def opened(shop, tmp_path):
    from pipeline.config import from_values
    from pipeline.opening import definition_of, open_histories, plan_features
    from pipeline.progress import Progress

    values = {
        "data": {"source": str(shop)},
        "churn": {"definition": "inactivity", "horizon_days": 60, "activity": ["payments"]},
        "value": {"horizon_months": 6},
    }
    config = from_values(values, tmp_path / "churn.toml")
    histories = open_histories(config, Progress())
    plan = plan_features(config, histories, Progress(), known_before=date(2025, 1, 1))
    yield config, histories, plan, definition_of(config)
    histories.close()


def test_without_contracts_purchases_tell_the_value(opened, found):
    from features.points import make_points

    config, histories, plan, definition = opened
    model = replace(found.candidate.model, context={"plan": plan.as_dict()})
    cutoffs = [date(2024, 11, 1), date(2025, 1, 1)]
    points = make_points(histories, definition, cutoffs, labels=False)
    worth = worth_of(config, histories, points, model=model, frame=pd.DataFrame())
    assert worth.how == PURCHASES
    assert len(worth.value) == len(points)
    assert (worth.value > 0).all()
    assert ((worth.alive > 0) & (worth.alive <= 1)).all()
    # What is learned at a cutoff does not depend on who else is asked, nor on other cutoffs.
    some = np.flatnonzero(points.points.cutoff == 1)[:5]
    alone = values_of(config, histories, points.some(some), model=model, frame=pd.DataFrame())
    np.testing.assert_allclose(alone, worth.value[some])


def test_too_few_purchases_take_one_rate_and_say_so(opened, found, monkeypatch):
    from features.points import make_points

    config, histories, plan, definition = opened
    monkeypatch.setattr("models.purchases.FEWEST_REPEATS", 10**6)
    model = replace(found.candidate.model, survival=None, context={"plan": plan.as_dict()})
    points = make_points(histories, definition, [date(2025, 1, 1)], labels=False)
    worth = worth_of(config, histories, points, model=model, frame=pd.DataFrame())
    assert (worth.how, worth.why) == (RATE, "fewer than 1000000 repeat purchases")
    assert (worth.value >= 0).all()
