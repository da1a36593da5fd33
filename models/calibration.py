"""Calibration: from a booster's log-odds to probabilities that come true.

A booster that learned from the past is mostly, but not always, right about how many leave later:
its log-odds may be too bold, too timid, or off because times changed. What was predicted for later
points, and what became of them, tells how to mend it. Every map here is monotone, so the order of
the customers is never reversed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.logit import fit_logit

FEWEST_CHURNERS = 50
"""Fewer later churners tell too little to mend anything by."""

MOST_BLOCKS = 12
"""More times than these are joined with their neighbours: each costs a fit of every kind."""

FARTHEST = 12.0
"""Log-odds are kept within this: nobody is surer than one in 160,000."""


@dataclass(frozen=True)
class Identity:
    """As it is."""

    kind: ClassVar[str] = "none"

    def log_odds(self, raw: np.ndarray) -> np.ndarray:
        return np.asarray(raw)

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @staticmethod
    def fit(raw: np.ndarray, labels: np.ndarray) -> Identity:
        return Identity()


@dataclass(frozen=True)
class Linear:
    """``slope x log-odds + intercept`` (Platt 1999)."""

    slope: float
    intercept: float
    kind: ClassVar[str] = "platt"

    def log_odds(self, raw: np.ndarray) -> np.ndarray:
        return self.slope * np.asarray(raw) + self.intercept

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "slope": self.slope, "intercept": self.intercept}

    @staticmethod
    def fit(raw: np.ndarray, labels: np.ndarray) -> Linear:
        slope, intercept = _line(raw[:, None], labels, start=[1.0, 0.0])
        if slope < 0:
            # A negative one would turn the order round; the churn rate of all is what is left.
            (intercept,) = _line(np.empty((len(raw), 0)), labels, start=[0.0])
        return Linear(max(slope, 0.0), intercept)


@dataclass(frozen=True)
class Shift(Linear):
    """The same log-odds for all, more or less: as many leave as did."""

    kind: ClassVar[str] = "shift"

    @staticmethod
    def fit(raw: np.ndarray, labels: np.ndarray) -> Shift:
        (intercept,) = _line(np.empty((len(raw), 0)), labels, start=[0.0], offset=raw)
        return Shift(1.0, intercept)


@dataclass(frozen=True)
class Beta:
    """``a ln p - b ln(1 - p) + c``: other slopes for the low and the high.

    Source: Kull, Silva Filho and Flach (2017), Beyond sigmoids.
    """

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    def log_odds(self, raw: np.ndarray) -> np.ndarray:
        return self.a * -np.logaddexp(0, -raw) + self.b * np.logaddexp(0, raw) + self.c

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "a": self.a, "b": self.b, "c": self.c}

    @staticmethod
    def fit(raw: np.ndarray, labels: np.ndarray) -> Beta | Linear:
        both = np.column_stack([-np.logaddexp(0, -raw), np.logaddexp(0, raw)])
        a, b, c = _line(both, labels, start=[1.0, 1.0, 0.0])
        # A negative one would turn the order round.
        return Beta(a, b, c) if a >= 0 and b >= 0 else Linear.fit(raw, labels)


@dataclass(frozen=True)
class Isotonic:
    """Steps that only rise, joined by lines through their middles, which keeps the order within.

    Source: Zadrozny and Elkan (2002); Oron and Flournoy (2017), Centered isotonic regression.
    """

    raw: tuple[float, ...]
    mended: tuple[float, ...]
    kind: ClassVar[str] = "isotonic"

    def log_odds(self, raw: np.ndarray) -> np.ndarray:
        return np.interp(raw, self.raw, self.mended)

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "raw": list(self.raw), "mended": list(self.mended)}

    @staticmethod
    def fit(raw: np.ndarray, labels: np.ndarray) -> Isotonic:
        from sklearn.isotonic import IsotonicRegression

        # Differences that mean nothing would make steps too steep for arithmetic.
        raw = np.round(raw, 6)
        steps = IsotonicRegression().fit_transform(raw, np.asarray(labels, np.float64))
        level, of = np.unique(steps, return_inverse=True)
        size = np.bincount(of)
        middle = np.bincount(of, weights=raw) / size
        # A step on which nobody, or everybody, left says no more than its size allows.
        rate = (level * size + np.mean(labels)) / (size + 1)
        rate = np.maximum.accumulate(np.clip(rate, 1 / len(raw), 1 - 1 / len(raw)))
        mended = np.log(rate) - np.log1p(-rate)
        return Isotonic(tuple(map(float, middle)), tuple(map(float, mended)))


Calibrator = Identity | Linear | Beta | Isotonic
KINDS: tuple[type[Calibrator], ...] = (Identity, Shift, Linear, Beta, Isotonic)
"""The simplest first: of two that are equally good the simpler is taken."""


def from_dict(values: Mapping[str, Any]) -> Any:
    """What `as_dict` wrote."""
    given: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in values.items()
    }
    kind = given.pop("kind")
    made: Any = next(each for each in KINDS if each.kind == kind)
    return made(**given)


def bounded(log_odds: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities none of which is certain."""
    return np.clip(log_odds, -FARTHEST, FARTHEST)


