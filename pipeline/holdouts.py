"""Which campaigns held somebody out, so that it can be told what their contacts did.

Campaigns of a few contacts each (a list a day) are taken together in the order of their days: none
of them could be judged alone, and chance may well hold nobody out of five.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FEWEST_HELD_OUT = 2
"""Those contacted with fewer held out beside them have nothing to be compared with."""
FEWEST_CONTACTED = 50
"""A campaign with fewer contacts is taken together with those next to it."""


def batches(rows: pd.DataFrame) -> np.ndarray:
    """The batch of each row, by number: a campaign, or small ones in the order of their days.

    Parameters
    ----------
    rows
        ``campaign, day, treated``, as `features.contacted.Contacted` has them.
    """
    by_campaign = rows.groupby("campaign", sort=True)
    sizes = by_campaign["treated"].sum()
    days = by_campaign["day"].min()
    order = sorted(sizes.index, key=lambda name: (days[name], name))
    numbers, last, waiting = {}, -1, 0
    for name in order:
        if sizes[name] >= FEWEST_CONTACTED:
            last += 1
            numbers[name], waiting = last, 0
        else:
            # A small one opens a batch where none is open, and closes it when it is large enough.
            last += waiting == 0
            numbers[name] = last
            waiting = (waiting + int(sizes[name]) + 1) if waiting < FEWEST_CONTACTED else 0
    return rows["campaign"].map(numbers).to_numpy(dtype=np.int64)


def has_holdout(rows: pd.DataFrame) -> np.ndarray:
    """Whether each row's batch has both groups, so that they can be compared."""
    batch = batches(rows)
    held_out = (~rows["treated"]).groupby(batch).transform("sum")
    treated = rows["treated"].groupby(batch).transform("sum")
    return ((held_out >= FEWEST_HELD_OUT) & (treated > 0)).to_numpy(dtype=bool)


def share_treated(rows: pd.DataFrame) -> np.ndarray:
    """The share of each row's batch that was contacted."""
    return rows["treated"].groupby(batches(rows)).transform("mean").to_numpy(dtype=float)
