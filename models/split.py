"""A split by time: train on what was known before the test began.

A point's label is known only after its window has closed, so points whose window reaches into a
later part are left out of the earlier one (production could not have known those labels either).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """Cutoffs of each part, ascending; days since 1970 or any other count of days.

    Attributes
    ----------
    train, validation
        For fitting and for early stopping; `validation` is empty where history is too short.
    gap
        Cutoffs between them, whose label windows reach into the validation: known when the test
        began, so the final fit has them.
    test
        The newest cutoffs, untouched until the final evaluation.
    purged
        Cutoffs in no part: their label windows reach into the test.
    """

    train: tuple[int, ...]
    gap: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    purged: tuple[int, ...]

    @property
    def known(self) -> tuple[int, ...]:
        """All cutoffs whose labels were known when the test began."""
        return self.train + self.gap + self.validation


def split_by_time(
    cutoffs: Sequence[int],
    *,
    test_points: int,
    days_until_known: int,
    validation_share: float = 0.2,
) -> Split:
    """Part cutoffs into train, validation and test.

    Parameters
    ----------
    cutoffs
        Labelled cutoffs in days.
    test_points
        How many of the newest cutoffs to test on.
    days_until_known
        Days from a cutoff until its label is known.
    validation_share
        Which share of the training cutoffs, the newest, to stop early on.

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
    size = int(np.ceil(len(known) * validation_share))
    validation = known[-size:]
    train = [cutoff for cutoff in known if cutoff + days_until_known <= validation[0]]
    if not train:
        train, validation = known, []
    return Split(
        train=tuple(train),
        gap=tuple(sorted(set(known) - set(train) - set(validation))),
        validation=tuple(validation),
        test=tuple(test),
        purged=tuple(sorted(set(earlier) - set(known))),
    )
