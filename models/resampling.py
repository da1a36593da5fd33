"""Intervals by the bootstrap over customers: how much of a figure is the luck of the sample.

A customer's points at several cutoffs are no independent evidence, so customers are drawn with
replacement, each with all of its points (cluster bootstrap, Davison and Hinkley 1997, 3.8). A
resample is a weight per point: how often its customer was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

DRAWS = 300
INTERVAL = (0.025, 0.975)
Figures = Mapping[str, float | None]


def resamples(customers: np.ndarray, *, seed: int, draws: int = DRAWS) -> Iterator[np.ndarray]:
    """Weights of the points, float64, one array a draw; the same seed gives the same draws."""
    _, index = np.unique(customers, return_inverse=True)
    count = int(index.max()) + 1 if len(index) else 0
    random = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = np.bincount(random.integers(0, count, count), minlength=count)
        yield drawn[index].astype(np.float64)


def intervals(
    figures: Callable[[np.ndarray], Figures],
    customers: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
) -> dict[str, list[float] | None]:
    """The 95 % interval of each figure, [low, high]; None where it could seldom be computed.

    Parameters
    ----------
    figures
        Computes the figures of weighted points.
    customers
        Whose point each is.
    """
    drawn = [figures(weights) for weights in resamples(customers, seed=seed, draws=draws)]
    return {name: interval([one[name] for one in drawn]) for name in drawn[0]}


def interval(drawn: Sequence[float | None]) -> list[float] | None:
    """The middle 95 % of what was drawn, [low, high].

    A draw without churners has no figure; where that is every second draw, there is no interval.
    """
    known = np.array([value for value in drawn if value is not None], dtype=np.float64)
    if len(known) * 2 < len(drawn) or not len(known):
        return None
    return [float(edge) for edge in np.quantile(known, INTERVAL)]


def mean_intervals(
    values: np.ndarray,
    customers: np.ndarray,
    *,
    seed: int,
    within: np.ndarray | None = None,
    draws: int = DRAWS,
) -> np.ndarray:
    """The 95 % interval of each column's mean: low and high x columns; NaN without points.

    Parameters
    ----------
    values
        Points x columns.
    within
        By point and column whether it counts in the mean; all do by default.
    """
    if not len(values):
        return np.full((2, values.shape[1]), np.nan)
    # All draws at once: one product of matrices instead of hundreds with a vector.
    weights = np.stack([*resamples(customers, seed=seed, draws=draws)])
    if within is None:
        means = weights @ values / weights.sum(axis=1, keepdims=True)
        return np.asarray(np.quantile(means, INTERVAL, axis=0))
    sums, counts = weights @ (values * within), weights @ within.astype(np.float64)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    # A draw without a customer of a small part has no mean of it; a part without any has none.
    known = ~np.isnan(means).all(axis=0)
    found = np.full((2, values.shape[1]), np.nan)
    found[:, known] = np.nanquantile(means[:, known], INTERVAL, axis=0)
    return found
