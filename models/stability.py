"""Stability: whether another draw of the same customers would have named the same driver.

The model is fitted again and again on customers drawn with replacement, and each refit explains
the same points. A reason that changes with the draw says more about the draw than the customer.
How often refits agree depends on how far the first driver is ahead of the second, so that gap
tells of any customer, later ones too, how steady its reason is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STEADY = 0.8
"""A driver is steady that at least this share of the refits would name."""


@dataclass(frozen=True)
class Stability:
    """How far refits agree with the model on the strongest lever.

    Attributes
    ----------
    refits
        How many there were.
    customers
        How many points of high risk were judged.
    agreement
        The mean share of refits that name the same top driver, of the points of high risk.
    gaps, shares
        The share of refits that agree, by the gap in log-odds to the second driver: it only rises.
    """

    refits: int
    customers: int
    agreement: float
    gaps: tuple[float, ...]
    shares: tuple[float, ...]

    def share(self, gap: np.ndarray) -> np.ndarray:
        """The share of refits that would agree where the first driver is this far ahead."""
        return np.interp(gap, self.gaps, self.shares)

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "gaps": list(self.gaps), "shares": list(self.shares)}

    @staticmethod
    def from_dict(values: Mapping[str, Any] | None) -> Stability | None:
        """What `as_dict` wrote; None where nothing was."""
        if not values:
            return None
        knots = {name: tuple(values[name]) for name in ("gaps", "shares")}
        return Stability(**{**values, **knots})


def stability(
    gap: np.ndarray, top: np.ndarray, refitted: Sequence[np.ndarray], high: np.ndarray
) -> Stability | None:
    """What the refits say; None where there is nobody of high risk.

    Parameters
    ----------
    gap, top
        Of the model: how far the strongest lever is ahead of the next, and its place.
    refitted
        The top driver's place by each refit, for the same points.
    high
        Which of the points are of high risk.
    """
    from sklearn.isotonic import IsotonicRegression

    if not refitted or not high.any():
        return None
    agree = np.mean([each == top for each in refitted], axis=0)
    ahead = np.minimum(gap, np.finfo(np.float64).max)
    curve = IsotonicRegression(out_of_bounds="clip").fit(ahead, agree)
    return Stability(
        refits=len(refitted),
        customers=int(high.sum()),
        agreement=float(agree[high].mean()),
        gaps=tuple(curve.X_thresholds_.tolist()),
        shares=tuple(curve.y_thresholds_.tolist()),
    )
