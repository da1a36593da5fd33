"""A split by time: train on what was known before the test began.

A point's label is known only after its window has closed, so points whose window reaches into a
later part are left out of the earlier one (production could not have known those labels either).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOLDS = 3
FOLD_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Cutoffs of each part, ascending; days since 1970 or any other count of days.

    Attributes
    ----------
    known
        All cutoffs whose labels were known when the test began: what is trained on.
    test
        The newest cutoffs, untouched until the final evaluation.
    purged
        Cutoffs in no part: their label windows reach into the test.
    """

    known: tuple[int, ...]
    test: tuple[int, ...]
    purged: tuple[int, ...]


@dataclass(frozen=True)
class Fold:
    """Cutoffs to learn from, and later ones to judge by, as if it had been then."""

    train: tuple[int, ...]
    validation: tuple[int, ...]


def split_by_time(cutoffs: Sequence[int], *, test_points: int, days_until_known: int) -> Split:
    """Part cutoffs into what is trained on and what is tested on.

    Parameters
    ----------
    cutoffs
        Labelled cutoffs in days.
    test_points
        How many of the newest cutoffs to test on.
    days_until_known
        Days from a cutoff until its label is known.

    Raises
    ------
    ValueError
        When no cutoff is left to train on.
    """
    ordered = sorted(set(cutoffs))
    test = ordered[-test_points:]
    earlier = ordered[: -len(test)]
    known = [cutoff for cutoff in earlier if cutoff + days_until_known <= test[0]] if test else []
    if not known:
        raise ValueError(
            f"no cutoff to train on: {len(ordered)} cutoffs, {len(test)} of them for the test, and "
            f"labels known {days_until_known} days after a cutoff"
        )
    purged = sorted(set(earlier) - set(known))
    return Split(known=tuple(known), test=tuple(test), purged=tuple(purged))


def rolling_origins(
    known: Sequence[int],
    *,
    days_until_known: int,
    folds: int = FOLDS,
    share: float = FOLD_SHARE,
) -> tuple[Fold, ...]:
    """Validation that rolls through time: each fold is judged by the cutoffs that came next.

    The newest `share` of the cutoffs is the last fold's validation, the share before it that of the
    fold before; each fold learns from the cutoffs whose labels were known when its validation
    began, so no label window reaches across. Oldest fold first; none where history is too short.

    Source: Tashman (2000), Out-of-sample tests of forecasting accuracy.
    """
    ordered = sorted(set(known))
    size = int(np.ceil(len(ordered) * share))
    found = []
    for end in range(len(ordered), 0, -size)[:folds]:
        validation = ordered[max(end - size, 0) : end]
        train = [cutoff for cutoff in ordered if cutoff + days_until_known <= validation[0]]
        if train:
            found.append(Fold(tuple(train), tuple(validation)))
    return tuple(reversed(found))
