"""What counts as the same vectors on two engines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.engines import Disagreement, difference

OURS = pd.DataFrame({"customer_id": ["a", "b"], "count": [3.0, np.nan], "plan": ["x", None]})


def test_equal_vectors_do_not_differ():
    assert difference(OURS, OURS.copy(), "world") == 0


def test_the_largest_difference_is_relative():
    theirs = OURS.assign(count=[3.0 * (1 + 4e-10), np.nan])
    assert difference(OURS, theirs, "world") == pytest.approx(4e-10, rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"count": [3.00001, np.nan]},
        {"count": [3.0, 0.0]},
        {"count": [np.nan, np.nan]},
        {"plan": ["x", "y"]},
        {"customer_id": ["a", "c"]},
    ],
)
def test_what_differs_is_named(change):
    with pytest.raises(Disagreement, match=f"world: {next(iter(change))}$"):
        difference(OURS, OURS.assign(**change), "world")
