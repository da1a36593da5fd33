"""Plots of a model's figures: reliability, gains, profit, value, and the points score beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.one_score import segments_of
from pipeline.plotting import Plot, label, save
from pipeline.verdict import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipeline.one_score import Segment

OURS, PLAIN = "#3b6ea5", "#999999"
MOST_SEGMENTS = 24
STYLES = {
    "logistic_regression": "-",
    "points_score": "--",
    "recency": "-.",
    "base_rate": ":",
}


def draw(metrics: Mapping[str, Any], folder: Path) -> None:
    """Write the plots of reliability, gains, profit, value and the points score, as far as there
    are figures.
    """
    curves = metrics["curves"]
    found = {"reliability": reliability_plot(metrics["reliability"])}
    if curves["recall"]:
        found["gains"] = _plot(_gains, curves)
    if curves["profit"]:
        found["profit"] = _plot(_profit, curves)
    if metrics.get("value", {}).get("deciles"):
        found["value"] = value_plot(metrics["value"])
    if metrics.get("points_score"):
        found["points_score"] = points_score_plot(metrics["points_score"])
    for name, plot in found.items():
        save(plot.figure(), folder / f"{name}.png")


def reliability_plot(bins: list[dict[str, Any]]) -> Plot:
    """Churn rate by prediction, of what `models.reliability.reliability` found."""
    return _plot(_reliability, bins)


def value_plot(checked: Mapping[str, Any]) -> Plot:
    """Margin that came by the margin expected, of what `pipeline.value_checking` found."""
    return _plot(_value, checked)


def points_score_plot(found: Mapping[str, Any]) -> Plot:
    """AUC of the points score and of the model by segment, of ``metrics["points_score"]``."""
    told = [one for one in segments_of(found) if one.behind is not None][:MOST_SEGMENTS]
    size = (7.0, 1.5 + 0.27 * len(told))
    return Plot(size, lambda axes: _behind(axes, told), layout="constrained")


def _plot(drawing: Callable[[Axes, Any], None], values: Any) -> Plot:
    return Plot((6, 4.5), lambda axes: drawing(axes, values), layout="constrained")


def _reliability(axes: Axes, bins: list[Mapping[str, Any]]) -> None:
    """Churn rate by prediction, each with its interval, beside what would be right."""
    expected = [b["mean_prediction"] for b in bins]
    rates = [b["rate"] for b in bins]
    below = [max(b["rate"] - b["low"], 0) for b in bins]
    above = [max(b["high"] - b["rate"], 0) for b in bins]
    most = max(*expected, *[b["high"] for b in bins]) * 1.05
    axes.plot([0, most], [0, most], color=PLAIN, linewidth=1, label="as predicted")
    axes.errorbar(
        expected, rates, yerr=[below, above], fmt="o-", color=OURS, capsize=3, label="observed"
    )
    axes.set(
        xlabel="predicted probability (mean of equally many points)",
        ylabel="share that churned, 95 % interval",
        title="Do the probabilities mean what they say?",
    )
    axes.legend(frameon=False)


def _gains(axes: Axes, curves: Mapping[str, Any]) -> None:
    """Cumulative gains: of the churners, how many are among the top share."""
    _lines(axes, curves["share"], curves["recall"])
    axes.set(
        xlabel="share of customers, riskiest first",
        ylabel="share of the churners among them",
        title="How many churners are found?",
    )


def _profit(axes: Axes, curves: Mapping[str, Any]) -> None:
    """Profit by share contacted, the most profitable first."""
    per_thousand = {name: [1000 * p for p in line] for name, line in curves["profit"].items()}
    _lines(axes, curves["share"], per_thousand)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(
        xlabel="share of customers contacted, by expected profit",
        ylabel="profit per 1,000 customers",
        title="What does contacting earn?",
    )


def _value(axes: Axes, checked: Mapping[str, Any]) -> None:
    """Each tenth of customers: what was expected of them, and what they brought."""
    tenths = checked["deciles"]
    expected = [tenth["expected"] for tenth in tenths]
    came = [tenth["realised"] for tenth in tenths]
    errors = [1.96 * tenth["standard_error"] for tenth in tenths]
    most = max(*expected, *came) * 1.05
    axes.plot([0, most], [0, most], color=PLAIN, linewidth=1, label="as expected")
    axes.errorbar(expected, came, yerr=errors, fmt="o-", color=OURS, capsize=3, label="came")
    axes.set(
        xlabel=f"margin expected of a customer in {checked['months']} months (mean of a tenth)",
        ylabel="margin that came, 95 % interval",
        title="Do customers bring what they are said to be worth?",
    )
    axes.legend(frameon=False)


def _behind(axes: Axes, segments: Sequence[Segment]) -> None:
    """A line from the score's AUC to the model's, the first segment on top."""
    places = range(len(segments))[::-1]
    for who, marker, colour, told in (
        ("points_score", "s", PLAIN, "points score"),
        ("model", "o", OURS, "this model"),
    ):
        aucs = [one.figures[who]["auc"] for one in segments]
        axes.scatter(aucs, places, marker=marker, color=colour, label=told, zorder=2)
    for place, one in zip(places, segments, strict=True):
        edges = [one.figures[who]["auc"] for who in ("points_score", "model")]
        axes.plot(edges, [place, place], color=PLAIN, linewidth=1, zorder=1)
    axes.axvline(0.5, color="black", linewidth=0.5, linestyle=":")
    churned = [one.figures["churned"] for one in segments]
    names = [f"{label(one.name)} ({n:,})" for one, n in zip(segments, churned, strict=True)]
    axes.set_yticks(places, names)
    axes.set(
        xlabel="AUC (0.5 is chance); in brackets who churned",
        title="Where does one score for all fall behind?",
    )
    axes.legend(frameon=False)


def _lines(axes: Axes, shares: list[float], lines: Mapping[str, list[float]]) -> None:
    axes.plot(shares, lines["model"], color=OURS, linewidth=2, label="this model")
    for name, told in NAMES.items():
        if name in lines:
            axes.plot(shares, lines[name], STYLES[name], color=PLAIN, linewidth=1, label=told)
    axes.legend(frameon=False)
