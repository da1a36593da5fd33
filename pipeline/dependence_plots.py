"""How the risk depends on a feature: its values, what each adds, and what it acts together with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.model import ChurnModel
from pipeline.evaluation_plots import OURS, PLAIN
from pipeline.explaining import Global
from pipeline.plotting import Plot, label, save

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEATURES, ACROSS = 6, 3
MOST_POINTS = 2_000
SPREAD = 0.3
"""By how much points of the same text are spread, so that they do not hide each other."""


def draw_dependence(overall: Global, folder: Path) -> None:
    """Write ``dependence.png``, where there is something to draw."""
    figure = dependence(overall)
    if figure is not None:
        save(figure, folder / "dependence.png")


def dependence(overall: Global) -> Figure | None:
    """The strongest features, coloured by their strongest partner; None where nothing matters."""
    from matplotlib.figure import Figure

    strongest = overall.features[overall.features["mean_abs_shap"] > 0].head(FEATURES)
    if strongest.empty:
        return None
    model, matrix, contributions = _points(overall)
    down = -(-len(strongest) // ACROSS)
    figure = Figure(figsize=(4.4 * ACROSS, 3.4 * down), layout="constrained")
    for number, name in enumerate(strongest["name"]):
        axes = figure.add_subplot(down, ACROSS, number + 1)
        values = contributions[:, model.names.index(name)]
        _dependence(axes, model, matrix, values, name, partner(overall.pairs, name))
    return figure


def strongest_pair(overall: Global) -> Plot | None:
    """How the first feature of the strongest pair acts, coloured by the second; None without one.

    Of the two, the more important one is the first.
    """
    acting = overall.pairs[overall.pairs["mean_abs_interaction"] > 0]
    if acting.empty:
        return None
    pair = {acting["name_1"].iloc[0], acting["name_2"].iloc[0]}
    first, second = [name for name in overall.features["name"] if name in pair]
    model, matrix, contributions = _points(overall)
    values = contributions[:, model.names.index(first)]
    return Plot(
        (7, 4),
        lambda axes: _dependence(axes, model, matrix, values, first, second),
        layout="constrained",
    )


def _points(overall: Global) -> tuple[ChurnModel, np.ndarray, np.ndarray]:
    """The model, and of evenly spread points the matrix and the contributions."""
    explained = overall.explained
    step = max(1, -(-len(explained.frame) // MOST_POINTS))
    matrix = explained.model.matrix(explained.frame.iloc[::step])
    return explained.model, matrix, explained.contributions[::step]


def partner(pairs: pd.DataFrame, name: str) -> str | None:
    """The feature that acts most together with one; None where none does."""
    own = pairs[(pairs["name_1"] == name) | (pairs["name_2"] == name)]
    own = own[own["mean_abs_interaction"] > 0]
    if own.empty:
        return None
    first = own.iloc[0]
    return str(first["name_2"] if first["name_1"] == name else first["name_1"])


def _dependence(
    axes: Axes,
    model: ChurnModel,
    matrix: np.ndarray,
    contributions: np.ndarray,
    name: str,
    other: str | None,
) -> None:
    places, ticks = _places(model, matrix, name)
    points = axes.scatter(
        places, contributions, s=6, linewidths=0, **_colours(model, matrix, other)
    )
    points.set_in_layout(False)
    axes.axhline(0, color="black", linewidth=0.5)
    if ticks:
        tilted = name in model.levels and len(ticks) > 3
        axes.set_xticks([*ticks], [*ticks.values()], rotation=30 if tilted else 0)
    axes.set(xlabel=label(name), ylabel="SHAP in log-odds")
    axes.spines[["top", "right"]].set_visible(False)
    if other is not None:
        bar = axes.figure.colorbar(points, ax=axes, pad=0.01)
        bar.outline.set_visible(False)
        bar.set_label(f"{label(other)} (grey: none)", fontsize=8)
        if told := _codes(model, other):
            bar.set_ticks([*told], labels=[*told.values()], fontsize=8)


def _codes(model: ChurnModel, name: str) -> dict[float, str]:
    """What the numbers of a feature stand for that is a text, or yes and no; else nothing."""
    if name in model.levels:
        return {float(code): label(told) for code, told in enumerate(model.levels[name])}
    unit = model.features[model.names.index(name)]["unit"]
    return {0.0: "no", 1.0: "yes"} if unit == "0 or 1" else {}


def _places(
    model: ChurnModel, matrix: np.ndarray, name: str
) -> tuple[np.ndarray, dict[float, str]]:
    """Where the points lie, and what the axis tells there; those without a value left of all."""
    values = matrix[:, model.names.index(name)].astype(np.float64)
    gaps = np.isnan(values)
    known = values[~gaps]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    ticks = _codes(model, name)
    if ticks:
        # Evenly, not by chance: the same points give the same picture.
        values = values + SPREAD * np.linspace(-1, 1, 41)[np.arange(len(values)) * 17 % 41]
    if gaps.any():
        left = -1.0 if ticks else low - (0.12 * (high - low) or 1.0)
        ticks = ticks or {tick: f"{tick:,.6g}" for tick in _round_numbers(low, high)}
        ticks = {left: "none", **ticks}
        values = np.where(gaps, left, values)
    return values, ticks


def _round_numbers(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    return [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def _colours(model: ChurnModel, matrix: np.ndarray, other: str | None) -> dict[str, Any]:
    """By the partner's values, the middle nine tenths apart; grey where it has none."""
    import matplotlib as mpl

    if other is None:
        return {"color": OURS}
    values = matrix[:, model.names.index(other)].astype(np.float64)
    known = values[~np.isnan(values)]
    if told := _codes(model, other):
        low, high = 0.0, max(*told, 1.0)
    else:
        low, high = np.quantile(known, [0.05, 0.95]) if len(known) else (0.0, 1.0)
    shades = mpl.colormaps["viridis"].with_extremes(bad=PLAIN)
    return {
        "c": values,
        "cmap": shades,
        "plotnonfinite": True,
        "vmin": low,
        "vmax": high if high > low else low + 1.0,
    }
