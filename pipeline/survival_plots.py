"""Plots of cohorts, survival and the forecast, of what ``kpis.json`` holds of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.plotting import DISTINCT, Plot, in_percent, in_whole, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, PLAIN = "#3b6ea5", "#999999"
MOST_LINES = len(DISTINCT)
MOST_NAMED = 12
MOST_WRITTEN = 13
"""A triangle of so many months or fewer has its shares written into it."""
SURE = 0.05
MONTH = 365.25 / 12


def plots_of(values: Mapping[str, Any]) -> Iterator[tuple[str, Plot]]:
    """``cohorts``, ``survival``, one by group, and ``forecast``, with their names.

    `values` holds what the sections found, by name; what there is nothing of is not drawn.
    """
    cohorts, survival, forecast = (
        values.get(name, {}) for name in ("cohorts", "survival", "forecast")
    )
    if any(row["customers"] and len(row["kept"]) > 1 for row in cohorts.get("cohorts", ())):
        yield "cohorts", cohorts_plot(cohorts)
    if survival.get("all", {}).get("months"):
        yield "survival", survival_plot(survival["all"])
    for one in survival.get("by", ()):
        if any(group["months"] for group in one["groups"]):
            yield f"survival_{one['by']}", groups_plot(one)
    if forecast.get("ahead"):
        yield "forecast", forecast_plot(forecast)


def survival_plot(everybody: Mapping[str, Any]) -> Plot:
    """The share still there by months, with its 95 % interval."""
    title = _half(everybody)
    return Plot((7, 4.2), lambda axes: _curves(axes, [everybody], title), layout="constrained")


def groups_plot(grouping: Mapping[str, Any]) -> Plot:
    """The same of the largest groups, in the order in which their lines end."""
    told = [group for group in grouping["groups"] if group["months"]]
    largest = sorted(told, key=lambda group: -group["customers"])[:MOST_LINES]
    last = min(group["months"][-1] for group in largest)
    ordered = sorted(largest, key=lambda group: -_share_at(group, last))
    title = _differ(grouping)
    return Plot((7, 4.2), lambda axes: _curves(axes, ordered, title), layout="constrained")


def cohorts_plot(values: Mapping[str, Any]) -> Plot:
    """The triangle of who is still there, the darker the more; small cohorts with a wave."""
    rows = [row for row in values["cohorts"] if row["customers"]]
    size = (8, max(2.2, min(4.5, 1.4 + 0.32 * len(rows))))
    title = _kept(values)
    return Plot(size, lambda axes: _triangle(axes, rows, title), layout="constrained")


def forecast_plot(values: Mapping[str, Any]) -> Plot:
    """How many are expected to be gone after each month, with the interval."""
    return Plot((6, 3.8), lambda axes: _ahead(axes, values), layout="constrained")


def _half(everybody: Mapping[str, Any]) -> str:
    """When half have left; where that is not told yet, how many stayed so far."""
    if everybody["median_days"] is not None:
        months = everybody["median_days"] / MONTH
        return f"Half of the customers have left after {months:.1f} months"
    last = everybody["months"][-1]
    return f"{everybody['share'][-1]:.0%} of the customers are still there after {last} months"


def _differ(grouping: Mapping[str, Any]) -> str:
    by, p_value = label(grouping["by"]), grouping["p_value_holm"]
    if p_value is None:
        return f"How long customers stay, by {by}"
    sure = "differences beyond chance" if p_value < SURE else "no difference beyond chance"
    return f"How long customers stay, by {by}: {sure}"


def _share_at(group: Mapping[str, Any], month: int) -> float:
    """The share still there at a month, or at the first one that is told after it."""
    place = int(np.searchsorted(group["months"], month))
    share: float = group["share"][min(place, len(group["share"]) - 1)]
    return share


def _curves(axes: Axes, groups: Sequence[Mapping[str, Any]], title: str) -> None:
    for group, (colour, style) in zip(groups, DISTINCT, strict=False):
        months, name = group["months"], group["group"]
        told = None if name is None else f"{label(name)} ({group['customers']:,})"
        axes.plot(
            months,
            group["share"],
            color=colour,
            linestyle=style,
            marker="o" if len(months) == 1 else None,
            label=told,
        )
        axes.fill_between(
            months, group["share_low"], group["share_high"], color=colour, alpha=0.12, linewidth=0
        )
    axes.axhline(0.5, color=PLAIN, linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="months since becoming a customer",
        ylabel="still there, 95 % interval",
        title=title,
        ylim=(0, 1.02),
    )
    in_percent(axes.yaxis)
    in_whole(axes.xaxis)
    if any(group["group"] is not None for group in groups):
        axes.legend(frameon=False)


def _kept(values: Mapping[str, Any]) -> str:
    """How many of a hundred new customers are still there at two ages."""
    mean = values["kept"]
    ages = [age for age in (3, 12) if age < len(mean) and mean[age] is not None]
    told = [f"{100 * mean[age]:.0f} after {age} months" for age in ages]
    if not told:
        return "Share of each month's new customers still there"
    return f"Still there, of 100 new customers: {', '.join(told)}"


def _triangle(axes: Axes, cohorts: Sequence[Mapping[str, Any]], title: str) -> None:
    longest = max(len(row["kept"]) for row in cohorts)
    cells = np.full((len(cohorts), longest), np.nan)
    for n, row in enumerate(cohorts):
        cells[n, : len(row["kept"])] = [np.nan if one is None else one for one in row["kept"]]
    shown = axes.imshow(np.ma.masked_invalid(cells), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    step = -(-len(cohorts) // MOST_NAMED)
    names = [str(row["month"])[:7] + (" ~" if row["small"] else "") for row in cohorts]
    axes.set_yticks(range(0, len(cohorts), step), names[::step])
    if longest <= MOST_WRITTEN:
        for (row, column), share in np.ndenumerate(cells):
            if not np.isnan(share):
                colour = "white" if share > 0.6 else "black"
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
    in_whole(axes.xaxis)
    small = "; ~ few customers" if any(row["small"] for row in cohorts) else ""
    axes.set(xlabel=f"firsts of a month since they came{small}", ylabel="came in", title=title)
    in_percent(axes.figure.colorbar(shown, ax=axes, label="still there").ax.yaxis)


def _ahead(axes: Axes, values: Mapping[str, Any]) -> None:
    told = [one["churned"] for one in values["ahead"]]
    expected = [one["expected"] for one in told]
    below = [max(one["expected"] - one["low"], 0) for one in told]
    above = [max(one["high"] - one["expected"], 0) for one in told]
    names = [f"until {one['until']}\n{one['churned']['expected']:,.0f}" for one in values["ahead"]]
    axes.bar(names, expected, width=0.6, yerr=[below, above], color="#a9c1dc", capsize=4)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    until = values["ahead"][-1]["until"]
    axes.set(
        ylabel="customers gone, 95 % interval",
        title=f"{expected[-1]:,.0f} of {values['customers']:,} are expected to leave by {until}",
    )
