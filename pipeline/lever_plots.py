"""Plots of levers: payments recovered by day, churn before the term's end, and excess churn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from models.exposure import Excess
from pipeline.evaluation_plots import OURS, PLAIN
from pipeline.lever_recovery import PERIODS, Recovery
from pipeline.lever_renewals import NearEnd
from pipeline.lever_words import Rate
from pipeline.levers import Levers
from pipeline.plotting import DISTINCT, Plot, in_percent, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.5, 4.2)
LAST_DAY = 60


def plots_of(result: Levers) -> dict[str, Plot]:
    """By the name of its file, each plot that there are figures for."""
    found = {}
    if result.recovery is not None:
        found["recovery"] = recovery_plot(result.recovery)
    if result.renewals is not None:
        for period, near in result.renewals.near.items():
            found[f"renewals_{period}"] = renewal_plot(near, period)
    excess = {name: one for name, one in excesses(result).items() if one is not None}
    if excess:
        found["levers"] = excess_plot(excess)
    return found


def excesses(result: Levers) -> dict[str, Excess | None]:
    """The excess churn of each lever, by what it is that befell customers."""
    found: dict[str, Excess | None] = {}
    if result.recovery is not None:
        found["open invoice"] = result.recovery.excess
    if result.renewals is not None:
        found |= {f"renews by hand, {n}": one for n, one in result.renewals.excess.items()}
    if result.onboarding is not None:
        found["did least at first"] = result.onboarding.excess
    if result.support is not None:
        found["ticket went badly"] = result.support.excess
    if result.prices is not None:
        found |= {f"price rose {one.what}": one.excess for one in result.prices.by_weeks}
    return found


def recovery_plot(found: Recovery) -> Plot:
    """The share of failed invoices recovered by day since the first failure."""

    def draw(axes: Axes) -> None:
        last = max(day for day in range(LAST_DAY + 1) if found.curve.reaches(day))
        days = np.arange(last + 1)
        lines = zip(found.by_method.items(), DISTINCT[1:], strict=False)
        for (name, curve), (colour, style) in lines:
            own = days[[curve.reaches(int(day)) for day in days]]
            share = 1 - curve.open_after(own)
            axes.step(own, share, where="post", color=colour, linestyle=style, label=label(name))
        ranges = [found.curve.recovered_by(int(day)) for day in days]
        low, high = [one.low for one in ranges], [one.high for one in ranges]
        axes.fill_between(days, low, high, step="post", color=OURS, alpha=0.2, linewidth=0)
        share = 1 - found.curve.open_after(days)
        axes.step(days, share, where="post", color=OURS, linewidth=2, label="all")
        for day in PERIODS:
            axes.axvline(day, color=PLAIN, linewidth=0.5, zorder=0)
        axes.set_xticks([0, *PERIODS, 45, LAST_DAY])
        in_percent(axes.yaxis)
        told = [day for day in PERIODS if day <= last] or [last]
        within = found.curve.recovered_by(told[-1]).estimate
        axes.set(
            xlabel="days since the first failure",
            ylabel="recovered, 95 % interval",
            title=f"{within:.0%} of failed payments are recovered within {told[-1]} days",
            xlim=(0, LAST_DAY),
            ylim=(0, 1),
        )
        axes.legend(frameon=False)

    return Plot(SIZE, draw, layout="constrained")


def renewal_plot(near: tuple[NearEnd, ...], period: str) -> Plot:
    """Churn by days before the term's end, with and without automatic renewal."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(near))
        for shift, colour, marker, name, rates in (
            (-0.1, PLAIN, "s", "renews itself", [one.by_itself for one in near]),
            (0.1, OURS, "o", "renewed by hand", [one.by_hand for one in near]),
        ):
            _dots(axes, places + shift, rates, colour, marker, name)
        axes.set_xticks(places, [f"{one.first}–{one.last}" for one in near])
        axes.set_xlim(-0.6, len(near) - 0.4)
        axes.set_ylim(bottom=0)
        in_percent(axes.yaxis)
        axes.set(
            xlabel=f"days before the term's end, billed by {period}",
            ylabel="churned, 95 % interval",
            title=_near_end(near, period),
        )
        axes.legend(frameon=False)

    return Plot(SIZE, draw, layout="constrained")


def _near_end(near: tuple[NearEnd, ...], period: str) -> str:
    """What the days nearest to the end say of whom there is somebody of both."""
    for one in near:
        if one.by_hand.range and one.by_itself.range:
            hand, itself = one.by_hand.range.estimate, one.by_itself.range.estimate
            return (
                f"{one.first}–{one.last} days before the end: of those renewed by hand "
                f"{hand:.0%} left, of others {itself:.0%}"
            )
    return f"Who leaves at the term's end? (billed by {period})"


def _dots(
    axes: Axes, places: np.ndarray, rates: list[Rate], colour: str, marker: str, name: str
) -> None:
    """Rates as dots with their intervals; none where there is nobody."""
    told = [(at, one.range) for at, one in zip(places, rates, strict=True) if one.range]
    if not told:
        return
    where, middle = [at for at, _ in told], [one.estimate for _, one in told]
    reach = [[o.estimate - o.low for _, o in told], [o.high - o.estimate for _, o in told]]
    axes.errorbar(where, middle, yerr=reach, fmt=marker, color=colour, capsize=3, label=name)


def excess_plot(found: Mapping[str, Excess]) -> Plot:
    """Excess churn of each lever with its interval, the largest above."""

    def draw(axes: Axes) -> None:
        ordered = sorted(found.items(), key=lambda item: (item[1].churn.estimate, item[0]))
        rates = [one.churn for _, one in ordered]
        middle = [100 * one.estimate for one in rates]
        below = [100 * (one.estimate - one.low) for one in rates]
        above = [100 * (one.high - one.estimate) for one in rates]
        axes.errorbar(
            middle, range(len(ordered)), xerr=[below, above], fmt="o", color=OURS, capsize=3
        )
        axes.axvline(0, color="black", linewidth=0.5)
        axes.set_yticks(range(len(ordered)), [label(name) for name, _ in ordered])
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        name, most = ordered[-1][0], rates[-1]
        axes.set(
            xlabel="percentage points of churn beyond customers alike, 95 % interval",
            title=f"What goes with leaving? Most of all: {label(name)}"
            if most.low > 0
            else "Nothing goes with leaving beyond chance",
        )

    return Plot((7.5, 1.2 + 0.4 * len(found)), draw, layout="constrained")
