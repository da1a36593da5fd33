"""Contributions carried from one scale to another: log-odds, calibrated log-odds, probability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.calibration import probabilities

SAME = 1e-9
"""Log-odds nearer than this are the same: what is between them is rounding."""


def carried(
    parts: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    through: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Parts of the way from `start` to `end`, as parts of the way that a monotone map makes of it.

    Each part keeps its share of the way, and so its sign: a row's parts are stretched by
    ``(through(end) - through(start)) / (end - start)`` (the rescale rule of DeepLIFT, Shrikumar et
    al. 2017), which is one factor for all rows where the map is linear. Where there is no way to
    share, parts that cancel out keep their sizes by the slope of the map.

    Parameters
    ----------
    parts
        Rows x parts; a row's sum is ``end - start``.

    Returns
    -------
    numpy.ndarray
        Rows x parts; a row's sum is ``through(end) - through(start)``.
    """
    near = np.abs(end - start) < SAME
    way = np.where(near, 2 * SAME, end - start)
    until = np.where(near, start + way, end)
    stretch = (through(until) - through(start)) / way
    return np.asarray(parts * stretch[:, None])


def to_probability(parts: np.ndarray, base: float, log_odds: np.ndarray) -> np.ndarray:
    """Parts of the way from `base` to each row's log-odds, as parts of the way in probability.

    Parameters
    ----------
    parts
        Rows x parts, in log-odds; a row's sum is ``log_odds - base``.

    Returns
    -------
    numpy.ndarray
        Rows x parts; a row's sum is the row's probability less that of the base.
    """
    return carried(parts, np.full(len(parts), base), log_odds, probabilities)
