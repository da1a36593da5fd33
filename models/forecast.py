"""How many customers will be gone after some months, and their money: from probabilities.

A model tells who leaves within its horizon; a quarter is longer, and who stays is not who was
there. So what a probability p becomes after k months is measured on past cutoffs whose outcome is
known: q = 1 - (1 - p)^a, with the one exponent a by which as many were expected as have gone. With
constant hazards, a would be the months by the horizon. Where nothing is measured yet it is taken
for that, and said.

The interval holds two parts. Even if every q is right, chance decides who goes: the variance of
independent draws (Poisson-binomial), sum of q (1 - q) m^2. And the level moves from time to time
for all at once, which no single customer's probability knows: its size is the spread of past
forecasts around what came, beyond chance. With few past cutoffs, which overlap and so tell less
than their number, the interval is wider (Student's t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LARGEST_EXPONENT = 1e3
HALVINGS = 60
FEWEST_PAST = 3
"""Fewer past cutoffs than this tell nothing of how the level moves."""
UNTOLD = 0.25
"""How far the level may be off, as a share, where nothing has been measured: a quarter."""
MANY = 1e6
TINY = 1e-12


@dataclass(frozen=True)
class Past:
    """A past cutoff whose outcome is known.

    Attributes
    ----------
    probability
        Of each customer of then, of leaving within the model's horizon.
    gone
        Whether it was gone after the months that are forecast.
    money
        What it paid a month; None where nobody's is known.
    """

    probability: np.ndarray
    gone: np.ndarray
    money: np.ndarray | None = None


@dataclass(frozen=True)
class Interval:
    """What is expected, with a 95 % interval, and the two parts of its variance."""

    expected: float
    low: float
    high: float
    by_chance: float
    by_level: float


@dataclass(frozen=True)
class Forecast:
    """What is expected of today's customers.

    Attributes
    ----------
    customers, money
        How many will be gone, and what they pay a month; money None where it is not known.
    exponent
        By which probabilities were carried on.
    measured
        Whether past cutoffs told the exponent, rather than constant hazards.
    cutoffs
        How many past cutoffs there were.
    level_error
        How far past forecasts of customers were off beyond chance, as a share.
    """

    customers: Interval
    money: Interval | None
    exponent: float
    measured: bool
    cutoffs: int
    level_error: float


def forecast(
    probability: np.ndarray,
    money: np.ndarray | None,
    past: Sequence[Past],
    *,
    horizons: float,
    overlap: int = 1,
) -> Forecast:
    """Expected departures and their money.

    Parameters
    ----------
    probability, money
        Of today's customers: of leaving within the model's horizon, and what each pays a month.
    past
        Past cutoffs whose outcome is known, each over as long a time.
    horizons
        How many horizons of the model that time is.
    overlap
        How many past cutoffs lie within such a time: their outcomes share most of what happened.
    """
    exponent = _measured([(one.probability, one.gone) for one in past])
    used = horizons if exponent is None else exponent
    chances = carried(probability, used)
    people = [_Outcome.of(carried(one.probability, used), one.gone, None) for one in past]
    paid = [_Outcome.of(carried(one.probability, used), one.gone, one.money) for one in past]
    return Forecast(
        customers=_interval(_Outcome.of(chances, None, None), people, overlap),
        money=None
        if money is None
        else _interval(_Outcome.of(chances, None, money), paid, overlap),
        exponent=used,
        measured=exponent is not None,
        cutoffs=len(past),
        level_error=_level_error(people),
    )


def confirmed(past: Sequence[Past], *, horizons: float, overlap: int) -> tuple[int, int]:
    """Of forecasts that could have been made at the past cutoffs, how many came true, and of all.

    Each is made from what was known at its cutoff alone: from those at least `overlap` before it,
    in the order of time. It came true where as many were gone as its interval holds.
    """
    within = whole = 0
    for n, one in enumerate(past):
        known = past[: max(n - overlap + 1, 0)]
        if len(known) < FEWEST_PAST:
            continue
        told = forecast(one.probability, None, known, horizons=horizons, overlap=overlap).customers
        whole += 1
        within += bool(told.low <= one.gone.sum() <= told.high)
    return within, whole


def carried(probability: np.ndarray, exponent: float) -> np.ndarray:
    """Probabilities of leaving within some multiple of the horizon: 1 - (1 - p)^a."""
    with np.errstate(divide="ignore"):
        return -np.expm1(exponent * np.log1p(-np.asarray(probability, dtype=np.float64)))


def _measured(past: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """The exponent by which as many were expected as have gone, by halving; None where none is.

    Where nobody has gone, or more than can ever be expected, no exponent fits.
    """
    probability = np.concatenate([p for p, _ in past]) if past else np.empty(0)
    gone = sum(int(left.sum()) for _, left in past)
    low, high = 0.0, LARGEST_EXPONENT
    if not 0 < gone < carried(probability, high).sum():
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if carried(probability, middle).sum() < gone else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class _Outcome:
    """A cutoff in sums: what was expected, the variance that chance gives it, and what came."""

    expected: float
    variance: float
    came: float

    @staticmethod
    def of(chances: np.ndarray, gone: np.ndarray | None, money: np.ndarray | None) -> _Outcome:
        weight = np.ones(len(chances)) if money is None else money
        return _Outcome(
            expected=float((chances * weight).sum()),
            variance=float((chances * (1 - chances) * weight**2).sum()),
            came=0.0 if gone is None else float(weight[gone].sum()),
        )


def _level_error(past: Sequence[_Outcome]) -> float:
    """How far forecasts were off beyond chance, as a share: by the method of moments.

    One exponent was fitted to all of them, so their spread around it is a little too small.
    """
    if len(past) < FEWEST_PAST:
        return UNTOLD
    squares = sum((one.came - one.expected) ** 2 for one in past) * len(past) / (len(past) - 1)
    beyond = squares - sum(one.variance for one in past)
    return float(np.sqrt(max(beyond, 0.0) / max(sum(one.expected**2 for one in past), TINY)))


def _interval(today: _Outcome, past: Sequence[_Outcome], overlap: int) -> Interval:
    """What is expected with its 95 % interval, on the square root's scale.

    There the spread of a count does not depend on how large it is (Anscombe 1948), and nothing
    below zero is expected.
    """
    from scipy.special import stdtrit

    by_level = (_level_error(past) * today.expected) ** 2
    root = np.sqrt(max(today.expected, 0.0))
    # So many outcomes that do not overlap fit into the time, and what those between them add.
    freedom = len(past) / overlap + 1 if len(past) >= FEWEST_PAST else MANY
    half = stdtrit(freedom, 0.975) * np.sqrt(today.variance + by_level)
    half = half / (2 * root) if root else 0.0
    return Interval(
        expected=today.expected,
        low=float(max(root - half, 0.0) ** 2),
        high=float((root + half) ** 2),
        by_chance=today.variance,
        by_level=by_level,
    )
