"""Loops over rows, compiled: what numpy would take several passes and temporary arrays for.

Each is compiled when it is first called with its types, and kept beside this file (or, where that
cannot be written, in the user's cache) for the processes to come. None checks bounds: owners, cells
and codes come from the engine's joins and from `timeline`, not from the histories.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numba import njit

from features.arrays import MICROSECONDS_A_DAY

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """The loop in machine code; types are told by the arguments."""
    try:
        kept = njit(cache=True, nogil=True)(loop)
        Path(str(kept.stats.cache_path)).mkdir(parents=True, exist_ok=True)
    except (RuntimeError, OSError):
        # There is no place to keep it, as in a container without a home to write to.
        kept = njit(nogil=True)(loop)
    return cast("Loop", kept)


BILLION = 1e9


@compiled
def order_by_chunk(customer: np.ndarray, bits: int, starts: np.ndarray) -> np.ndarray:
    """The rows in the order of their chunks of 2^bits customers, and their own within a chunk.

    ``starts`` gets the first place of each chunk, and the number of rows at its end.
    """
    starts[:] = 0
    for row in range(len(customer)):
        starts[(customer[row] >> bits) + 1] += 1
    for chunk in range(1, len(starts)):
        starts[chunk] += starts[chunk - 1]
    after = starts[:-1].copy()
    order = np.empty(len(customer), dtype=np.int32)
    for row in range(len(customer)):
        chunk = customer[row] >> bits
        order[after[chunk]] = row
        after[chunk] += 1
    return order


@compiled
def taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values of some rows."""
    found = np.empty(len(rows), dtype=values.dtype)
    for place in range(len(rows)):
        found[place] = values[rows[place]]
    return found


@compiled
def add_ones(totals: np.ndarray, cell: np.ndarray) -> None:
    """Count rows by cell."""
    for row in range(len(cell)):
        totals[cell[row]] += 1


@compiled
def add_given(totals: np.ndarray, cell: np.ndarray, value: np.ndarray) -> None:
    """Count rows that have a value, by cell."""
    for row in range(len(cell)):
        totals[cell[row]] += not np.isnan(value[row])


@compiled
def add_weights(totals: np.ndarray, cell: np.ndarray, weights: np.ndarray) -> None:
    """Add up weights by cell."""
    for row in range(len(cell)):
        totals[cell[row]] += weights[row]


@compiled
def add_levels(totals: np.ndarray, cell: np.ndarray, code: np.ndarray, cells: int) -> None:
    """Count rows by level and cell; rows of no level have a negative code."""
    for row in range(len(cell)):
        if code[row] >= 0:
            totals[code[row] * cells + cell[row]] += 1


@compiled
def add_level_weights(
    totals: np.ndarray, cell: np.ndarray, code: np.ndarray, weights: np.ndarray, cells: int
) -> None:
    """Add up weights by level and cell; rows of no level have a negative code."""
    for row in range(len(cell)):
        if code[row] >= 0:
            totals[code[row] * cells + cell[row]] += weights[row]


@compiled
def add_exactly(units: np.ndarray, rest: np.ndarray, cell: np.ndarray, value: np.ndarray) -> None:
    """Add up values by cell as whole units and whole billionths; missing ones add nothing."""
    for row in range(len(cell)):
        given = value[row]
        if not np.isnan(given):
            whole = np.rint(given)
            units[cell[row]] += whole
            rest[cell[row]] += np.rint((given - whole) * BILLION)


@compiled
def keep_largest(best: np.ndarray, cell: np.ndarray, value: np.ndarray, sign: float) -> None:
    """The largest value by cell, or with a negative sign the smallest, its sign turned."""
    for row in range(len(cell)):
        given = sign * value[row]
        if given > best[cell[row]]:  # noqa: PLR1730 - a missing value is not larger
            best[cell[row]] = given


@compiled
def run_totals(cells: np.ndarray) -> None:
    """Add to the cells of a layer, by bucket and owner, those of the buckets before, in place."""
    layers, buckets, owners = cells.shape
    for layer in range(layers):
        for bucket in range(1, buckets):
            for owner in range(owners):
                cells[layer, bucket, owner] += cells[layer, bucket - 1, owner]


@compiled
def between(
    totals: np.ndarray,
    first: np.ndarray,
    after: np.ndarray,
    cutoff: np.ndarray,
    owner: np.ndarray,
) -> np.ndarray:
    """The sum over a span of buckets, for each point, from running totals.

    ``first`` and ``after`` are the span's first bucket and the one after its last, by cutoff.
    """
    found = np.empty(len(owner))
    for point in range(len(owner)):
        at_cutoff, mine = cutoff[point], owner[point]
        total = totals[after[at_cutoff] - 1, mine]
        if first[at_cutoff] > 0:
            total -= totals[first[at_cutoff] - 1, mine]
        found[point] = total
    return found


@compiled
def days_of(moment: np.ndarray) -> np.ndarray:
    """Days since 1970 of moments in microseconds."""
    found = np.empty(len(moment), dtype=np.int32)
    for row in range(len(moment)):
        found[row] = moment[row] // MICROSECONDS_A_DAY
    return found


@compiled
def cells_of(
    owner: np.ndarray, day: np.ndarray, owners: int, first: int, buckets: np.ndarray
) -> np.ndarray:
    """The cell of each row: by bucket, then by owner. ``buckets`` are those of days from `first`.

    Days before these are in the first of them, later ones in the last.
    """
    found = np.empty(len(day), dtype=np.int32)
    most = len(buckets) - 1
    for row in range(len(day)):
        bucket = buckets[min(max(day[row] - first, 0), most)]
        found[row] = bucket * owners + owner[row]
    return found


@compiled
def distinct_days(owner: np.ndarray, day: np.ndarray, owners: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of an owner and a day, by owner and day."""
    after = np.zeros(owners + 1, dtype=np.int64)
    for row in range(len(owner)):
        after[owner[row] + 1] += 1
    for one in range(1, owners + 1):
        after[one] += after[one - 1]
    by_owner = np.empty(len(day), dtype=np.int32)
    for row in range(len(owner)):
        by_owner[after[owner[row]]] = day[row]
        after[owner[row]] += 1
    owner_found, found, start = np.empty(len(day), dtype=np.int32), 0, 0
    for one in range(owners):
        mine = by_owner[start : after[one]]
        start = after[one]
        if (np.diff(mine) < 0).any():
            mine.sort()
        for place in range(len(mine)):
            if place == 0 or mine[place] != mine[place - 1]:
                # What is overwritten has been looked at.
                owner_found[found], by_owner[found] = one, mine[place]
                found += 1
    return owner_found[:found], by_owner[:found]


@compiled
def gaps_of(owner: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days since the owner's day before, squared and as they are, by owner and day.

    An owner's first day has none: 0 squared, else missing.
    """
    squared, gap = np.zeros(len(day)), np.full(len(day), np.nan)
    for row in range(1, len(day)):
        if owner[row] == owner[row - 1]:
            gap[row] = day[row] - day[row - 1]
            squared[row] = gap[row] * gap[row]
    return squared, gap
