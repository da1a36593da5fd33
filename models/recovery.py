"""The share of failed invoices recovered by day, by Kaplan and Meier, and what waiting keeps.

Departure ends what can be seen of an invoice: the curve is what would be recovered if nobody left
and those who left had been like those who did not (independent censoring). Its interval is on the
scale log(-log) (Kalbfleisch and Prentice 2002, 1.4), by Greenwood's variance or, where that is
larger, by one whose terms are added up by customer (Ying and Wei 1994, Journal of Multivariate
Analysis 50): a card that is dead fails invoice after invoice, which is no independent evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from models.exposure import Range
from models.reliability import wilson

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
    at_risk, settled
        How many invoices were still seen on each, and recovered on it.
    seen, recovered, customers
        By invoice: for how long it was seen, whether it was recovered, and whose it is.
    """

    days: np.ndarray
    open: np.ndarray
    at_risk: np.ndarray
    settled: np.ndarray
    seen: np.ndarray
    recovered: np.ndarray
    customers: np.ndarray

    def open_after(self, day: float | np.ndarray) -> np.ndarray:
        """The share still open at the end of a day."""
        place = np.searchsorted(self.days, day, side="right")
        return np.concatenate([[1.0], self.open])[place]

    def reaches(self, day: float) -> bool:
        """Whether it tells of a day: somebody's invoice was seen that long, or none is open.

        A company that gives up on the 21st day has seen nothing of the 30th: the curve goes on
        level there, which is not what a longer period would find.
        """
        return bool((self.seen >= day).any()) or float(self.open_after(day)) == 0

    def recovered_by(self, day: float) -> Range:
        """The share recovered by the end of a day, with its 95 % interval."""
        share = float(self.open_after(day))
        if not 0 < share < 1:
            # Where all are alike Greenwood's sum has no answer: of so many customers, Wilson's.
            seen = self.customers[self.seen >= day] if share else self.customers
            people = max(len(np.unique(seen)), 1)
            return Range(1 - share, *wilson((1 - share) * people, people))
        reach = _Z * sqrt(self.variance(day)) / abs(log(share))
        return Range(1 - share, 1 - share ** exp(-reach), 1 - share ** exp(reach))

    def variance(self, day: float) -> float:
        """Of the log of the share that is open at the end of a day."""
        until = self.days <= day
        at_risk, settled = self.at_risk[until], self.settled[until]
        left = np.maximum(at_risk - settled, 1e-12)
        greenwood = float((settled / (at_risk * left)).sum())
        sums = np.bincount(self.customers, self._influence(day, settled / at_risk**2))
        return max(greenwood, float((sums**2).sum()))

    def _influence(self, day: float, steps: np.ndarray) -> np.ndarray:
        """What each invoice adds to the cumulative hazard of recovery, less what was expected."""
        expected = np.concatenate([[0.0], np.cumsum(steps)])
        place = np.searchsorted(self.days, np.minimum(self.seen, day), side="right")
        own = np.searchsorted(self.days, self.seen)
        inside = self.recovered & (self.seen <= day)
        part = np.where(inside, 1 / self.at_risk[np.minimum(own, len(self.days) - 1)], 0.0)
        return part - expected[place]


def recovery_curve(
    days: np.ndarray, recovered: np.ndarray, customers: np.ndarray | None = None
) -> Curve:
    """The curve of invoices seen for so many days each, and whether they ended in a payment.

    Who is seen no longer than a day is still at risk of being recovered on it. Without customers
    each invoice is one of its own.
    """
    found = np.unique(days[recovered])
    at_risk = len(days) - np.searchsorted(np.sort(days), found, side="left")
    settled = np.searchsorted(np.sort(days[recovered]), found, side="right")
    settled = np.diff(np.concatenate([[0], settled]))
    owners = np.arange(len(days)) if customers is None else customers
    return Curve(
        days=found,
        open=np.cumprod(1 - settled / at_risk),
        at_risk=at_risk,
        settled=settled,
        seen=days,
        recovered=recovered,
        customers=np.unique(owners, return_inverse=True)[1],
    )


@dataclass(frozen=True)
class Kept:
    """What a dunning period of so many days keeps.

    Attributes
    ----------
    days
        The period.
    recovered
        The share recovered by its end, if nobody left before; None where nobody's invoice was
        seen for so long.
    seen
        How many customers had an invoice that was recovered by its end, and their value.
    more
        An extrapolation: how many of the customers who left before its end would have paid, at the
        pace of the days that followed for others; and their value. None as above.
    """

    days: int
    recovered: Range | None
    seen: int
    seen_value: float | None
    more: Range | None
    more_value: Range | None


def kept_by(
    period: int,
    days: np.ndarray,
    recovered: np.ndarray,
    left: np.ndarray,
    values: np.ndarray | None,
    customers: np.ndarray | None = None,
) -> Kept:
    """What a dunning period keeps, of invoices seen for so many days each.

    A customer counts once, however many of its invoices failed; `values` are those of each
    invoice's customer. Of several that were open when it left, the oldest counts.
    """
    curve = recovery_curve(days, recovered, customers)
    seen = _one_each(curve.customers, recovered & (days <= period), days)
    seen_value = None if values is None else float(values[seen].sum())
    if not curve.reaches(period):
        return Kept(period, None, len(seen), seen_value, None, None)
    gone = _one_each(curve.customers, left & (days < period), days)
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
        seen=len(seen),
        seen_value=seen_value,
        more=ranged(float(chance.sum()), len(gone)),
        more_value=None if worth is None else ranged(float(chance @ worth), float(worth.sum())),
    )


def _one_each(customers: np.ndarray, chosen: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Of each customer's chosen invoices the place of the one that was seen longest."""
    places = np.flatnonzero(chosen)
    ordered = places[np.argsort(-days[places], kind="stable")]
    return ordered[np.unique(customers[ordered], return_index=True)[1]]


def _still_to_come(curve: Curve, ended: np.ndarray, period: int) -> np.ndarray:
    """The chance to be recovered by the end of the period, of those open when they were ended."""
    before = curve.open_after(ended)
    after = float(curve.open_after(period))
    return np.where(before > 0, 1 - after / np.maximum(before, 1e-12), 0.0)
