"""The share of failed invoices recovered by day, by Kaplan and Meier, and what waiting keeps.

Departure ends what can be seen of an invoice: the curve is what would be recovered if nobody left
and those who left had been like those who did not (independent censoring). Its interval is by
Greenwood on the scale log(-log) (Kalbfleisch and Prentice 2002, 1.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from models.exposure import Range

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Curve:
    """Recovery by day since the first failure.

    Attributes
    ----------
    days
        On which something was recovered, ascending.
    open
        Share still open after each of them.
    variance
        Greenwood's sum after each: of the log of `open`.
    """

    days: np.ndarray
    open: np.ndarray
    variance: np.ndarray

    def open_after(self, day: float | np.ndarray) -> np.ndarray:
        """The share still open at the end of a day."""
        place = np.searchsorted(self.days, day, side="right")
        return np.concatenate([[1.0], self.open])[place]

    def recovered_by(self, day: float) -> Range:
        """The share recovered by the end of a day, with its 95 % interval."""
        share = float(self.open_after(day))
        place = int(np.searchsorted(self.days, day, side="right"))
        if not 0 < share < 1:
            return Range(1 - share, 1 - share, 1 - share)
        reach = _Z * sqrt(float(self.variance[place - 1])) / abs(log(share))
        return Range(1 - share, 1 - share ** exp(-reach), 1 - share ** exp(reach))


def recovery_curve(days: np.ndarray, recovered: np.ndarray) -> Curve:
    """The curve of invoices seen for so many days each, and whether they ended in a payment.

    Who is seen no longer than a day is still at risk of being recovered on it.
    """
    found = np.unique(days[recovered])
    ordered = np.sort(days)
    at_risk = len(days) - np.searchsorted(ordered, found, side="left")
    settled = np.searchsorted(np.sort(days[recovered]), found, side="right")
    settled = np.diff(np.concatenate([[0], settled]))
    left = np.maximum(at_risk - settled, 1e-12)
    return Curve(
        days=found,
        open=np.cumprod(1 - settled / at_risk),
        variance=np.cumsum(settled / (at_risk * left)),
    )


@dataclass(frozen=True)
class Kept:
    """What a dunning period of so many days keeps.

    Attributes
    ----------
    days
        The period.
    recovered
        The share recovered by its end, if nobody left before.
    seen
        How many invoices were recovered by its end, and their value.
    more
        An extrapolation: how many of those who left before its end would have been recovered, at
        the pace of the days that followed for others; and their value.
    """

    days: int
    recovered: Range
    seen: int
    seen_value: float | None
    more: Range
    more_value: Range | None


def kept_by(
    period: int,
    days: np.ndarray,
    recovered: np.ndarray,
    left: np.ndarray,
    values: np.ndarray | None,
) -> Kept:
    """What a dunning period keeps, of invoices seen for so many days each."""
    curve = recovery_curve(days, recovered)
    seen, gone = recovered & (days <= period), left & (days < period)
    chance = _still_to_come(curve, days[gone], period)
    by_end = curve.recovered_by(period)
    # The pace is as uncertain as the whole curve is.
    low, high = (edge / max(by_end.estimate, 1e-12) for edge in (by_end.low, by_end.high))
    worth = None if values is None else values[gone]

    def ranged(total: float, most: float) -> Range:
        return Range(total, total * low, min(total * high, most))

    return Kept(
        days=period,
        recovered=by_end,
        seen=int(seen.sum()),
        seen_value=None if values is None else float(values[seen].sum()),
        more=ranged(float(chance.sum()), float(gone.sum())),
        more_value=None if worth is None else ranged(float(chance @ worth), float(worth.sum())),
    )


def _still_to_come(curve: Curve, ended: np.ndarray, period: int) -> np.ndarray:
    """The chance to be recovered by the end of the period, of those open when they were ended."""
    before = curve.open_after(ended)
    after = float(curve.open_after(period))
    return np.where(before > 0, 1 - after / np.maximum(before, 1e-12), 0.0)
