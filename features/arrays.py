"""Columns of the engine's answers as numpy arrays."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

MICROSECONDS_A_DAY = 86_400_000_000


def values(column: Any) -> np.ndarray:
    """An Arrow column as float64, nulls as NaN; text as objects, nulls as None.

    Moments are microseconds since 1970, on the histories' own clock.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.to_numpy(zero_copy_only=False).astype(object)
    if pa.types.is_timestamp(kind):
        column = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
    return pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def numbers(column: Any) -> np.ndarray:
    """An Arrow column as it is, without a copy where that is possible: whole numbers, or float64.

    Moments are microseconds since 1970; nulls are NaN.
    """
    import pyarrow as pa

    if pa.types.is_integer(column.type) and not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    return values(column)


def no_rows(schema: Any) -> Any:
    """An Arrow batch without rows."""
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=schema)


def indices(column: Any) -> np.ndarray:
    """An Arrow column of whole numbers without nulls, as int64."""
    return column.to_numpy(zero_copy_only=False).astype(np.int64)


def days(column: Any, *, null: int) -> np.ndarray:
    """An Arrow column of moments as days since 1970, int64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    micros = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
    given = pc.fill_null(micros, 0).to_numpy()
    missing = pc.is_null(micros).to_numpy()
    return np.where(missing, null, given // MICROSECONDS_A_DAY)


def is_missing(array: np.ndarray) -> np.ndarray:
    """Where a value is not there: NaN, or None in text."""
    if array.dtype == object:
        return np.array([value is None for value in array], dtype=bool)
    return np.isnan(array)


def missing_like(array: np.ndarray, size: int) -> np.ndarray:
    """An array of missing values of the same kind."""
    return np.full(size, None if array.dtype == object else np.nan, dtype=array.dtype)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A share or a mean; missing where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def large_empty(size: int) -> np.ndarray:
    """An array of float64 to be filled bit by bit, in pages of the usual size.

    For large arrays numpy asks the system for huge pages. Where the system has to make these first,
    or gets its own memory from a host, they cost several times what they save.
    """
    import pyarrow as pa

    return np.frombuffer(pa.allocate_buffer(size * 8, pa.system_memory_pool()), dtype=np.float64)


def give_back_memory() -> None:
    """Let the C library return what is free to the system, also between what is not.

    Only glibc can.
    """
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def reuse_memory() -> None:
    """Let the C library keep what is freed for the next array, instead of returning it each time.

    Arrays come and go by the thousand here; to get fresh pages for each took a fifth of the time.
    Only glibc has the switch, for the whole process; up to 256 MB are kept.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 2**28)
        mallopt(mmap_threshold, 2**25)
