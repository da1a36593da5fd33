"""Whether contacts worked, and what a campaign could find out, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.effects import Effect
from pipeline.consoles import amount, console_for, near

if TYPE_CHECKING:
    from models.success import Success
    from pipeline.choosing import Chosen
    from pipeline.outreach_evaluate import Campaign, Evaluated, Money
    from pipeline.outreach_plan import Planned, Sized

MOST_CAMPAIGNS = 12
ARMS = ("contacted", "held out")
EFFECT = ("effect", "95 % interval", "kept")


def evaluated(result: Evaluated) -> None:
    """The effect on the whole, by campaign and by part; what it brought; what was learned."""
    console = console_for()
    for warning in result.warnings:
        console.print(f"[bold yellow]! {escape(warning)}[/bold yellow]", soft_wrap=True)
    if result.churn is not None:
        _overall(console, result)
    else:
        console.print(f"\n{_without_holdout(result)}\n", soft_wrap=True)
    _campaigns(console, result)
    for what, parts in result.parts.items():
        told = {name: one for name, one in parts.items() if one.effect is not None}
        if len(told) > 1:
            table = _table(what.removeprefix("customers_profile_"), *ARMS, *EFFECT, "")
            for name, one in told.items():
                assert one.effect is not None
                clear = "clear" if one.clear else ""
                table.add_row(escape(name), *_sizes(one.effect), *_told(one.effect), clear)
            console.print(table)
            console.print()
    _rates(console, result)
    for why, count in result.left_out.items():
        console.print(f"left out  {count:,} rows of contacts: {why.replace('_', ' ')}")
    console.print(f"adjusted  by {result.adjusted_by}", soft_wrap=True)
    console.print(f"files     {near(result.path)}", soft_wrap=True)


def chosen(console: Console, found: Chosen) -> None:
    """By action, what the contacts are expected to bring and whether to run them; what to know."""
    table = _table(
        "action", "contacts", "cost", "expected profit", "95 % interval", "", "success rate", "from"
    )
    outlooks = {**found.outreach.by_action, "all": found.outreach.total}
    for name, one in outlooks.items():
        if one.contacts:
            rate = found.rates.get(name)
            table.add_row(
                escape(name),
                f"{one.contacts:,}",
                amount(one.cost),
                amount(one.expected),
                f"{amount(one.low)} to {amount(one.high)}",
                one.verdict,
                f"{rate.mean:.0%}" if rate else "",
                source_of(rate) if rate else "",
            )
    if found.outreach.total.contacts:
        console.print(table)
    for note in found.notes:
        console.print(f"note      {escape(note)}", soft_wrap=True)


def planned(result: Planned) -> None:
    """Whom the next campaign takes in, and the power it has."""
    console = console_for()
    whole, advice = result.whole.plan, result.whole.advice
    console.print(
        f"\n[bold]{whole.treated:,} contacts, {whole.holdout:,} held out[/bold] as of "
        f"{result.as_of}, by {result.model}; {whole.churn_rate:.1%} of them would leave, "
        f"{whole.success_rate:.0%} of these are kept if the rates are right"
    )
    chosen(console, result.chosen)
    console.print()
    if advice.why:
        console.print(f"[bold yellow]! {escape(advice.why)}[/bold yellow]", soft_wrap=True)
    table = _table("", *ARMS, "power", "smallest success rate", "customers needed", "forgone")
    rows = {"all": result.whole, **result.by_action}
    rows |= {f"all, {share:.0%} held out": one for share, one in result.by_share.items()}
    for name, one in rows.items():
        table.add_row(escape(name), *_power(one))
    console.print(table)
    console.print(
        "power     the chance that the 95 % interval of the effect on churn leaves out 0, if the "
        "success rate is right; what is needed, and the smallest rate, are for a chance of 80 %",
        soft_wrap=True,
    )


def _power(one: Sized) -> list[str]:
    advice = one.advice
    return [
        f"{one.plan.treated:,}",
        f"{one.plan.holdout:,}",
        "–" if advice.power is None else f"{advice.power:.0%}",
        "–" if advice.smallest_success is None else f"{advice.smallest_success:.0%}",
        "–" if advice.customers_needed is None else f"{advice.customers_needed:,}",
        "–" if advice.forgone is None else amount(advice.forgone),
    ]


def verdict(one: Effect, *, interim: bool) -> str:
    """What an effect on churn says, in words."""
    low, high = (one.anytime_low, one.anytime_high) if interim else (one.low, one.high)
    if high < 0:
        return "contacts keep customers"
    if low > 0:
        return "contacts do harm: fewer would have left without them"
    return "not shown yet: the interval holds no effect, too"


def _overall(console: Console, result: Evaluated) -> None:
    one = result.churn
    assert one is not None
    console.print(
        f"\n[bold]{verdict(one, interim=result.pending > 0)}[/bold]: of {one.treated.n:,} "
        f"contacted {one.treated.mean:.1%} left within {result.horizon_days} days, of "
        f"{one.holdout.n:,} held out {one.holdout.mean:.1%}",
        soft_wrap=True,
    )
    console.print(
        f"effect    {_points(one.estimate)} points of churn, 95 % interval {_points(one.low)} to "
        f"{_points(one.high)}; however often one looks, {_points(one.anytime_low)} to "
        f"{_points(one.anytime_high)}",
        soft_wrap=True,
    )
    if one.turned:
        riskier = "likelier" if one.plain > 0 else "less likely"
        console.print(
            f"turned    as they were, the rates differ by {_points(one.plain)} points: those "
            f"contacted were {riskier} to leave to begin with, and the effect has that taken off",
            soft_wrap=True,
        )
    if one.kept is not None:
        console.print(
            f"kept      {one.kept.share:.0%} of those who would have left "
            f"({one.kept.low:.0%} to {one.kept.high:.0%})"
        )
    if result.money is not None:
        _money(console, result.money)
    console.print()


def _without_holdout(result: Evaluated) -> str:
    """What can be said where no campaign held anybody out: by like customers, or nothing."""
    seen = [one.observed for one in result.campaigns if one.observed is not None]
    if not seen:
        return (
            "[bold]no effect can be told[/bold]: of no campaign are there both groups, or enough "
            "like customers whom nobody contacted"
        )
    count = sum(one.treated for one in seen)
    left, expected = (
        sum(one.treated * getattr(one, what) for one in seen) / count
        for what in ("mean", "expected")
    )
    told = (
        f"[bold]not proven, nobody was held out[/bold]: of {count:,} contacted {left:.1%} left "
        f"within {result.horizon_days} days, and {expected:.1%} would have if they were as like "
        "customers whom nobody contacted"
    )
    fewer, more = sum(one.high < 0 for one in seen), sum(one.low > 0 for one in seen)
    neither = len(seen) - fewer - more
    return (
        f"{told}; fewer left than of these in {fewer:,} of {len(seen):,} campaigns, more in "
        f"{more:,}, and {neither:,} cannot tell"
    )


def _money(console: Console, money: Money) -> None:
    profit = money.profit()
    if profit is not None:
        told = [amount(one, cents=True) for one in profit]
        console.print(
            f"profit    {told[0]} a contact after costs of {amount(money.cost, cents=True)} "
            f"({told[1]} to {told[2]}), by the expected remaining margin of who stays"
        )
    if money.from_config:
        console.print(
            f"costs     as the config says of the action for {money.from_config:,} contacts, which "
            "have none on record",
            soft_wrap=True,
        )
    if money.margin is not None:
        one = money.margin
        told = [amount(each, cents=True) for each in (one.estimate, one.low, one.high)]
        console.print(
            f"margin    {told[0]} a contact of what was paid within the horizon "
            f"({told[1]} to {told[2]}), before costs"
        )


def _campaigns(console: Console, result: Evaluated) -> None:
    table = _table("campaign", "from", *ARMS, "left, of each", *EFFECT, "profit a contact")
    newest = sorted(result.campaigns, key=lambda one: (one.first, one.name))[-MOST_CAMPAIGNS:]
    for one in newest:
        table.add_row(escape(one.name) or "–", one.first, *_row(one))
    console.print(table)
    if len(newest) < len(result.campaigns):
        console.print(f"and {len(result.campaigns) - len(newest):,} earlier ones, in the file")
    turned = [one.name for one in newest if one.churn is not None and one.churn.turned]
    if turned:
        console.print(
            f"turned    by the adjustment, the rates as they were differ the other way: "
            f"{escape(', '.join(turned))}",
            soft_wrap=True,
        )
    console.print()


def _row(one: Campaign) -> list[str]:
    arms = [f"{one.treated:,}", f"{one.holdout:,}" if one.holdout else "none"]
    if one.observed is not None:
        seen = one.observed
        interval = f"{_points(seen.low)} to {_points(seen.high)}"
        left = f"{seen.mean:.1%}"
        return [*arms, left, _points(seen.estimate), interval, "", "no test"]
    if not one.has_holdout:
        return [*arms, *[""] * 4, "no test"]
    if one.churn is None:
        why = f"{one.pending:,} pending" if one.pending else "too few"
        return [*arms, *[""] * 4, why]
    profit = one.money.profit() if one.money else None
    return [
        *_sizes(one.churn),
        f"{one.churn.treated.mean:.1%} / {one.churn.holdout.mean:.1%}",
        *_told(one.churn),
        "" if profit is None else amount(profit[0], cents=True),
    ]


def _sizes(one: Effect) -> list[str]:
    return [f"{one.treated.n:,}", f"{one.holdout.n:,}"]


def _told(one: Effect) -> list[str]:
    kept = "" if one.kept is None else f"{one.kept.share:.0%}"
    return [_points(one.estimate), f"{_points(one.low)} to {_points(one.high)}", kept]


def _points(share: float) -> str:
    """A difference of rates in percentage points."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"


def _rates(console: Console, result: Evaluated) -> None:
    table = _table("action", "success rate", "95 % interval", "from")
    for name, rate in result.rates.items():
        table.add_row(escape(name), f"{rate.mean:.1%}", _range(rate), source_of(rate))
    console.print(table)
    console.print()


def source_of(rate: Success) -> str:
    """Where a success rate comes from, in words."""
    if rate.learned:
        return f"contacts: {rate.treated:,} contacted, {rate.holdout:,} held out"
    if rate.treated or rate.holdout:
        return "the config: too few left to learn from"
    return "the config"


def _range(rate: Success) -> str:
    return f"{rate.low:.0%} to {rate.high:.0%}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first)
    for name in others:
        # What stands in one line is wider than its name.
        table.add_column(name, justify="left" if name in ("from", "") else "right", no_wrap=True)
    return table
