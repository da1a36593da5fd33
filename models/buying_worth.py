"""What customers without a contract are worth: purchases to come, times a basket.

Purchases by the BG/NBD model, baskets by the Gamma-Gamma model; together the expected lifetime
value of Fader, Hardie and Lee (2005), RFM and CLV, over a finite horizon.
"""

from __future__ import annotations

import numpy as np

from models.purchases import Bought, PurchaseModel, fit_purchases
from models.spend import SpendModel, fit_spend
from models.value import DAYS_A_MONTH, PURCHASES, RANGE, Worth, discounts

DAYS_A_WEEK = 7.0
DRAWS = 100
"""Futures that are drawn of each customer for its range."""
ROWS_AT_A_TIME = 20_000


def buying_worth(
    everybody: Bought,
    baskets: np.ndarray,
    wanted: np.ndarray,
    *,
    months: int,
    margin: float,
    discount_rate: float,
    seed: int,
) -> Worth:
    """Values of some customers, each taken for one that is still there.

    Parameters
    ----------
    everybody
        All customers that ever bought, gone or not, in weeks: the models learn from them.
    baskets
        Their mean baskets; NaN or not positive where unknown.
    wanted
        Places in `everybody` of the customers whose values are asked.

    Raises
    ------
    ValueError
        When there are too few repeat purchases to learn from.
    """
    purchases = fit_purchases(everybody, seed=seed)
    spend = fit_spend(everybody.repeats, baskets, seed=seed)
    own = everybody.some(wanted)
    basket = spend.expected(own.repeats, baskets[wanted]) * margin
    times = np.arange(1, months + 1) * DAYS_A_MONTH / DAYS_A_WEEK
    money = discounts(months, discount_rate)
    bought = _discounted(purchases, own, times, money)
    low, high = _range(purchases, spend, own, baskets[wanted], times, money, seed)
    value = bought * basket
    return Worth(
        value=value,
        low=np.minimum(low * margin, value),
        high=np.maximum(high * margin, value),
        how=PURCHASES,
        alive=purchases.alive(own),
    )


def _discounted(
    model: PurchaseModel, own: Bought, times: np.ndarray, money: np.ndarray
) -> np.ndarray:
    """Purchases expected of customers that are there, each worth what its month is today."""
    total, before = np.zeros(len(own)), np.zeros(len(own))
    for time, worth in zip(times, money, strict=True):
        upto = model.expected_alive(own, time)
        total, before = total + (upto - before) * worth, upto
    return total


def _range(
    model: PurchaseModel,
    spend: SpendModel,
    own: Bought,
    baskets: np.ndarray,
    times: np.ndarray,
    money: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The middle `RANGE` of futures drawn from both models, in revenue."""
    random = np.random.default_rng(seed)
    ends = ((1 - RANGE) / 2, (1 + RANGE) / 2)
    found = np.empty((2, len(own)))
    for start in range(0, len(own), ROWS_AT_A_TIME):
        rows = np.arange(start, min(start + ROWS_AT_A_TIME, len(own)))
        drawn = np.empty((DRAWS, len(rows)))
        for number in range(DRAWS):
            counts = model.drawn(own.some(rows), times[-1:], random)[:, 0]
            means = spend.drawn(own.repeats[rows], baskets[rows], random)
            drawn[number] = spend.total_drawn(counts, means, random)
        found[:, rows] = np.quantile(drawn, ends, axis=0) * money.mean()
    return found[0], found[1]
