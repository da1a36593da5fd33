"""P-values when many questions are asked at once."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values that allow for how many were looked at (Holm 1979); None stays None.

    The smallest of m is multiplied by m, the next by m - 1 and so on, and none falls below the one
    before it.
    """
    order = sorted((p, n) for n, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    so_far = 0.0
    for rank, (p, n) in enumerate(order):
        so_far = max(so_far, min(p * (len(order) - rank), 1.0))
        found[n] = so_far
    return found
