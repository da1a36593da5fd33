"""Which campaigns held somebody out, so that it can be told what their contacts did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FEWEST_HELD_OUT = 2
"""A campaign with fewer held out has nothing to be compared with."""


def has_holdout(rows: pd.DataFrame) -> np.ndarray:
    """Whether each row's campaign has both groups, so that they can be compared."""
    held_out = (~rows["treated"]).groupby(rows["campaign"]).transform("sum")
    treated = rows["treated"].groupby(rows["campaign"]).transform("sum")
    return ((held_out >= FEWEST_HELD_OUT) & (treated > 0)).to_numpy(dtype=bool)
