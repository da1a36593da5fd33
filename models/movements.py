"""From one amount of recurring money to the next: what came, grew, shrank and went.

All amounts are whole cents, so that start + new + expansion - contraction - churned + reactivated
is the end, to the cent, whatever happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

CENTS = 100
MOST_CENTS = 2**62


@dataclass(frozen=True)
class Movements:
    """Cents at a period's start and end, and the five ways from one to the other.

    ``contraction`` and ``churned`` are what is lost, as positive amounts.
    """

    start: int
    new: int
    expansion: int
    contraction: int
    churned: int
    reactivated: int
    end: int

    @property
    def gross_retention(self) -> float | None:
        """Of the start, what is left of those who were there without what grew; None of nothing."""
        return _share(self.start - self.contraction - self.churned, self.start)

    @property
    def net_retention(self) -> float | None:
        """Of the start, what those who were there bring at the end; None of nothing."""
        return _share(self.start + self.expansion - self.contraction - self.churned, self.start)

    @property
    def odd(self) -> bool:
        """Whether gross retention is no share, since some of the start was below zero."""
        return self.gross_retention is not None and not 0 <= self.gross_retention <= 1

    def as_json(self) -> dict[str, Any]:
        """In money, to the cent."""
        names = ("start", "new", "expansion", "contraction", "churned", "reactivated", "end")
        return {
            **{name: getattr(self, name) / CENTS for name in names},
            "gross_retention": self.gross_retention,
            "net_retention": self.net_retention,
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def movements(
    before: np.ndarray,
    after: np.ndarray,
    *,
    here_before: np.ndarray,
    here_after: np.ndarray,
    known: np.ndarray,
) -> Movements:
    """How the money of one date becomes that of a later one.

    Parameters
    ----------
    before, after
        Whole cents by customer at both dates; int64.
    here_before, here_after
        Who was a customer then; masks. The change of one who is gone is churned, that of one who
        came is new, or reactivated where it is `known`; any other change is expansion or
        contraction.
    known
        Who has been a customer before the first date; a mask.
    """
    before, after = _exact(before), _exact(after)
    change = after - before
    gone, came = here_before & ~here_after, here_after & ~here_before
    other = ~gone & ~came
    return Movements(
        start=int(before.sum()),
        new=int(change[came & ~known].sum()),
        expansion=int(change[other & (change > 0)].sum()),
        contraction=-int(change[other & (change < 0)].sum()),
        churned=-int(change[gone].sum()),
        reactivated=int(change[came & known].sum()),
        end=int(after.sum()),
    )


def _exact(cents: np.ndarray) -> np.ndarray:
    """As Python's own whole numbers where sums may not fit in 64 bits."""
    return cents.astype(object) if np.abs(cents.astype(np.float64)).sum() > MOST_CENTS else cents
