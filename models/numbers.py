"""A column of any type as numbers: mapped where every value is one, refused where one is not.

Vectors change their types on the way: an integer column with a gap turns float, a database hands
out decimals, a file of text holds "3". None of that changes a value, so none of it is refused.
"""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FARTHEST = float(np.finfo(np.float32).max)


class NotNumbers(ValueError):
    """A column of numbers holds something else: the column, its type and an example."""

    def __init__(self, name: str, dtype: object, example: object) -> None:
        super().__init__(f"the feature {name} holds {example!r} (type {dtype}), which is no number")
        self.name = name
        self.dtype = str(dtype)
        self.example = example


def to_numbers(column: pd.Series) -> np.ndarray:
    """The values as float32, NaN where there is none; beyond its range, the largest it has.

    Raises
    ------
    NotNumbers
        When a value is no finite number: text, a date, infinity.
    """
    # Of numpy, pandas and Arrow alike: booleans, integers and floats.
    if getattr(column.dtype, "kind", "O") in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.array([_number(column, value) for value in column.astype(object)], np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        raise NotNumbers(str(column.name), column.dtype, float(values[infinite][0]))
    return np.clip(values, -FARTHEST, FARTHEST).astype(np.float32)


def _number(column: pd.Series, value: object) -> float:
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    if isinstance(value, Real | Decimal | np.bool_):
        return float(value)
    try:
        # Python reads "1_000", "nan" and "inf", too: nobody writes a number so.
        if isinstance(value, str) and not set(value) - set("0123456789+-.eE "):
            return float(value)
    except ValueError:
        pass
    raise NotNumbers(str(column.name), column.dtype, value)
