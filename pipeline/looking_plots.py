"""The plots of the notebooks: those of a training run, and those that only a notebook shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.vectors import LABEL
from models.drivers import Drivers
from models.reliability import reliability
from models.stability import STEADY, Stability
from pipeline import beeswarm, dependence_plots, explanation_plots
from pipeline.evaluation_plots import OURS, PLAIN, reliability_plot
from pipeline.explain import Explained
from pipeline.explaining import Global, at_risk
from pipeline.looking import Look
from pipeline.looking_tables import drivers_at_risk
from pipeline.plotting import Picture, Plot, label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NOTHING = {
    "interactions": "No two features act together: what drives churn adds up.",
    "drivers_over_time": "Nobody is at risk, at none of these cutoffs.",
    "drivers_by_part": "No attribute or text has two values with enough points to compare.",
    "cohorts": "Nobody is at risk, so there is nobody to group.",
}
"""What is said where there is nothing to draw of a plot."""


def overall(found: Global, name: str) -> Picture:
    """A plot of `explanation_plots.plots`, or in words why there is none."""
    plot = explanation_plots.plots(found).get(name)
    return Picture((plot or in_words(NOTHING[name])).figure())


def dependence(found: Global) -> Picture:
    """How the strongest features act."""
    figure = dependence_plots.dependence(found)
    return Picture(figure or in_words("No feature moves the risk.").figure())


def strongest_pair(found: Global) -> Picture:
    """How the two features act that act most together."""
    plot = dependence_plots.strongest_pair(found)
    return Picture((plot or in_words(NOTHING["interactions"])).figure())


def all_points(found: Global) -> Picture:
    """Every point's contribution of the strongest features, as `shap` draws them."""
    return Picture(beeswarm.beeswarm(found.explained))


def churn_over_time(look: Look) -> Picture:
    """The churn rate at each cutoff, with its interval."""
    days = look.config.churn.horizon_days
    return Picture(Plot((9, 3.2), lambda axes: _rates(axes, look.counts, days)).figure())


def levers_and_facts(drivers: Drivers) -> Picture:
    """What raises the risk of those at risk, against a usual customer; facts in grey."""
    found = drivers_at_risk(drivers)
    found = found[found["log_odds"] > 0]
    if found.empty:
        return Picture(in_words("Nothing raises the risk of anybody at risk.").figure())
    return Picture(Plot((8, 0.4 * len(found) + 1.4), lambda axes: _raising(axes, found)).figure())


def history(found: Explained) -> Picture:
    """The scores of one customer, and from where on a customer is at risk."""
    return Picture(Plot((8, 3), lambda axes: _scores(axes, found)).figure())


def calibration(look: Look) -> Picture:
    """Predicted against what happened."""
    labels = look.tested[LABEL].to_numpy(dtype=np.int8)
    return Picture(reliability_plot(reliability(labels, look.probability)).figure())


def steadiness(drivers: Drivers) -> Picture:
    """How many refits agree by how far the first driver is ahead, and how many are how far."""
    known, rows = drivers.explanation.model.stability, at_risk(drivers)
    if known is None or not rows.any():
        return Picture(in_words("Nobody knows how steady the reasons are.").figure())
    ahead = drivers.gap[rows]
    return Picture(Plot((8, 3.4), lambda axes: _agreement(axes, known, ahead)).figure())


def in_words(text: str) -> Plot:
    """What stands where there is nothing to draw."""

    def write(axes: Axes) -> None:
        axes.text(0.5, 0.5, text, ha="center", va="center", color="#555555")
        axes.set_axis_off()

    return Plot((8, 1), write)


def _rates(axes: Axes, counts: pd.DataFrame, days: int) -> None:
    axes.fill_between(
        counts.index, 100 * counts["low"], 100 * counts["high"], color=OURS, alpha=0.2
    )
    axes.plot(counts.index, 100 * counts["churn_rate"], color=OURS, marker="o", markersize=3)
    axes.set_ylim(0)
    axes.set(ylabel="% that churned, 95 % interval", title=f"Churn within {days} days of the date")
    axes.tick_params("x", rotation=30)


def _raising(axes: Axes, found: pd.DataFrame) -> None:
    places = np.arange(len(found))[::-1]
    for kind, colour in (("lever", OURS), ("fact", PLAIN)):
        own = (found["kind"] == kind).to_numpy()
        axes.barh(places[own], found.loc[own, "log_odds"], color=colour, label=f"{kind}s")
    axes.set_yticks(places, [label(name) for name in found.index])
    axes.set(
        xlabel="log-odds that it adds for customers at risk, mean",
        title="What makes customers at risk riskier than a usual one",
    )
    axes.legend(frameon=False, loc="lower right")


def _scores(axes: Axes, found: Explained) -> None:
    days = np.array([day for day, _ in found.history], dtype="datetime64[D]")
    axes.plot(days, [100 * p for _, p in found.history], color=OURS, marker="o", markersize=4)
    axes.axhline(100 * found.at_risk_from, color=PLAIN, linestyle="--", label="at risk from here")
    axes.set_ylim(0)
    axes.set(ylabel="probability of churn, %", title=label(f"{found.customer_id} over time"))
    axes.tick_params("x", rotation=30)
    axes.legend(frameon=False)


def _agreement(axes: Axes, known: Stability, ahead: np.ndarray) -> None:
    most = max(float(np.quantile(ahead, 0.99)), 0.1)
    shown = np.linspace(0, most, 200)
    axes.hist(np.minimum(ahead, most), bins=30, range=(0, most), color="#d5dde6")
    axes.set(
        xlabel="log-odds by which the first driver is ahead of the second",
        ylabel="points at risk",
        title="How steady is the first driver?",
    )
    beside = axes.twinx()
    beside.plot(shown, 100 * known.share(shown), color=OURS)
    beside.axhline(100 * STEADY, color=PLAIN, linestyle="--")
    beside.set(ylabel="% of refits that agree", ylim=(0, 102))
    beside.spines["top"].set_visible(False)
