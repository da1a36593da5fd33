"""Cohorts, survival and the forecast for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.kpi_survival import MONTH

if TYPE_CHECKING:
    from models.triangle import Row
    from pipeline.kpi_cohorts import Cohorts
    from pipeline.kpi_forecast import Forecasted
    from pipeline.kpi_survival import Group, Survival

NOTHING = "–"
AGES = (1, 2, 3, 6, 9, 12, 18, 24)
"""Months after which cohorts and groups are told."""
MOST_COHORTS = 24
SURE = 0.05


def cohorts(console: Console, answer: Cohorts, result: Any = None) -> None:
    """The newest cohorts: who is still there, then by currency the money."""
    # Of a month in which nobody came there is nothing to tell.
    chosen = [n for n, row in enumerate(answer.rows[0]) if row.customers][-MOST_COHORTS:]
    if not chosen:
        return
    ages = [age for age in AGES if age < len(answer.mean)]
    rows = [(_cohort(answer, n), _kept(answer.rows[0][n], ages)) for n in chosen]
    mean = [_share(answer.mean[age]) for age in ages]
    head = ["customers", *[str(age) for age in ages]]
    title = "Cohorts: of those who came in a month, still there at the first after … months"
    _table(console, title, head, [*rows, ("all that old", ["", *mean])])
    # How many of a cohort pay in which currency is not told.
    money_head = head if len(answer.currencies) == 1 else head[1:]
    for currency, table in zip(answer.currencies, answer.rows, strict=True):
        if answer.basis is None:
            break
        rows = [(_cohort(answer, n), _money(answer, table[n], ages)) for n in chosen]
        kind = "recurring revenue" if answer.basis == "mrr" else "money collected"
        title = f"Cohorts: {kind} by that of the first full month"
        _table(console, title + in_currency(currency, answer.currencies), money_head, rows)
    if any(answer.rows[0][n].small for n in chosen):
        console.print("~ few customers: chance rules")


def survival(console: Console, answer: Survival, result: Any = None) -> None:
    """Everybody's curve in numbers, then by group, with what the comparison says."""
    if answer.everybody.curve is None:
        return
    ages = [age for age in AGES if answer.everybody.after(age)]
    within = round(answer.mean_within / MONTH)
    head = ["customers", "left", *[str(age) for age in ages], "half left after"]
    head += [f"mean in {within} months"] * bool(within)
    title = "How long customers stay: still there after … months"
    _table(console, title, head, [("all", _stay(answer.everybody, ages, within))])
    for one in answer.groupings:
        rows = [(group.label or NOTHING, _stay(group, ages, within)) for group in one.groups]
        _table(console, f"By {one.name}: {_differ(one.p_value)}", head, rows)


def forecast(console: Console, answer: Forecasted, result: Any = None) -> None:
    """What is expected after one, two and three months, and how earlier forecasts did."""
    if answer.lacking is not None:
        return
    currencies = list(dict.fromkeys(name for one in answer.ahead for name in one.money))
    head = ["customers gone", "95 % interval"]
    for currency in currencies:
        head += [f"a month{f', {currency}' if currency else ''}", "95 % interval"]
    rows = []
    for one in answer.ahead:
        told = [one.customers.customers, *[one.money[name] for name in currencies]]
        cells = [c for i in told for c in (f"{i.expected:,.0f}", f"{i.low:,.0f}–{i.high:,.0f}")]
        rows.append((f"until {one.until}", cells))
    title = f"Expected of {answer.customers:,} customers as of {answer.as_of}, by {answer.model}"
    _table(console, title, head, rows)
    within, whole = answer.confirmed
    if whole:
        console.print(f"Of {whole} such forecasts of earlier months {within} would have come true.")
    if answer.joined_and_left is not None:
        mean, least, most = answer.joined_and_left
        console.print(
            f"Not among them: who comes and leaves within three months (so far {least:,} to "
            f"{most:,}, on average {mean:,.0f})."
        )


def _table(
    console: Console, title: str, head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]
) -> None:
    console.print(f"\n[bold]{escape(title)}[/bold]")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in head:
        table.add_column(escape(name), justify="right")
    for name, cells in rows:
        table.add_row(escape(name), *map(escape, cells))
    console.print(table)


def _cohort(answer: Cohorts, n: int) -> str:
    row = answer.rows[0][n]
    return str(answer.months[n])[:7] + (" ~" if row.small else "")


def in_currency(currency: str | None, currencies: Sequence[str | None]) -> str:
    """What a title says of the currency, where there is one or where others have one."""
    if currency is None:
        return ", no currency given" if len(currencies) > 1 else ""
    return f", {currency}"


def _kept(row: Row, ages: Sequence[int]) -> list[str]:
    return [f"{row.customers:,}", *_cells(row.kept, ages)]


def _money(answer: Cohorts, row: Row, ages: Sequence[int]) -> list[str]:
    # What the month that runs now brings is not all collected yet.
    money = row.money[:-1] if answer.basis == "collected" else row.money
    customers = [f"{row.customers:,}"] if len(answer.currencies) == 1 else []
    return [*customers, *_cells(money, ages)]


def _cells(shares: Sequence[float | None], ages: Sequence[int]) -> list[str]:
    """Blank where a month is not over, a dash where there is nothing to share."""
    return [_share(shares[age]) if age < len(shares) else "" for age in ages]


def _stay(group: Group, ages: Sequence[int], within: int) -> list[str]:
    found = [group.after(age) for age in ages]
    half, low, high = group.curve.median() if group.curve else (None, None, None)
    shares = [NOTHING if one is None else f"{one[0]:.0%}" for one in found]
    times = [_time((half, low, high))]
    times += [_time(group.mean or (None, None, None))] * bool(within)
    return [f"{group.table.customers:,}", f"{group.left:,}", *shares, *times]


def _time(days: tuple[float | None, float | None, float | None]) -> str:
    """Days with their interval, in months; an end of it that is not reached is a question."""
    if days[0] is None:
        return NOTHING
    middle, low, high = map(_in_months, days)
    return f"{middle} ({low}–{high})"


def _in_months(days: float | None) -> str:
    return "?" if days is None else f"{days / MONTH:.1f}"


def _differ(p_value: float | None) -> str:
    if p_value is None:
        return "nothing to compare"
    told = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    if p_value < SURE:
        return f"they differ beyond chance ({told}, log-rank with Holm's correction)"
    return f"no difference beyond chance ({told}, log-rank with Holm's correction)"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"
