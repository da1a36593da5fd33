"""How often customers buy who need not say goodbye: the BG/NBD model.

While alive a customer buys at a rate of its own, and after each purchase it may be gone for good.
Rates are gamma distributed over customers, the chances to be gone beta distributed (Fader, Hardie
and Lee 2005, "Counting Your Customers" the Easy Way). Only purchases after the first one count:
the first one makes the customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

MOST_CUSTOMERS = 25_000
"""Customers that a fit looks at: its parameters are as sure as anybody needs them."""
FEWEST_REPEATS = 50
"""Repeat purchases without which nothing is learned."""
NEAR_ONE = 1e-4
"""Where the expectation is a limit, it is taken this far beside it."""
NODES = 128
LEAST, MOST = -9.0, 12.0
"""Bounds of the logarithms of parameters: nobody is known that well."""
STARTS = ((0.0, 1.0, 0.0, 1.0), (-1.5, 0.0, -0.5, 1.0))


@dataclass(frozen=True)
class Bought:
    """What is known of customers' purchases, an entry each, in one unit of time.

    Attributes
    ----------
    repeats
        Periods (days) with a purchase after the first one.
    recency
        Time from the first purchase to the last one; 0 without repeats.
    age
        Time from the first purchase to now.
    """

    repeats: np.ndarray
    recency: np.ndarray
    age: np.ndarray

    def __len__(self) -> int:
        return len(self.repeats)

    def some(self, rows: np.ndarray) -> Bought:
        return Bought(self.repeats[rows], self.recency[rows], self.age[rows])


@dataclass(frozen=True)
class PurchaseModel:
    """The BG/NBD model: purchase rates are Gamma(r, alpha), chances to be gone Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, bought: Bought) -> np.ndarray:
        """Of each customer (equation 6 of the paper), computed in logarithms."""
        from scipy.special import betaln, gammaln

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, t_x, age = bought.repeats, bought.recency, bought.age
        of_rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        again = np.maximum(x, 1)
        gone = betaln(a + 1, b + again - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
        return np.asarray(of_rate + np.where(x > 0, np.logaddexp(alive, gone), alive))

    def alive(self, bought: Bought) -> np.ndarray:
        """The chance that each customer is still there; 1 for those who bought once.

        Source: Fader and Hardie (2008), Computing P(alive) using the BG/NBD model.
        """
        from scipy.special import expit

        x = bought.repeats
        # Near zero `b + x - 1` may be negative without repeats, where it is not used.
        odds = np.log(self.a / (self.b + np.maximum(x, 1) - 1))
        odds = odds + (self.r + x) * np.log(
            (self.alpha + bought.age) / (self.alpha + bought.recency)
        )
        return np.asarray(np.where(x > 0, expit(-odds), 1.0))

    def expected(self, bought: Bought, time: float) -> np.ndarray:
        """The purchases expected of each customer in so much time from now (equation 10)."""
        return self.alive(bought) * self.expected_alive(bought, time)

    def expected_alive(self, bought: Bought, time: float) -> np.ndarray:
        """The same of each customer if it is still there.

        The rate of one who is there is Gamma(r + x, alpha + age), its chance to be gone
        Beta(a, b + x): the mean over both of ``(1 - exp(-rate chance time)) / chance``.
        """
        from scipy.special import hyp2f1

        # In Euler's form of the paper's series no parameter grows with the count but the last one,
        # so that nothing overflows.
        a = 1 + NEAR_ONE if abs(self.a - 1) < NEAR_ONE else self.a
        total = a + self.b + bought.repeats - 1
        total = np.where(np.abs(total) < NEAR_ONE, NEAR_ONE, total)
        later = time / (self.alpha + bought.age + time)
        with np.errstate(invalid="ignore", over="ignore"):
            series = hyp2f1(a + self.b - 1 - self.r, a - 1, total, later)
            found = total / (a - 1) * (1 - (1 - later) ** (a - 1) * series)
            # SciPy's series breaks down in odd corners; who buys at its rate for ever buys most.
            most = (self.r + bought.repeats) / (self.alpha + bought.age) * time
            odd = np.flatnonzero(~((found >= 0) & (found <= most * (1 + NEAR_ONE))))
        found[odd] = self._summed(bought.some(odd), time)
        return np.asarray(found)

    def _summed(self, bought: Bought, time: float) -> np.ndarray:
        """`expected_alive` as a sum over quantiles of the chance to be gone."""
        from scipy.stats import beta

        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        chance = beta.ppf((nodes + 1) / 2, self.a, (self.b + bought.repeats)[:, None])
        chance = np.maximum(chance, np.finfo(float).tiny)
        ahead = chance * time / (self.alpha + bought.age)[:, None]
        there = -np.expm1(-(self.r + bought.repeats)[:, None] * np.log1p(ahead))
        return np.asarray((there / chance) @ weights / 2)

    def drawn(self, bought: Bought, times: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Purchases of customers that are still there, drawn: customers x times, cumulative."""
        rate = random.gamma(self.r + bought.repeats) / (self.alpha + bought.age)
        chance = random.beta(self.a, self.b + bought.repeats)
        last = random.geometric(np.clip(chance, 1e-9, 1.0))
        steps = np.diff(times, prepend=0.0)
        count = random.poisson(rate[:, None] * steps).cumsum(axis=1)
        return np.minimum(count, last[:, None])


def fit_purchases(bought: Bought, *, seed: int = 0) -> PurchaseModel:
    """The parameters under which these purchases are likeliest.

    Of many customers `MOST_CUSTOMERS` are drawn.

    Raises
    ------
    ValueError
        When there are fewer than `FEWEST_REPEATS` repeat purchases.
    """
    from scipy.optimize import minimize

    if bought.repeats.sum() < FEWEST_REPEATS:
        raise ValueError(f"fewer than {FEWEST_REPEATS} repeat purchases")
    if len(bought) > MOST_CUSTOMERS:
        rows = np.random.default_rng(seed).permutation(len(bought))[:MOST_CUSTOMERS]
        bought = bought.some(np.sort(rows))
    # In units of the oldest customer's age the parameters are of moderate size.
    unit = float(bought.age.max()) / 10
    scaled = replace(bought, recency=bought.recency / unit, age=bought.age / unit)

    def loss(logs: np.ndarray) -> float:
        return -float(PurchaseModel(*np.exp(logs)).log_likelihood(scaled).mean())

    tried = [
        minimize(loss, start, method="L-BFGS-B", bounds=[(LEAST, MOST)] * 4) for start in STARTS
    ]
    r, alpha, a, b = np.exp(min(tried, key=lambda found: found.fun).x).tolist()
    return PurchaseModel(r, alpha * unit, a, b)
