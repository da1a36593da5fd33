"""Values without contracts: purchases to come times baskets, and how far they are known."""

from __future__ import annotations

import numpy as np
import pytest

from models.buying_worth import buying_worth
from models.purchases import Bought
from models.value import PURCHASES

MONTHS = 6
WEEKS = MONTHS * 365.25 / 12 / 7


@pytest.fixture(scope="module")
def shop():
    """4,000 customers over a year, and what each spends in the months after it."""
    random, count, age = np.random.default_rng(6), 4000, 52.0
    rate, gone = random.gamma(0.7, 1 / 6.0, count), random.beta(0.8, 4.0, count)
    basket = 5.0 / random.gamma(4.0, 1 / 20.0, count)
    bought, last, later = (np.zeros(count) for _ in range(3))
    spent, came, now = np.zeros(count), np.zeros(count), np.zeros(count)
    there = np.ones(count, dtype=bool)
    then = there
    while there.any():
        now = now + random.exponential(1 / np.maximum(rate, 1e-12))
        early, late = there & (now <= age), there & (now > age) & (now <= age + WEEKS)
        paid = random.gamma(5.0, basket / 5.0)
        bought, last = bought + early, np.where(early, now, last)
        spent, came, later = spent + early * paid, came + late * paid, later + late
        left = there & (random.random(count) < gone)
        then = then & ~(left & (now <= age))
        there = there & ~left & (now <= age + WEEKS)
    with np.errstate(invalid="ignore"):
        mean = spent / bought
    return Bought(bought, last, np.full(count, age)), mean, came, then


def worth(shop, wanted=None, **changed):
    known, mean, *_ = shop
    settings = {"months": MONTHS, "margin": 1.0, "discount_rate": 0.0, "seed": 1, **changed}
    wanted = np.arange(len(known)) if wanted is None else wanted
    return buying_worth(known, mean, wanted, **settings)


def test_values_are_what_those_bring_who_are_still_there(shop):
    _, _, came, there = shop
    found = worth(shop)
    assert found.how == PURCHASES
    assert found.value[there].sum() == pytest.approx(came[there].sum(), rel=0.08)
    assert found.today(np.zeros(1), np.zeros(1)).sum() == pytest.approx(came.sum(), rel=0.08)
    assert found.alive.mean() == pytest.approx(there.mean(), abs=0.03)


def test_the_range_holds_the_middle_of_customers(shop):
    _, _, came, there = shop
    found = worth(shop)
    assert (came[there] < found.low[there]).mean() < 0.13
    assert (came[there] > found.high[there]).mean() == pytest.approx(0.1, abs=0.03)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_margin_scales_and_discount_lowers(shop):
    some = np.array([0, 7, 9])
    plain, half = worth(shop, some), worth(shop, some, margin=0.5)
    assert half.value == pytest.approx(plain.value / 2)
    assert half.high == pytest.approx(plain.high / 2)
    assert (worth(shop, some, discount_rate=0.5).value < plain.value).all()
    assert worth(shop).value[some] == pytest.approx(plain.value)
