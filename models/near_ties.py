"""The few customers for whom it is close, chosen exactly: a mixed-integer programme for what the
others leave.

Who loses more by another choice than what an allocation may still be short of the bound keeps its
choice in every better allocation (reduced-cost fixing; Kellerer, Pferschy and Pisinger 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.choosing import firmness
from models.resources import Resources
from models.silence import silenced

MOST_KINDS = 1000
"""In one programme, so that it is solved in a second or so."""
MOST_LOOKED_AT = 250_000
"""Customers that are searched for kinds; there are more only where many are alike."""
MOST_NODES = 500
"""Of its search tree; a limit of time would make results differ from run to run."""

TOLERANCE = 1e-5
"""More than the solver takes limits to be wider than they are."""


@dataclass(frozen=True)
class Open:
    """Customers whose choice is open, in kinds that are alike in all that they may choose.

    Attributes
    ----------
    rows, kind
        The customers, and the kind of each.
    complete
        Whether nobody else can change in a better allocation.
    of, action
        By pair of a kind and an action that it may choose, the one and the other.
    """

    rows: np.ndarray
    kind: np.ndarray
    complete: bool
    of: np.ndarray
    action: np.ndarray


def find_open(profits: np.ndarray, toll: np.ndarray, action: np.ndarray, missing: float) -> Open:
    """Those for whom it is closest, where `missing` is what an allocation is short of the bound."""
    firm = np.empty(len(profits))
    firmness(profits, toll, action, firm)
    close = np.flatnonzero(firm <= missing)
    rows = close[np.argsort(firm[close], kind="stable")[:MOST_LOOKED_AT]]
    reduced = profits[rows] - toll
    best = np.maximum(reduced.max(axis=1, initial=0.0), 0.0)
    choices = np.where(best[:, None] - reduced <= missing, profits[rows], -np.inf)
    kind, first = _alike(choices)
    few = kind < MOST_KINDS
    of, which = np.nonzero(choices[first[:MOST_KINDS]] > -np.inf)
    complete = len(rows) == len(close) and bool(few.all())
    return Open(rows[few], kind[few], complete, of, which)


def _alike(choices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each row, counted as they come, and the first row of each kind."""
    whole = np.ascontiguousarray(choices).view(
        np.dtype((np.void, choices.itemsize * choices.shape[1]))
    )
    _, first, inverse = np.unique(whole.ravel(), return_index=True, return_inverse=True)
    come = np.argsort(first, kind="stable")
    number = np.empty_like(come)
    number[come] = np.arange(len(come))
    return number[inverse], first[come]


def settle(
    open_: Open,
    profits: np.ndarray,
    costs: np.ndarray,
    resources: Resources,
    action: np.ndarray,
    *,
    close: float,
) -> tuple[np.ndarray, bool]:
    """All actions, those of the open customers anew, and whether theirs are proven best.

    Where the solver finds nothing that keeps within the limits, the actions stay as they are.

    Parameters
    ----------
    close
        Profit that need not be won: the search ends where no more can be.
    """
    others = action.copy()
    others[open_.rows] = -1
    uses, limits, _ = resources.rows(costs, len(profits))
    # In units of the dearest contact, so that the solver's tolerance is a small part of one.
    units = uses.max(axis=1, initial=0.0)
    left = np.maximum(limits - uses @ _counts(others, costs), 0.0) / units
    for narrower in (0.0, TOLERANCE):
        room = np.maximum(left - narrower, 0.0)
        picked, proven = _solve(open_, profits, uses / units[:, None], room, close)
        found = _handed_out(open_, picked, others)
        if resources.hold(_counts(found, costs), costs):
            return found, proven and not narrower
    return action, False


def _solve(
    open_: Open, profits: np.ndarray, uses: np.ndarray, left: np.ndarray, close: float
) -> tuple[np.ndarray, bool]:
    """How many of each pair are chosen, and whether nothing is better by more than `close`.

    `uses` of all chosen pairs may take what is `left`.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, vstack

    pairs, sizes = len(open_.of), np.bincount(open_.kind)
    first = np.unique(open_.kind, return_index=True)[1]
    gains = profits[open_.rows[first[open_.of]], open_.action]
    if not pairs:
        return np.zeros(0, np.int64), True
    once = coo_array((np.ones(pairs), (open_.of, np.arange(pairs))), shape=(len(sizes), pairs))
    room = np.concatenate([sizes, left])
    with silenced():
        found = milp(
            # Larger than 1, since the solver takes differences below 1e-6 for none.
            -gains * (1e3 / gains.max()),
            integrality=np.ones(pairs),
            bounds=Bounds(0, sizes[open_.of]),
            constraints=LinearConstraint(vstack([once, uses[:, open_.action]]).tocsr(), ub=room),
            options={"node_limit": MOST_NODES, "mip_rel_gap": close / (gains @ sizes[open_.of])},
        )
    if found.x is None:
        return np.zeros(pairs, np.int64), False
    return np.rint(found.x).astype(np.int64), found.status == 0


def _handed_out(open_: Open, picked: np.ndarray, others: np.ndarray) -> np.ndarray:
    """All actions, with so many of each pair; within a kind the first rows come first."""
    found = others.copy()
    turns = np.lexsort((open_.rows, open_.kind))
    begins = np.searchsorted(open_.kind[turns], open_.of)
    before = np.cumsum(picked) - picked
    own = np.searchsorted(open_.of, open_.of)
    starts = begins + before - before[own] if len(own) else begins
    for start, count, which in zip(starts, picked, open_.action, strict=True):
        found[open_.rows[turns[start : start + count]]] = which
    return found


def _counts(action: np.ndarray, costs: np.ndarray) -> np.ndarray:
    return np.bincount(action[action >= 0], minlength=len(costs))
