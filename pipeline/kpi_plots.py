"""Plots of key figures, of what ``kpis.json`` holds: churn over time, and what moved revenue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.plotting import Plot, label, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, RUNNING, PLAIN = "#3b6ea5", "#a9c1dc", "#999999"
GAINS = {"new": "#3b6ea5", "expansion": "#7fa8d1", "reactivated": "#b7cfe6"}
LOSSES = {"churned": "#b5433b", "contraction": "#dd9a94"}
MOST_NAMED = 12
"""So many periods have their names beneath; of more every second, third … has."""

Periods = Sequence[Mapping[str, Any]]


def draw(periods: Periods, folder: Path) -> list[Path]:
    """Write ``churn_rate.png`` and, for each currency, ``revenue….png``; what there is nothing of
    is not drawn.
    """
    plots = {}
    if any(one["churn_rate"] is not None for one in periods):
        plots["churn_rate"] = churn_rate_plot(periods)
    for currency in currencies(periods):
        name = f"revenue_{currency}" if currency else "revenue"
        plots["".join(c if c.isalnum() else "_" for c in name)] = revenue_plot(periods, currency)
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in plots.items():
        save(plot.figure(), folder / f"{name}.png")
    return [folder / f"{name}.png" for name in plots]


def currencies(periods: Periods) -> list[str | None]:
    """The currencies of the revenue, in order."""
    return list(dict.fromkeys(money["currency"] for one in periods for money in one["revenue"]))


def churn_rate_plot(periods: Periods) -> Plot:
    """The churn rate of each period with its 95 % interval; a running one is pale."""
    return Plot((7, 4), lambda axes: _rates(axes, periods), layout="constrained")


def revenue_plot(periods: Periods, currency: str | None = None) -> Plot:
    """What each period gained and lost in one currency, and what there was at its end."""
    return Plot((7, 4), lambda axes: _movements(axes, periods, currency), layout="constrained")


def _rates(axes: Axes, periods: Periods) -> None:
    there = [one for one in periods if one["churn_rate"] is not None]
    for n, one in enumerate(there):
        rate = one["churn_rate"]
        # The interval's edges may miss the rate by a rounding.
        spread = [
            [max(rate - one["churn_rate_low"], 0)],
            [max(one["churn_rate_high"] - rate, 0)],
        ]
        color = OURS if one["complete"] else RUNNING
        axes.errorbar([n], [rate], yerr=spread, fmt="o", color=color, capsize=3)
    axes.plot([one["churn_rate"] for one in there], color=OURS, linewidth=1, zorder=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _name(axes, there)
    axes.set(ylabel="of the customers at its start, 95 % interval", title="Churn rate by period")


def _movements(axes: Axes, periods: Periods, currency: str | None) -> None:
    found = [
        (one, money) for one in periods for money in one["revenue"] if money["currency"] == currency
    ]
    for kinds, sign in ((GAINS, 1), (LOSSES, -1)):
        base = [0.0] * len(found)
        for name, color in kinds.items():
            height = [sign * money[name] for _, money in found]
            axes.bar(range(len(found)), height, bottom=base, color=color, label=name)
            base = [b + h for b, h in zip(base, height, strict=True)]
    net = [money["end"] - money["start"] for _, money in found]
    axes.plot(net, "o-", color="black", markersize=3, linewidth=1, label="all together")
    axes.axhline(0, color="black", linewidth=0.5)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _name(axes, [one for one, _ in found])
    axes.set(ylabel=label(currency or "money"), title="What moved revenue")
    axes.legend(frameon=False, ncols=3, fontsize="small")


def _name(axes: Axes, periods: Periods) -> None:
    every = max(-(-len(periods) // MOST_NAMED), 1)
    places = range(0, len(periods), every)
    names = [str(periods[n]["start"])[:7] for n in places]
    axes.set_xticks(list(places), names, rotation=45, ha="right")
