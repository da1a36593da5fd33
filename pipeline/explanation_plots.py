"""Plots of what moves the risk: importances, pairs, drivers by part and over time, cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.shifts import Reasons
from pipeline.evaluation_plots import OURS
from pipeline.explaining import CUTOFF, Global
from pipeline.plotting import Plot, label, save

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_FEATURES, MOST_IN_PAIRS, MOST_PARTS = 15, 10, 24
COLOURS = (*(OURS, "#d1783c", "#5b9a5b", "#b5495b", "#8069a8", "#3f9c9c", "#c2a13a", "#8c6d53"),)
"""Of the drivers, in their order; of more than eight they begin again."""
LOG_ODDS = "mean |SHAP| in log-odds"


def draw(overall: Global, folder: Path) -> None:
    """Write a file for each plot that there is something to draw of."""
    for name, plot in plots(overall).items():
        save(plot.figure(), folder / f"{name}.png")


def plots(overall: Global) -> dict[str, Plot]:
    """By name the plots that there is something to draw of.

    ``drivers``, ``importance``, ``interactions``, ``drivers_over_time``, ``drivers_by_part`` and
    ``cohorts``.
    """
    drivers, features = overall.drivers, overall.features.head(MOST_FEATURES)
    found = {
        "drivers": Plot(
            (7, 0.4 * len(drivers) + 1.2),
            lambda axes: _bars(axes, drivers["group"], drivers, "What moves the risk of churn"),
        ),
        "importance": Plot(
            (9, 0.32 * len(features) + 1.2),
            lambda axes: _bars(axes, features["name"], features, "The strongest features"),
        ),
    }
    names = _strongest(overall.pairs)
    if len(names) > 1:
        found["interactions"] = Plot((9, 7.5), lambda axes: _pairs(axes, overall.pairs, names))
    if any(overall.reasons.at_risk.values()):
        width = max(6.0, 0.5 * len(overall.reasons.at_risk) + 3.5)
        found["drivers_over_time"] = Plot(
            (width, 4.5), lambda axes: _over_time(axes, overall.reasons)
        )
    parts = overall.parts[overall.parts["of"] != CUTOFF]
    if len(parts):
        found["drivers_by_part"] = Plot(_size(parts), lambda axes: _parts(axes, parts))
    if overall.cohorts:
        height = 0.55 * len(overall.cohorts) + 2
        found["cohorts"] = Plot((10, height), lambda axes: _cohorts(axes, overall))
    return found


def _bars(axes: Axes, names: pd.Series, found: pd.DataFrame, title: str) -> None:
    """Mean |SHAP| with its interval, the largest on top."""
    sizes = found["mean_abs_shap"].to_numpy()
    errors = [np.clip(sizes - found["low"], 0, None), np.clip(found["high"] - sizes, 0, None)]
    places = np.arange(len(found))[::-1]
    axes.barh(places, sizes, color=OURS)
    axes.errorbar(sizes, places, xerr=errors, fmt="none", ecolor="black", elinewidth=1, capsize=2)
    axes.set_yticks(places, [label(name) for name in names])
    axes.set(xlabel=f"{LOG_ODDS}, 95 % interval", title=title)


def _strongest(pairs: pd.DataFrame) -> list[str]:
    """The features of the strongest pairs, in the order in which they come."""
    both = pairs.loc[pairs["mean_abs_interaction"] > 0, ["name_1", "name_2"]]
    return [*dict.fromkeys(both.to_numpy().ravel())][:MOST_IN_PAIRS]


def _pairs(axes: Axes, pairs: pd.DataFrame, names: Sequence[str]) -> None:
    """How much two features do together, beyond what each does alone."""
    place = {name: number for number, name in enumerate(names)}
    here = pairs[pairs["name_1"].isin(names) & pairs["name_2"].isin(names)]
    strength = np.full((len(names), len(names)), np.nan)
    for one, other, size in zip(
        here["name_1"], here["name_2"], here["mean_abs_interaction"], strict=True
    ):
        low, high = sorted((place[one], place[other]))
        strength[high, low] = size
    # Half of the table, without the pairs of a feature with itself.
    strength = strength[1:, :-1]
    largest = float(np.nanmax(strength))
    told = [label(name) for name in names]
    _heat(axes, strength, told[1:], told[:-1], map_="Blues", largest=largest)
    axes.set_title("Which features act together: mean |SHAP interaction| in log-odds")


def _over_time(axes: Axes, reasons: Reasons) -> None:
    """Of the customers, how many are at risk, by their first driver; stacked by cutoff."""
    times = list(reasons.customers)
    below = np.zeros(len(times))
    newest = {one.group for one in reasons.became}
    for number, (group, shares) in enumerate(reasons.shares.items()):
        led = np.array(
            [
                shares[time] * reasons.at_risk[time] / max(reasons.customers[time], 1)
                for time in times
            ]
        )
        if led.any():
            told = f"{group} (more than before)" if group in newest else group
            colour = COLOURS[number % len(COLOURS)]
            axes.bar(times, 100 * led, bottom=100 * below, color=colour, width=0.6, label=told)
        below += led
    axes.set(ylabel="% of customers at risk, by first driver", title="Why customers are at risk")
    axes.set_xlim(-0.6, len(times) - 0.4)
    if len(times) > 6:
        axes.tick_params("x", rotation=90)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], frameon=False, loc="center left", bbox_to_anchor=(1, 0.5)
    )


def _size(parts: pd.DataFrame) -> tuple[float, float]:
    rows = len(parts.drop_duplicates(["of", "part"]))
    return 9, 0.34 * min(rows, MOST_PARTS) + 2


def _parts(axes: Axes, parts: pd.DataFrame) -> None:
    """How much each driver moves the risk in each part."""
    groups = [*dict.fromkeys(parts["group"])]
    first = parts.iloc[:: len(groups)].head(MOST_PARTS)
    named = zip(first["of"], first["part"], first["points"], strict=True)
    rows = [f"{label(of)} = {label(part)} ({points:,})" for of, part, points in named]
    sizes = parts["mean_abs_shap"].to_numpy().reshape(-1, len(groups))[: len(rows)]
    _heat(axes, sizes, rows, groups, map_="Blues", largest=float(sizes.max()))
    axes.set_title(f"What moves the risk of whom: {LOG_ODDS} (points)")


def _cohorts(axes: Axes, overall: Global) -> None:
    """What raises and lowers the risk of each cohort."""
    groups = list(overall.cohorts[0].contributions)
    rows = [_described(one.name, one.size, one.mean_probability) for one in overall.cohorts]
    means = np.array([[one.contributions[group] for group in groups] for one in overall.cohorts])
    largest = float(np.abs(means).max())
    _heat(axes, means, rows, groups, map_="RdBu_r", largest=largest, smallest=-largest)
    axes.set_title("Customers at risk for the same reason: log-odds beyond a usual customer's")


def _described(name: str, size: int, probability: float) -> str:
    return f"{name}\n{size:,} customers, {probability:.0%} expected to leave"


def _heat(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    map_: str,
    largest: float,
    smallest: float = 0.0,
) -> None:
    """A table whose cells are the darker, the further they are from 0; NaN stays empty."""
    largest = largest or 1.0
    axes.imshow(values, cmap=map_, vmin=1.15 * smallest, vmax=1.15 * largest, aspect="auto")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks(range(len(columns)), list(columns), rotation=40, ha="right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value) and abs(value) >= 0.02 * largest:
            colour = "white" if abs(value) > 0.65 * largest else "#333333"
            told = f"{value:.2g}" if largest < 0.1 else f"{value:.2f}"
            text = axes.text(column, row, told, ha="center", va="center", fontsize=8, color=colour)
            # It lies within its cell: to measure hundreds of them for the layout takes long.
            text.set_in_layout(False)
