"""BG/NBD: by hand, against the published figures, and against the model simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.purchases import Bought, PurchaseModel, fit_purchases

PUBLISHED = PurchaseModel(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Of Fader, Hardie and Lee (2005), table 2; in weeks."""
CDNOW = Path(__file__).parents[3] / "shared" / "data" / "cdnow" / "purchases.csv"


def one(repeats: float, recency: float, age: float) -> Bought:
    return Bought(*(np.array([value], dtype=float) for value in (repeats, recency, age)))


def lived(model: PurchaseModel, count: int, age: float, later: float, seed: int = 3):
    """Customers that live by the model: what was bought until `age`, and after it."""
    random = np.random.default_rng(seed)
    rate = random.gamma(model.r, 1 / model.alpha, count)
    gone = random.beta(model.a, model.b, count)
    bought, last = np.zeros(count), np.zeros(count)
    after, now = np.zeros(count), np.zeros(count)
    there = np.ones(count, dtype=bool)
    while there.any():
        now = now + random.exponential(1 / np.maximum(rate, 1e-12))
        early, late = there & (now <= age), there & (now > age) & (now <= age + later)
        bought, last, after = bought + early, np.where(early, now, last), after + late
        there = there & (now <= age + later) & (random.random(count) >= gone)
    return Bought(bought, last, np.full(count, age)), after


def test_the_papers_own_example():
    """Fader, Hardie and Lee (2005): the customer with 2 repeats, the last in week 30.43 of 38.86,
    is expected to buy 1.226 times in 39 weeks (their spreadsheet's first row)."""
    assert PUBLISHED.expected(one(2, 30.43, 38.86), 39.0) == pytest.approx([1.226], abs=2e-3)


def test_who_bought_once_is_there_for_sure_and_silence_tells_of_departure():
    """Only a purchase can be the last one; and the longer the silence, the surer."""
    alive = PUBLISHED.alive(
        Bought(np.array([0, 4, 4, 4]), np.array([0, 38, 20, 5]), np.full(4, 39))
    )
    assert alive[0] == 1
    assert (np.diff(alive[1:]) < 0).all()


def test_likelihood_of_a_customer_without_repeats_by_hand():
    """Nothing happened at a rate that is Gamma(r, alpha): (alpha / (alpha + T)) ** r."""
    found = PUBLISHED.log_likelihood(one(0, 0, 10))
    assert found == pytest.approx([0.243 * np.log(4.414 / 14.414)])


@pytest.mark.parametrize("model", [PUBLISHED, PurchaseModel(0.8, 10.0, 1.6, 3.0)])
def test_expected_purchases_are_those_of_customers_that_live_by_the_model(model):
    known, after = lived(model, 60_000, 39.0, 30.0)
    expected = model.expected(known, 30.0)
    assert expected.sum() == pytest.approx(after.sum(), rel=0.03)
    for few in (known.repeats == 0, known.repeats == 2, known.repeats > 4):
        assert expected[few].mean() == pytest.approx(after[few].mean(), rel=0.08, abs=0.01)


