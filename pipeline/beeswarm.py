"""The SHAP values of the strongest features, point by point, as `shap` draws them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from models.explanation import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 15


def beeswarm(explained: Explanation) -> Figure:
    """On a figure of its own, whatever the backend of matplotlib; the same every time."""
    import shap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    # The plot spreads its points with numpy's global generator, which may be somebody else's.
    before = np.random.get_state()
    np.random.seed(0)
    try:
        with warnings.catch_warnings():
            # A feature without a value in these rows is drawn grey.
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            shap.plots.beeswarm(
                explained.for_plots(),
                max_display=MOST_SHOWN,
                ax=figure.add_subplot(),
                plot_size=None,
                show=False,
            )
    finally:
        np.random.set_state(before)
    return figure
