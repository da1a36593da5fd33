"""Levers for people: a table for each, what it is worth, and what its figures are known by."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.exposure import Excess, Range
from models.recovery import Curve
from pipeline.consoles import amount, console_for
from pipeline.lever_audience import Audience
from pipeline.lever_onboarding import Onboarding
from pipeline.lever_prices import Prices
from pipeline.lever_recovery import PERIODS, Recovery
from pipeline.lever_renewals import Renewals
from pipeline.lever_support import Support
from pipeline.lever_words import Evidence, Rate
from pipeline.levers import Levers

MOST_BEHAVIOURS = 8
EXCESS = ("churn", "expected", "excess (95 %)", "leavers", "margin lost")


def shown(result: Levers, console: Console | None = None) -> None:
    """All levers that have figures."""
    console = console or console_for()
    console.print(f"[bold]Levers[/bold]: {result.told}", soft_wrap=True)
    if result.recovery is not None:
        _recovery(console, result.recovery)
    if result.renewals is not None:
        _renewals(console, result.renewals)
    if result.onboarding is not None:
        _onboarding(console, result.onboarding)
    if result.support is not None:
        _support(console, result.support)
    if result.audience is not None:
        _audience(console, result.audience)
    if result.prices is not None:
        _prices(console, result.prices)


def recovered(console: Console, found: Recovery | None) -> None:
    """Payment recovery by itself; nothing where no payment ever failed."""
    if found is not None:
        console.print(f"\n[bold]Payment recovery[/bold]: {found.told}", soft_wrap=True)
        _recovery(console, found)
        console.print("what that is in margin, and the other levers: churn kpis --levers")


def pulled(console: Console, found: Levers | None) -> None:
    """All levers; nothing where too little is known."""
    if found is not None:
        console.print()
        shown(found, console)


def _recovery(console: Console, found: Recovery) -> None:
    money = any(one.seen_value is not None for one in found.kept)
    head = ["recovered (95 %)", "customers kept", "more, extrapolated"]
    if money:
        head += ["margin kept", "more margin, extrapolated"]
    table = _table("payment recovery: a dunning period of", *head)
    for one in found.kept:
        cells = [_share(one.recovered), f"{one.seen:,}", _count(one.more)]
        if money:
            cells += [_money(one.seen_value), _money(one.more_value)]
        table.add_row(f"{one.days} days", *cells)
    console.print(table)
    unseen = [one.days for one in found.kept if one.recovered is None]
    if unseen:
        first = f"no failed invoice was followed for {unseen[0]} days"
        console.print(f"– {first}: what that keeps is not known")
    if found.by_method:
        table = _table("by method", *(f"{day} days" for day in PERIODS))
        for name, curve in found.by_method.items():
            table.add_row(escape(name), *(_recovered_by(curve, day) for day in PERIODS))
        console.print(table)
    if found.by_attempt:
        tries = ", ".join(f"{n}. {_rate(rate)}" for n, rate in found.by_attempt.items())
        console.print(f"attempts  that went through: {tries}", soft_wrap=True)
    excess = {"open invoice": found.excess} if found.excess else {}
    _ends(console, excess, found.evidence)


def _renewals(console: Console, found: Renewals) -> None:
    for period, near in found.near.items():
        table = _table(f"renewals, billed by {period}: days before", "renews itself", "by hand")
        for one in near:
            days = f"{one.first} to {one.last}"
            table.add_row(days, _rate(one.by_itself), _rate(one.by_hand))
        console.print(table)
    table = _table("moved to automatic renewal", "billed by", "leavers kept", "margin kept")
    for period, moved in found.moved.items():
        for step in moved:
            table.add_row(f"{step.share:.0%}", period, _count(step.leavers), _money(step.margin))
    console.print(table)
    reached = ", ".join(f"{days} days {count:,.0f}" for days, count in found.reached.items())
    console.print(f"reminders reach at a cutoff, without automatic renewal: {reached}")
    named = {f"by hand, {period}": one for period, one in found.excess.items()}
    _ends(console, named, found.evidence)


def _onboarding(console: Console, found: Onboarding) -> None:
    table = _table("onboarding: did", "events", "days", "kinds", "left by day 120")
    for one in found.thirds:
        figures = (f"{value:.1f}" for value in (one.events, one.days, one.kinds))
        table.add_row(one.depth, *figures, _rate(one.left))
    console.print(table)
    table = _table("did in the first days", "left, did", "left, did not", "difference (95 %)", "")
    for behaviour in found.behaviours[:MOST_BEHAVIOURS]:
        gap = behaviour.difference
        clear = "clear" if behaviour.clear else ""
        rates = (f"{gap.rate_with:.1%}", f"{gap.rate_without:.1%}")
        table.add_row(escape(behaviour.event), *rates, _share(gap.adjusted), clear)
    console.print(table)
    _ends(console, {"did least": found.excess}, found.evidence)


def _support(console: Console, found: Support) -> None:
    named = {"any problem": found.excess}
    named |= {one.category: one.excess for one in found.by_category}
    console.print(f"support   a problem is a ticket {found.meaning}", soft_wrap=True)
    _ends(console, named, found.evidence)


def _audience(console: Console, found: Audience) -> None:
    for name, origins in found.by.items():
        worth = f"margin in {found.value_days} days (95 %)"
        table = _table(f"audience: {name}", "customers", "churn (95 %)", "against others", worth)
        for one in origins:
            cells = (_share(one.churn), _share(one.against_others), _money(one.value))
            table.add_row(escape(one.name), f"{one.customers:,}", *cells)
        console.print(table)
    _ends(console, {}, found.evidence)


def _prices(console: Console, found: Prices) -> None:
    named = {f"rose {one.what}": one.excess for one in found.by_weeks}
    named |= {f"rose {one.what}": one.excess for one in found.within}
    named |= {f"by {one.what}": one.excess for one in found.by_size}
    console.print(f"prices    churn without a rise {_rate(found.others)}")
    _ends(console, named, found.evidence)


def _ends(console: Console, found: Mapping[str, Excess | None], evidence: Evidence) -> None:
    """Excess churn by name, then what it is known by."""
    if found:
        table = _table("", "points", *EXCESS)
        for name, one in found.items():
            table.add_row(escape(name), *_excess(one))
        console.print(table)
    console.print(f"{evidence.kind}: {escape(evidence.means)}", soft_wrap=True)
    console.print()


def _excess(one: Excess | None) -> list[str]:
    if one is None:
        return ["too few alike to tell", *[""] * len(EXCESS)]
    return [
        f"{one.points:,}",
        f"{one.rate:.1%}",
        f"{one.expected:.1%}",
        _share(one.churn),
        _count(one.leavers),
        _money(one.money),
    ]


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(escape(first))
    for name in others:
        table.add_column(name, justify="right")
    return table


def _rate(rate: Rate) -> str:
    return "–" if rate.range is None else f"{rate.range.estimate:.1%} of {rate.whole:,}"


def _recovered_by(curve: Curve, day: int) -> str:
    return _share(curve.recovered_by(day) if curve.reaches(day) else None)


def _share(one: Range | None) -> str:
    return "–" if one is None else f"{one.estimate:.1%} ({one.low:.1%} to {one.high:.1%})"


def _count(one: Range | None) -> str:
    return "–" if one is None else f"{one.estimate:,.0f} ({one.low:,.0f} to {one.high:,.0f})"


def _money(one: Range | float | None) -> str:
    if one is None:
        return "–"
    if not isinstance(one, Range):
        return amount(one)
    return f"{amount(one.estimate)} ({amount(one.low)} to {amount(one.high)})"