def test_a_fit_recovers_what_customers_live_by():
    truth = PurchaseModel(r=0.6, alpha=6.0, a=0.9, b=2.5)
    known, after = lived(truth, 8000, 52.0, 26.0)
    found = fit_purchases(known)
    assert found.r == pytest.approx(0.6, rel=0.15)
    assert found.alpha == pytest.approx(6.0, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(0.9 / 3.4, rel=0.15)
    assert found.expected(known, 26.0).sum() == pytest.approx(after.sum(), rel=0.05)


def test_the_unit_of_time_does_not_matter():
    known, _ = lived(PUBLISHED, 3000, 40.0, 1.0)
    days = Bought(known.repeats, known.recency * 7, known.age * 7)
    weeks, by_day = fit_purchases(known), fit_purchases(days)
    assert by_day.alpha == pytest.approx(7 * weeks.alpha, rel=1e-3)
    assert by_day.expected(days, 70.0) == pytest.approx(weeks.expected(known, 10.0), rel=1e-3)


def test_of_many_customers_some_are_drawn_and_always_the_same(monkeypatch):
    monkeypatch.setattr("models.purchases.MOST_CUSTOMERS", 500)
    known, _ = lived(PUBLISHED, 3000, 40.0, 1.0)
    assert fit_purchases(known, seed=1) == fit_purchases(known, seed=1)
    assert fit_purchases(known, seed=1) != fit_purchases(known, seed=2)


def test_too_few_repeats_teach_nothing():
    with pytest.raises(ValueError, match="fewer than 50 repeat purchases"):
        fit_purchases(Bought(np.array([3, 0]), np.array([5.0, 0]), np.array([9.0, 9.0])))


@given(
    st.floats(0.05, 20),
    st.floats(0.1, 500),
    st.floats(0.02, 20),
    st.floats(0.02, 200),
    st.integers(0, 100_000),
    st.floats(0, 1),
    st.floats(0.1, 600),
    st.floats(0.1, 600),
)
def test_expectations_are_finite_and_grow_with_time(r, alpha, a, b, repeats, share, age, time):
    model, known = PurchaseModel(r, alpha, a, b), one(repeats, share * age * (repeats > 0), age)
    assert np.isfinite(model.log_likelihood(known)).all()
    assert 0 <= model.alive(known)[0] <= 1
    soon, later = (model.expected_alive(known, each)[0] for each in (time, 2 * time))
    most = (r + repeats) / (alpha + age)
    assert -1e-6 <= soon <= later * (1 + 1e-6) + 1e-6
    assert soon <= most * time * (1 + 1e-3) + 1e-6


@pytest.mark.parametrize("known", [one(0, 0, 30), one(3, 20, 39), one(400, 38, 39)])
def test_where_the_series_breaks_down_a_sum_gives_the_same(known):
    wanted = PUBLISHED.expected_alive(known, 26.0)
    assert PUBLISHED._summed(known, 26.0) == pytest.approx(wanted, rel=1e-3)
    odd = PurchaseModel(1.0, 1.0, 2.0, 1.0).expected_alive(one(99, 0, 0.5), 14.0)
    assert 83 < odd[0] < 100


def test_futures_drawn_have_the_expected_mean():
    known = Bought(np.full(40_000, 3), np.full(40_000, 20.0), np.full(40_000, 39.0))
    drawn = PUBLISHED.drawn(known, np.array([10.0, 30.0]), np.random.default_rng(2))
    wanted = [PUBLISHED.expected_alive(one(3, 20, 39), time)[0] for time in (10.0, 30.0)]
    assert drawn.mean(axis=0) == pytest.approx(wanted, rel=0.03)
    assert (drawn[:, 1] >= drawn[:, 0]).all()


def test_parameters_of_cdnow_are_near_the_published_ones():
    """A tenth of the customers, 39 weeks; the paper's own tenth is another draw of them."""
    if not CDNOW.is_file():
        pytest.skip("the real histories (../shared/data/cdnow) are not on this machine")
    import pandas as pd

    rows = pd.read_csv(CDNOW, parse_dates=["date"])
    tenth = np.sort(rows["customer_id"].unique())[::10]
    end = pd.Timestamp("1997-09-30")
    rows = rows[rows["customer_id"].isin(tenth) & (rows["date"] <= end)]
    days = rows.drop_duplicates(["customer_id", "date"]).groupby("customer_id")["date"]
    first, last, count = days.min(), days.max(), days.count()
    known = Bought(
        (count - 1).to_numpy(),
        ((last - first).dt.days / 7).to_numpy(),
        ((end - first).dt.days / 7).to_numpy(),
    )
    assert len(known) == 2357
    found = fit_purchases(known)
    assert [found.r, found.alpha] == pytest.approx([0.243, 4.414], rel=0.08)
    assert [found.a, found.b] == pytest.approx([0.793, 2.426], rel=0.2)
    ours, theirs = (model.log_likelihood(known).sum() for model in (found, PUBLISHED))
    assert theirs <= ours <= theirs + 2
