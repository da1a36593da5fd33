"""How long customers stay: the product-limit estimate from counts by age.

Customers who were there before the histories begin are seen from the age that they had then
(delayed entry): nobody knows who of their kind had left by that age, so they count from there on
and not before. Customers who are still there are seen up to the age they have (right censoring).

Kaplan and Meier (1958); its variance by Greenwood (1926), intervals on the log-log scale
(Kalbfleisch and Prentice 1980), which keep within 0 and 1; delayed entry as in Klein and
Moeschberger, Survival Analysis (2003), chapter 4. Everything is counted by age first, so that a
million customers cost no more than the days that the oldest of them has been there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""
FEWEST = 10
"""Of fewer customers of an age nothing is told where older ones are more: the first to enter late
are a handful, and a single one who leaves would take the whole curve down."""


@dataclass(frozen=True)
class LifeTable:
    """Customers by age in days; all arrays have an entry for each day from 0 to the oldest.

    Attributes
    ----------
    at_risk
        Who was seen at that age and had not left before.
    left
        Who left at that age.
    entered_late
        How many were seen from a later age than 0 only.
    """

    at_risk: np.ndarray
    left: np.ndarray
    entered_late: int

    @property
    def customers(self) -> int:
        """How many customers were seen at all."""
        first = int(self.at_risk[0]) if len(self.at_risk) else 0
        return first + self.entered_late

    def told_between(self, fewest: int = FEWEST) -> tuple[int, int]:
        """The ages between which there were always enough customers, and most of all.

        Up to the age at which nobody is left to be seen where the numbers only fall from there on.
        """
        enough = min(fewest, int(self.at_risk.max(initial=0)))
        most = int(self.at_risk.argmax()) if len(self.at_risk) else 0
        few = np.flatnonzero(self.at_risk < enough)
        before, after = few[few < most], few[few > most]
        start = int(before[-1]) + 1 if len(before) else 0
        # Below the number for good there is no gap to be wary of, only a wide interval.
        again = len(after) and (self.at_risk[after[0] :] >= enough).any()
        return start, int(after[0]) if again else len(self.at_risk)


def life_table(entry: np.ndarray, exit: np.ndarray, left: np.ndarray) -> LifeTable:
    """Count customers by age.

    Parameters
    ----------
    entry
        Age in whole days from which each customer is seen; 0 from the beginning.
    exit
        Age up to which, at least the entry; whole days.
    left
        Whether it left at that age, rather than being there still.

    Raises
    ------
    ValueError
        When an age is negative, or an exit lies before its entry.
    """
    if len(entry) and (entry.min() < 0 or (exit < entry).any()):
        raise ValueError("ages begin at 0, and nobody is seen up to an age before the first")
    days = int(exit.max()) + 1 if len(exit) else 0
    came = np.bincount(entry, minlength=days).cumsum()
    gone = np.bincount(exit, minlength=days).cumsum()
    at_risk = came - np.append(0, gone[:-1])[:days]
    return LifeTable(
        at_risk=at_risk.astype(np.int64),
        left=np.bincount(exit[left], minlength=days).astype(np.int64),
        entered_late=int((entry > 0).sum()),
    )


@dataclass(frozen=True)
class Curve:
    """The share of customers who are still there, by age, with 95 % intervals.

    Attributes
    ----------
    start
        The first age that is told; what follows is the share of those who reach it.
    share, low, high
        Entry n is age start + n: the share that stays beyond that age.
    variance
        Greenwood's sum up to that age: the variance of the share, divided by its square.
    """

    start: int
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    variance: np.ndarray

    @property
    def stop(self) -> int:
        """The first age that is not told any more."""
        return self.start + len(self.share)

    def at(self, age: int) -> tuple[float, float, float] | None:
        """Share and interval at an age in days; None beyond what is told."""
        if not self.start <= age < self.stop:
            return None
        n = age - self.start
        return float(self.share[n]), float(self.low[n]), float(self.high[n])

    def median(self) -> tuple[int | None, int | None, int | None]:
        """The age at which half have left, and its 95 % interval; None where none is reached.

        Where the share falls to a half, and where the ends of its interval do (Brookmeyer and
        Crowley 1982).
        """
        return self._reached(self.share), self._reached(self.low), self._reached(self.high)

    def _reached(self, line: np.ndarray) -> int | None:
        below = np.flatnonzero(line <= 0.5)
        return self.start + int(below[0]) if len(below) else None

    def mean_until(self, age: int) -> tuple[float, float, float]:
        """The mean age in days of leaving, those who stay beyond `age` counted with that age.

        Of those who reach the age `start`; with a 95 % interval. The area below the curve (Irwin
        1949) and its variance (Klein and Moeschberger 2003, 4.5): each step of Greenwood's sum
        moves all of the area after it.

        Raises
        ------
        ValueError
            When the curve is not told so far.
        """
        if not self.start < age <= self.stop:
            raise ValueError(f"the curve tells ages from {self.start} to {self.stop}")
        share = self.share[: age - self.start]
        area_after = share[::-1].cumsum()[::-1]
        steps = np.diff(self.variance[: len(share)], prepend=0.0)
        half = Z * float(np.sqrt((area_after**2 * steps).sum()))
        mean = self.start + float(area_after[0])
        return mean, max(mean - half, float(self.start)), min(mean + half, float(age))


def kaplan_meier(table: LifeTable, *, fewest: int = FEWEST) -> Curve | None:
    """The curve of a life table, from the age on at which enough customers are seen; None of none.

    Where everybody who is left leaves, the interval's upper end stays where it was: Greenwood's sum
    has no answer there.
    """
    start, stop = table.told_between(fewest)
    at_risk, left = table.at_risk[start:stop], table.left[start:stop]
    if not at_risk.max(initial=0):
        return None
    stay = at_risk - left
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.cumprod(np.where(left > 0, stay / at_risk, 1.0))
        steps = np.where((left > 0) & (stay > 0), left / (at_risk * stay.astype(np.float64)), 0.0)
    variance = steps.cumsum()
    low, high = _log_log(share, variance)
    return Curve(start, share, low, high, variance)


def _log_log(share: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals: S to the power of exp(+-z sqrt(v) / log S)."""
    inside = (share > 0) & (share < 1)
    hazard = np.where(inside, -np.log(np.where(inside, share, 0.5)), 1.0)
    spread = np.exp(Z * np.sqrt(variance) / hazard)
    low = np.where(inside, np.exp(-hazard * spread), share)
    high = np.where(inside, np.exp(-hazard / spread), share)
    gone = np.flatnonzero(share <= 0)
    if len(gone):
        high[gone[0] :] = high[gone[0] - 1] if gone[0] else 1.0
    return low, high
