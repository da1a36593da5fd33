"""How many cores there are to work with."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """All cores this process may use; no result depends on it."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
