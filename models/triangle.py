"""Cohorts by the month in which customers came: what is left of each, month by month.

A triangle: the later a cohort came, the fewer months of it there are. Cells that are not over yet
are None, and so is a share of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SMALL = 30
"""A share of fewer customers than this moves by more than 3 % with a single one."""


@dataclass(frozen=True)
class Row:
    """One cohort.

    Attributes
    ----------
    customers
        How many came in the month.
    kept
        Of these, the share of customers at the k-th first of a month after they came; entry 0 is
        all of them, at the time they came.
    money
        The money then by that in the first full month; entry 0, of the month in which they came by
        and by, is None. All None where there is no money.
    small
        Whether it has so few customers that chance rules.
    """

    customers: int
    kept: tuple[float | None, ...]
    money: tuple[float | None, ...]
    small: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "customers": self.customers,
            "small": self.small,
            "kept": list(self.kept),
            "revenue": list(self.money),
        }


def triangle(sizes: np.ndarray, there: np.ndarray, money: np.ndarray | None = None) -> list[Row]:
    """A row for each cohort; cohort n came in month n.

    Parameters
    ----------
    sizes
        How many customers came in each month.
    there
        Months x cohorts: of each cohort the customers at the end of month n, which is the first of
        the next; only those from the cohort's own month on are looked at.
    money
        Months x cohorts: of each cohort the money at the end of month n, or that of the month after
        it; NaN where it is not known yet. None where there is none at all.
    """
    rows = []
    for cohort, size in enumerate(sizes.tolist()):
        kept = [1.0 if size else None, *_shares(there[cohort:, cohort], size)]
        paid: list[float | None] = [None] * len(kept)
        if money is not None and cohort < len(money):
            first = float(money[cohort, cohort])
            paid = [None, *_shares(money[cohort:, cohort], first)]
        rows.append(Row(size, tuple(kept), tuple(paid), size < SMALL))
    return rows


def _shares(parts: np.ndarray, whole: float) -> list[float | None]:
    if not whole > 0:
        return [None] * len(parts)
    return [None if np.isnan(part) else float(part) / whole for part in parts]


def mean_kept(rows: Sequence[Row]) -> list[float | None]:
    """Over all cohorts, of those old enough, the share of customers after each month."""
    longest = max((len(row.kept) for row in rows), default=0)
    found: list[float | None] = []
    for k in range(longest):
        told = [(row.customers, row.kept[k]) for row in rows if k < len(row.kept)]
        given = [(size, share) for size, share in told if share is not None]
        whole = sum(size for size, _ in given)
        found.append(sum(size * share for size, share in given) / whole if whole else None)
    return found
