"""Plots of rates and revenue, of what ``kpis.json`` holds: over time and by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from features.periods import period_name
from pipeline.consoles import amount
from pipeline.plotting import Plot, in_percent, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, RUNNING, PLAIN = "#3b6ea5", "#a9c1dc", "#999999"
GAINS = {"new": "#3b6ea5", "expansion": "#7fa8d1", "reactivated": "#b7cfe6"}
LOSSES = {"churned": "#b5433b", "contraction": "#dd9a94"}
BASES = {"mrr": "recurring revenue a month", "collected": "collected"}
MOST_NAMED, MOST_PARTS = 12, 20
"""So many periods have their names beneath; of more every second, third … has."""
FEWEST_WIDE = 5

Values = Mapping[str, Any]
Figures = Sequence[Mapping[str, Any]]


def plots_of(values: Values) -> Iterator[tuple[str, Plot]]:
    """``churn_rate``, ``revenue`` (of each currency) and ``churn_by_…``, with their names; what
    there is nothing of is not drawn.
    """
    periods = values["periods"]
    if any(one["churn_rate"] is not None for one in periods):
        yield "churn_rate", churn_rate_plot(values)
    for currency in currencies(periods):
        yield f"revenue_{currency}" if currency else "revenue", revenue_plot(values, currency)
    for name, figures in values["by"].items():
        if newest(figures):
            yield f"churn_by_{name}", parts_plot(values, name)


def currencies(periods: Figures) -> list[str | None]:
    """The currencies of the revenue, in order."""
    return list(dict.fromkeys(money["currency"] for one in periods for money in one["revenue"]))


def newest(figures: Figures) -> list[Mapping[str, Any]]:
    """The parts of the newest period that is over, or else that runs, with a churn rate."""
    there = [one for one in figures if one["churn_rate"] is not None]
    over = [one for one in there if one["complete"]] or there
    return [one for one in over if one["start"] == over[-1]["start"]]


def churn_rate_plot(values: Values) -> Plot:
    """The churn rate of each period with its 95 % interval; a running one is pale."""
    return Plot((8, 4), lambda axes: _rates(axes, values), layout="constrained")


def revenue_plot(values: Values, currency: str | None = None) -> Plot:
    """What each period gained and lost in one currency, and what there was at its end."""
    return Plot((9, 4), lambda axes: _movements(axes, values, currency), layout="constrained")


def parts_plot(values: Values, name: str) -> Plot:
    """The churn rate of each part in the newest period that is over, with its 95 % interval."""
    figures = newest(values["by"][name])
    largest = sorted(figures, key=lambda one: -one["customers_start"])[:MOST_PARTS]
    size = (7.0, 1.3 + 0.36 * len(largest))
    every = values["every"]
    return Plot(size, lambda axes: _parts(axes, largest, name, every), layout="constrained")


def _rates(axes: Axes, values: Values) -> None:
    there = [one for one in values["periods"] if one["churn_rate"] is not None]
    names = [_called(one, values) for one in there]
    axes.plot([one["churn_rate"] for one in there], color=OURS, linewidth=1, zorder=0)
    for n, one in enumerate(there):
        color = OURS if one["complete"] else RUNNING
        axes.errorbar([n], [one["churn_rate"]], yerr=_spread(one), fmt="o", color=color, capsize=3)
    axes.set_ylim(bottom=0)
    in_percent(axes.yaxis)
    _name(axes, names)
    axes.set(
        ylabel="left, of those there at its start, 95 % interval", title=_rates_found(there, names)
    )


def _rates_found(there: Figures, names: Sequence[str]) -> str:
    """What the newest period that is over says, and the highest one."""
    over = [n for n, one in enumerate(there) if one["complete"]] or [len(there) - 1]
    last, most = over[-1], max(over, key=lambda n: there[n]["churn_rate"])
    told = f"{there[last]['churn_rate']:.1%} of the customers left in {names[last]}"
    if most == last:
        return told + (", the most so far" if len(over) > 1 else "")
    return f"{told}; the most, {there[most]['churn_rate']:.1%}, in {names[most]}"


def _spread(one: Mapping[str, Any]) -> list[list[float]]:
    """How far the interval reaches; its edges may miss the rate by a rounding."""
    rate = one["churn_rate"]
    return [[max(rate - one["churn_rate_low"], 0)], [max(one["churn_rate_high"] - rate, 0)]]


def _movements(axes: Axes, values: Values, currency: str | None) -> None:
    found = [
        (one, of)
        for one in values["periods"]
        for of in one["revenue"]
        if of["currency"] == currency
    ]
    for kinds, sign in ((GAINS, 1), (LOSSES, -1)):
        base = [0.0] * len(found)
        for name, color in kinds.items():
            height = [sign * of[name] for _, of in found]
            if any(height):
                axes.bar(range(len(found)), height, bottom=base, color=color, label=name)
            base = [b + h for b, h in zip(base, height, strict=True)]
    net = [of["end"] - of["start"] for _, of in found]
    axes.plot(net, "o-", color="black", markersize=3, linewidth=1, label="all together")
    axes.axhline(0, color="black", linewidth=0.5)
    axes.use_sticky_edges = False
    axes.margins(y=0.08)
    axes.yaxis.set_major_formatter(lambda value, _: _money(value))
    names = [_called(one, values) for one, _ in found]
    _name(axes, names)
    what = BASES[values["revenue_basis"]]
    axes.set(
        ylabel=f"{label(currency)}, {what}" if currency else what,
        title=_movements_found(found, names),
    )
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _movements_found(
    found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], names: Sequence[str]
) -> str:
    """What came and went in the newest period that is over."""
    over = [n for n, (one, _) in enumerate(found) if one["complete"]] or [len(found) - 1]
    of = found[over[-1]][1]
    came, went = (sum(of[name] for name in kinds) for kinds in (GAINS, LOSSES))
    return f"In {names[over[-1]]}, {_money(came)} came and {_money(went)} went"


def _money(value: float) -> str:
    return amount(value) if value else "0"


def _parts(axes: Axes, parts: Figures, name: str, every: str) -> None:
    ordered = sorted(parts, key=lambda one: one["churn_rate"])
    for n, one in enumerate(ordered):
        axes.errorbar([one["churn_rate"]], [n], xerr=_spread(one), fmt="o", color=OURS, capsize=3)
    names = [
        f"{'–' if one['part'] is None else label(one['part'])} ({one['customers_start']:,})"
        for one in ordered
    ]
    axes.set_yticks(range(len(ordered)), names)
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.set_xlim(left=0)
    in_percent(axes.xaxis)
    when = period_name(date.fromisoformat(str(ordered[0]["start"])), every)
    axes.set(
        xlabel=f"left in {when}, 95 % interval; in brackets customers at its start",
        title=f"Who left, by {label(name)}",
    )


def _called(one: Mapping[str, Any], values: Values) -> str:
    name = period_name(date.fromisoformat(str(one["start"])), values["every"])
    return name if one["complete"] else f"{name}*"


def _name(axes: Axes, names: Sequence[str]) -> None:
    """Names beneath; a few periods keep the width that a few more would have."""
    middle, half = (len(names) - 1) / 2, max(len(names), FEWEST_WIDE) / 2 + 0.1
    axes.set_xlim(middle - half, middle + half)
    every = max(-(-len(names) // MOST_NAMED), 1)
    # Counted from the newest, which people look at first.
    places = range(len(names) - 1, -1, -every)[::-1]
    axes.set_xticks(list(places), [names[n] for n in places])
    if len(places) > 6:
        for text in axes.get_xticklabels():
            text.set(rotation=45, ha="right")
    if any(name.endswith("*") for name in names):
        axes.set_xlabel("* not over yet")
