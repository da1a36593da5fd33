"""Silence on the standard output while a library works that writes to it past Python.

HiGHS prints a line, whatever it is told, where rounded solutions need repair; a command that
promises JSON must not let it through.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_OUTPUT = 1


@contextmanager
def silenced() -> Iterator[None]:
    """Nothing appears that is written to the standard output within, by any thread."""
    _flush()
    try:
        kept = os.dup(STANDARD_OUTPUT)
    except OSError:  # It is closed, so nothing can appear.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STANDARD_OUTPUT)
        yield
        _flush()
    finally:
        os.dup2(kept, STANDARD_OUTPUT)
        os.close(kept)
        os.close(nowhere)


def _flush() -> None:
    """What Python and C keep back is written now, to where it belongs."""
    if sys.stdout is not None:
        sys.stdout.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
