"""Intervals of a difference and of a ratio, from an interval of each of two independent figures.

The method of variance estimates recovery: each limit of the difference takes from each figure the
distance to the limit that matters there (Zou and Donner 2008, Statistics in Medicine 27); likewise
for a ratio (Donner and Zou 2012, Statistical Methods in Medical Research 21), where it is Fieller's
for symmetric intervals. With Wilson's interval of each rate, the difference is Newcombe's (1998,
method 10), which holds with few leavers, and with none, where the usual one collapses.
"""

from __future__ import annotations

from math import inf, sqrt

Interval = tuple[float, float]
MOST_PRECISE = 4.0
"""A rate counts as from at most so many times the customers it is from."""


def wilson(rate: float, variance: float, n: int, critical: float) -> Interval:
    """The score interval (Wilson 1927) of a rate with a variance of its own.

    The rate is taken as one of so many customers as would give this variance, as in surveys (Korn
    and Graubard 1998): an adjusted rate is from more than there are. A rate of none or of all has
    no variance and is one of `n`.

    Parameters
    ----------
    critical
        How many standard errors the interval reaches to each side.
    """
    rate = min(max(rate, 0.0), 1.0)
    spread = rate * (1 - rate)
    size = min(spread / variance, MOST_PRECISE * n) if spread > 0 and variance > 0 else float(n)
    pull = critical**2 / size
    centre = (rate + pull / 2) / (1 + pull)
    reach = critical * sqrt(spread / size + pull / size / 4) / (1 + pull)
    low, high = max(centre - reach, 0.0), min(centre + reach, 1.0)
    # What is exact on paper is so here: the interval holds the rate, and ends at none and at all.
    return (0.0 if rate == 0 else min(low, rate)), (1.0 if rate == 1 else max(high, rate))


def symmetric(mean: float, variance: float, critical: float) -> Interval:
    """So many standard errors to each side."""
    reach = critical * sqrt(variance)
    return mean - reach, mean + reach


def difference(first: float, own: Interval, second: float, other: Interval) -> Interval:
    """Of ``first - second``, from the interval of each."""
    value = first - second
    below = sqrt((first - own[0]) ** 2 + (other[1] - second) ** 2)
    above = sqrt((own[1] - first) ** 2 + (second - other[0]) ** 2)
    return value - below, value + above


def ratio(first: float, own: Interval, second: float, other: Interval) -> Interval:
    """Of ``first / second``, from the interval of each; `second` above 0, the others not below.

    The upper limit is infinite where `second` may be 0.
    """
    product = first * second
    low = _root(product, first, own[0], second, other[1], sign=-1.0)
    high = _root(product, first, own[1], second, other[0], sign=1.0) if other[0] > 0 else inf
    return max(low, 0.0), high


def _root(
    product: float, first: float, own: float, second: float, other: float, *, sign: float
) -> float:
    """A root of Fieller's equation with these limits."""
    bottom = other * (2 * second - other)
    top = own * (2 * first - own)
    if abs(bottom) < 1e-12 * second**2:
        # The limit is twice the figure: the equation has but one root.
        return top / (2 * product) if product > 0 else 0.0
    return (product + sign * sqrt(max(product**2 - top * bottom, 0.0))) / bottom