def probabilities(log_odds: np.ndarray) -> np.ndarray:
    """Log-odds as probabilities, none of them certain."""
    return np.asarray(1 / (1 + np.exp(-bounded(log_odds))))


def log_odds_of(probability: np.ndarray) -> np.ndarray:
    """Probabilities as log-odds, as far from certain as `probabilities` tells them at most."""
    with np.errstate(divide="ignore"):
        return bounded(np.log(probability) - np.log1p(-np.asarray(probability)))


def choose(blocks: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[Calibrator, dict[str, float]]:
    """The kind with the lowest log loss on what it has not seen, fitted on all.

    Parameters
    ----------
    blocks
        Log-odds and labels of later points, a block for each time: each kind is fitted on all
        blocks but one and judged by that one, so that what only fits one time's noise is not taken.
        A single block is parted in four, more than `MOST_BLOCKS` are joined with their neighbours.

    Returns
    -------
    calibrator, losses
        And the log loss of each kind.
    """
    raw, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    if min(labels.sum(), len(labels) - labels.sum()) < FEWEST_CHURNERS:
        return Identity(), {}
    folds = _joined(blocks) if len(blocks) > 1 else [(raw[k::4], labels[k::4]) for k in range(4)]
    losses = {kind.kind: _loss_on_unseen(kind, folds) for kind in KINDS}
    best = min(KINDS, key=lambda kind: losses[kind.kind])
    return best.fit(raw, labels), losses


def _joined(
    blocks: Sequence[tuple[np.ndarray, np.ndarray]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """At most `MOST_BLOCKS`, of neighbours in time."""
    raws, labels = zip(*blocks, strict=True)
    runs = np.array_split(np.arange(len(blocks)), min(len(blocks), MOST_BLOCKS))
    return [
        (np.concatenate(raws[run[0] : run[-1] + 1]), np.concatenate(labels[run[0] : run[-1] + 1]))
        for run in runs
    ]


def _loss_on_unseen(
    kind: type[Calibrator], folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> float:
    total, points = 0.0, 0
    for held, (raw, labels) in enumerate(folds):
        others = [fold for number, fold in enumerate(folds) if number != held]
        seen_raw, seen_labels = (np.concatenate(parts) for parts in zip(*others, strict=True))
        if not 0 < seen_labels.sum() < len(seen_labels):
            continue
        total += _log_loss(kind.fit(seen_raw, seen_labels).log_odds(raw), labels)
        points += len(labels)
    return total / max(points, 1)


def _log_loss(log_odds: np.ndarray, labels: np.ndarray) -> float:
    """The sum over the points."""
    kept = bounded(log_odds)
    return float((np.logaddexp(0, kept) - np.where(labels == 1, kept, 0.0)).sum())


def _line(
    columns: np.ndarray,
    labels: np.ndarray,
    *,
    start: Sequence[float],
    offset: np.ndarray | float = 0.0,
) -> list[float]:
    """Coefficients of the columns, and an intercept; where they do not settle, the start."""
    design = np.column_stack([columns, np.ones(len(labels))])
    found = fit_logit(design, labels, offset=offset, prior=np.asarray(start))
    return [float(each) for each in (start if found is None else found)]
