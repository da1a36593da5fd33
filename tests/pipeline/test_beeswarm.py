"""The plot of all points leaves nothing behind."""

from __future__ import annotations

import io

import numpy as np

from pipeline.beeswarm import beeswarm
from pipeline.plotting import save


def png(explained) -> bytes:
    file = io.BytesIO()
    save(beeswarm(explained), file)
    return file.getvalue()


def test_it_is_the_same_every_time_and_leaves_chance_and_pyplot_alone(small_explanation):
    import matplotlib.pyplot as plt

    np.random.seed(5)
    first = png(small_explanation)
    drawn = np.random.random()
    np.random.seed(5)
    assert np.random.random() == drawn
    assert png(small_explanation) == first
    assert len(first) > 10_000
    assert plt.get_fignums() == []
