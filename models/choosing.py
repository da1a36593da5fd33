"""Loops over customers and actions for `models.allocation`, compiled.

`profits` are customers x actions, ``-inf`` where an action is not to be taken; `toll` is what a
contact with each action must bring at least. What it brings beyond that is its reduced profit.
"""

from __future__ import annotations

import numpy as np

from models.kernels import compiled

BLOCK = 512
"""So many are added up by themselves, so that rounding does not grow with the customers."""


@compiled
def at_toll(
    profits: np.ndarray, toll: np.ndarray, counts: np.ndarray, sums: np.ndarray
) -> tuple[float, float]:
    """Everybody takes what brings most beyond the toll: the sums of reduced profit and of profit.

    Fills `counts` by action; `sums` is room for two numbers a block.
    """
    customers, actions = profits.shape
    counts[:] = 0
    for block in range((customers + BLOCK - 1) // BLOCK):
        beyond, whole = 0.0, 0.0
        for i in range(block * BLOCK, min(customers, (block + 1) * BLOCK)):
            most, taken = 0.0, -1
            for a in range(actions):
                reduced = profits[i, a] - toll[a]
                if reduced > most:
                    most, taken = reduced, a
            if taken >= 0:
                counts[taken] += 1
                beyond += most
                whole += profits[i, taken]
        sums[block, 0], sums[block, 1] = beyond, whole
    return sums[:, 0].sum(), sums[:, 1].sum()


@compiled
def favourites(
    profits: np.ndarray, toll: np.ndarray, favourite: np.ndarray, most: np.ndarray
) -> None:
    """By customer the action with the largest reduced profit (-1: none is possible), and that."""
    customers, actions = profits.shape
    for i in range(customers):
        favourite[i], most[i] = -1, -np.inf
        for a in range(actions):
            reduced = profits[i, a] - toll[a]
            if reduced > most[i]:
                favourite[i], most[i] = a, reduced


@compiled
def fill(
    profits: np.ndarray,
    toll: np.ndarray,
    least: float,
    turns: np.ndarray,
    uses: np.ndarray,
    limits: np.ndarray,
    counts: np.ndarray,
    action: np.ndarray,
) -> None:
    """In turn everybody without an action takes the best there is still room for.

    Its reduced profit must be at least `least`. Adds to `counts` and `action`.
    """
    rooms = np.empty(len(toll), np.bool_)
    _room(uses, limits, counts, rooms)
    for i in turns:
        if action[i] >= 0:
            continue
        most, taken = -np.inf, -1
        for a in range(len(toll)):
            reduced = profits[i, a] - toll[a]
            if rooms[a] and reduced >= least and reduced > most:
                most, taken = reduced, a
        if taken >= 0:
            action[i] = taken
            counts[taken] += 1
            _room(uses, limits, counts, rooms)


@compiled
def _room(uses: np.ndarray, limits: np.ndarray, counts: np.ndarray, rooms: np.ndarray) -> None:
    """By action, whether the limits bear one contact more.

    The counts are multiplied anew each time: sums of many costs would gather rounding.
    """
    for a in range(len(counts)):
        rooms[a] = True
        for limit in range(len(limits)):
            used = uses[limit, a]
            if used > 0:
                for other in range(len(counts)):
                    used += uses[limit, other] * counts[other]
                rooms[a] = rooms[a] and used <= limits[limit]


@compiled
def firmness(profits: np.ndarray, toll: np.ndarray, action: np.ndarray, firm: np.ndarray) -> None:
    """How much reduced profit a customer loses at least when it does anything but its best.

    0 where it does not do its best already; nothing at all counts as a reduced profit of 0.
    """
    customers, actions = profits.shape
    for i in range(customers):
        most, next_most, best = 0.0, -np.inf, -1
        for a in range(actions):
            reduced = profits[i, a] - toll[a]
            if reduced > most:
                most, next_most, best = reduced, most, a
            elif reduced > next_most:
                next_most = reduced
        firm[i] = most - next_most if best == action[i] else 0.0
