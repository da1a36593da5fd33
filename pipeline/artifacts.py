"""The files of a training run: metrics, test predictions, importances, plots, the catalogue."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.points import CutoffCount
from models.explanation import Explanation
from pipeline import evaluation_plots
from pipeline.config import Config
from pipeline.files import to_json, whole_folder, write_parquet

if TYPE_CHECKING:
    import pandas as pd

MOST_SHOWN = 15


def write(
    folder: Path,
    *,
    config: Config,
    metrics: Mapping[str, Any],
    explained: Explanation,
    predictions: pd.DataFrame,
    counts: Sequence[CutoffCount],
    accounts: Mapping[str, Any],
    texts: Mapping[str, str],
) -> Path:
    """Write everything about a run into a folder, whole or not at all; returns the folder.

    `texts` are further files, by name.
    """
    with whole_folder(folder) as draft:
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        (draft / "metrics.json").write_text(to_json(metrics) + "\n", encoding="utf-8")
        (draft / "config.json").write_text(to_json(config.as_shown()) + "\n", encoding="utf-8")
        (draft / "tables.json").write_text(to_json(accounts) + "\n", encoding="utf-8")
        (draft / "points.json").write_text(
            to_json([asdict(count) for count in counts]) + "\n", encoding="utf-8"
        )
        write_parquet(predictions, draft / "test_predictions.parquet")
        write_parquet(_catalogue(explained), draft / "features.parquet")
        _plots(explained, draft)
        evaluation_plots.draw(metrics, draft)
    return folder


def _catalogue(explained: Explanation) -> pd.DataFrame:
    """Every feature with its meaning and its importance, the most important first."""
    import pandas as pd

    importance = explained.importance()
    frame = pd.DataFrame(list(explained.model.features))
    frame["mean_abs_shap"] = [importance[name] for name in frame["name"]]
    return frame.sort_values(["mean_abs_shap", "name"], ascending=[False, True])


def _plots(explained: Explanation, folder: Path) -> None:
    """The importance of drivers, and the SHAP values of the strongest features."""
    import numpy as np
    import shap
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drivers = explained.group_importance()
    figure = Figure(figsize=(7, 0.4 * len(drivers) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(list(drivers)[::-1], list(drivers.values())[::-1], color="#3b6ea5")
    axes.set_xlabel("mean |SHAP| in log-odds")
    axes.set_title("What moves the risk of churn")
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(str(folder / "drivers.png"))

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # The plot spreads its points with numpy's global generator.
    np.random.seed(0)
    plt.figure()
    with warnings.catch_warnings():
        # A feature without a value in these rows is drawn grey.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        shap.plots.beeswarm(
            explained.for_plots(), max_display=MOST_SHOWN, show=False, plot_size=(9, 6)
        )
    plt.savefig(folder / "features.png", dpi=110, bbox_inches="tight")
    plt.close("all")
