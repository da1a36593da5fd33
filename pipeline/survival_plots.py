"""Plots of cohorts, survival and the forecast, of what ``kpis.json`` holds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.plotting import Plot, label, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, PLAIN = "#3b6ea5", "#999999"
LINES = ("#3b6ea5", "#b5433b", "#5b8c5a", "#8a6fae", "#c98b2b", "#4aa3a2", "#777777")
MOST_LINES = len(LINES)
MOST_NAMED = 12
TITLE = "How long customers stay"


def draw(values: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a picture of each: ``cohorts.png``, ``survival.png``, one by group, ``forecast.png``.

    `values` holds what the sections found, by name; what there is nothing of is not drawn.
    """
    cohorts, survival, forecast = (
        values.get(name, {}) for name in ("cohorts", "survival", "forecast")
    )
    plots = {}
    if any(len(row["kept"]) > 1 for row in cohorts.get("cohorts", ())):
        plots["cohorts"] = cohorts_plot(cohorts)
    if survival.get("all", {}).get("months"):
        plots["survival"] = survival_plot([survival["all"]], TITLE)
    for one in survival.get("by", ()):
        name = "".join(c if c.isalnum() else "_" for c in one["by"])
        plots[f"survival_{name}"] = survival_plot(one["groups"], f"{TITLE}, by {one['by']}")
    if forecast.get("ahead"):
        plots["forecast"] = forecast_plot(forecast)
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in plots.items():
        save(plot.figure(), folder / f"{name}.png")
    return [folder / f"{name}.png" for name in plots]


def survival_plot(groups: Sequence[Mapping[str, Any]], title: str) -> Plot:
    """The share still there by months, with its 95 % interval; the largest groups."""
    told = [group for group in groups if group["months"]]
    largest = sorted(told, key=lambda group: -group["customers"])[:MOST_LINES]
    return Plot((6.5, 4.2), lambda axes: _curves(axes, largest, title), layout="constrained")


def cohorts_plot(values: Mapping[str, Any]) -> Plot:
    """The triangle of who is still there, the darker the more; small cohorts with a wave."""
    return Plot((7, 4.5), lambda axes: _triangle(axes, values["cohorts"]), layout="constrained")


def forecast_plot(values: Mapping[str, Any]) -> Plot:
    """How many are expected to be gone after each month, with the interval."""
    return Plot((5, 3.6), lambda axes: _ahead(axes, values["ahead"]), layout="constrained")


def _curves(axes: Axes, groups: Sequence[Mapping[str, Any]], title: str) -> None:
    for group, colour in zip(groups, LINES, strict=False):
        months, name = group["months"], group["group"]
        axes.plot(months, group["share"], color=colour, label=None if name is None else label(name))
        axes.fill_between(
            months, group["share_low"], group["share_high"], color=colour, alpha=0.15, linewidth=0
        )
    axes.axhline(0.5, color=PLAIN, linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="months since becoming a customer",
        ylabel="share still there, 95 % interval",
        title=label(title),
        ylim=(0, 1.02),
    )
    if any(group["group"] is not None for group in groups):
        axes.legend(frameon=False)


def _triangle(axes: Axes, cohorts: Sequence[Mapping[str, Any]]) -> None:
    longest = max(len(row["kept"]) for row in cohorts)
    cells = np.full((len(cohorts), longest), np.nan)
    for n, row in enumerate(cohorts):
        cells[n, : len(row["kept"])] = [np.nan if one is None else one for one in row["kept"]]
    shown = axes.imshow(np.ma.masked_invalid(cells), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    step = -(-len(cohorts) // MOST_NAMED)
    names = [str(row["month"])[:7] + (" ~" if row["small"] else "") for row in cohorts]
    axes.set_yticks(range(0, len(cohorts), step), names[::step])
    axes.set(
        xlabel="months since they came", title="Share of each month's new customers still there"
    )
    axes.figure.colorbar(shown, ax=axes)


def _ahead(axes: Axes, ahead: Sequence[Mapping[str, Any]]) -> None:
    told = [one["churned"] for one in ahead]
    expected = [one["expected"] for one in told]
    below = [max(one["expected"] - one["low"], 0) for one in told]
    above = [max(one["high"] - one["expected"], 0) for one in told]
    names = [f"until {one['until']}" for one in ahead]
    axes.bar(names, expected, yerr=[below, above], color=OURS, capsize=4, ecolor=PLAIN)
    axes.set(ylabel="customers gone, 95 % interval", title="Expected departures")
