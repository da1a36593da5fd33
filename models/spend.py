"""What a purchase is worth: the Gamma-Gamma model of baskets.

Baskets of a customer vary around its mean, means vary over customers; who bought seldom is taken
for more of a usual customer. Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary
Value; Colombo and Jiang (1999). It takes baskets for unrelated to how often customers buy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.purchases import LEAST, MOST, MOST_CUSTOMERS

FEWEST_CUSTOMERS = 20
"""Customers with baskets without which nothing is learned of how they differ."""
SHRUNK_MOST = 1.01
"""The least shape q of customers' means: from 1 downwards they have no mean."""


@dataclass(frozen=True)
class SpendModel:
    """Baskets are Gamma(p, rate) of a customer's own rate, which is Gamma(q, gamma)."""

    p: float
    q: float
    gamma: float

    @property
    def usual(self) -> float:
        """The mean basket over customers."""
        return self.p * self.gamma / (self.q - 1)

    def log_likelihood(self, count: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Of each customer's mean basket over a number of them (equation 1a of the note)."""
        from scipy.special import gammaln

        q, gamma, px = self.q, self.gamma, self.p * count
        spread = gammaln(px + q) - gammaln(px) - gammaln(q)
        share = q * np.log(gamma) + px * np.log(count * mean)
        return np.asarray(spread + share - (px + q) * np.log(gamma + count * mean) - np.log(mean))

    def expected(self, count: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """The basket expected of each customer (equation 5): its own mean beside the usual one.

        Whose mean is missing or not positive is taken for a usual customer.
        """
        known = (count > 0) & (np.nan_to_num(mean) > 0)
        n, own = np.where(known, count, 0), np.where(known, mean, 0.0)
        return np.asarray(self.p * (self.gamma + n * own) / (self.p * n + self.q - 1))

    def drawn(self, count: np.ndarray, mean: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Mean baskets that customers may have, drawn from what is known of each."""
        known = (count > 0) & (np.nan_to_num(mean) > 0)
        n, own = np.where(known, count, 0), np.where(known, mean, 0.0)
        rate = random.gamma(self.p * n + self.q) / (self.gamma + n * own)
        return np.asarray(self.p / rate)

    def total_drawn(
        self, count: np.ndarray, mean: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """The sum of so many baskets of customers with these mean baskets, drawn."""
        shape = np.maximum(self.p * count, 1e-12)
        return np.asarray(np.where(count > 0, random.gamma(shape) * mean / self.p, 0.0))


def fit_spend(count: np.ndarray, mean: np.ndarray, *, seed: int = 0) -> SpendModel:
    """The parameters under which these baskets are likeliest.

    Parameters
    ----------
    count, mean
        By customer, over how many purchases its mean basket was taken, and the mean; customers
        without a positive one are left out.

    Raises
    ------
    ValueError
        When fewer than `FEWEST_CUSTOMERS` have baskets.
    """
    from scipy.optimize import minimize

    known = np.flatnonzero((count > 0) & (np.nan_to_num(mean) > 0))
    if len(known) < FEWEST_CUSTOMERS:
        raise ValueError(f"fewer than {FEWEST_CUSTOMERS} customers with a basket")
    if len(known) > MOST_CUSTOMERS:
        known = np.sort(np.random.default_rng(seed).permutation(known)[:MOST_CUSTOMERS])
    unit = float(np.median(mean[known]))
    n, means = count[known].astype(np.float64), mean[known] / unit

    def model(logs: np.ndarray) -> SpendModel:
        p, q, gamma = np.exp(logs).tolist()
        return SpendModel(p, SHRUNK_MOST + q, gamma)

    def loss(logs: np.ndarray) -> float:
        return -float(model(logs).log_likelihood(n, means).mean())

    bounds = [(LEAST, MOST)] * 3
    tried = [
        minimize(loss, start, method="L-BFGS-B", bounds=bounds)
        for start in ((1.0, 1.0, 1.0), (2.0, 0.0, 0.0), (0.0, 2.0, 2.0))
    ]
    found = model(min(tried, key=lambda one: one.fun).x)
    return SpendModel(found.p, found.q, found.gamma * unit)
