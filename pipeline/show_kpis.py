"""Key figures for people: customers, money, and parts, period by period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.periods import period_name
from models.movements import CENTS
from pipeline import show_levers, show_survival
from pipeline.consoles import console_for, near
from pipeline.kpi_periods import AFTER, BEFORE

if TYPE_CHECKING:
    from pathlib import Path

    from models.rates import Rate
    from pipeline.kpi_levers import Recovered
    from pipeline.kpi_parts import PartFigures, Parts
    from pipeline.kpi_periods import PeriodFigures, PeriodTable
    from pipeline.kpi_revenue import Revenue
    from pipeline.kpis import Kpis

NOTHING = "–"
KINDS = {"payment_failure": "failed payments"}
MONEY = {"mrr": "Recurring revenue a month", "collected": "Collected, against the period before"}
Cells = Sequence[str]


def told(result: Kpis, plots: Sequence[Path] = ()) -> None:
    """Every section's tables, then what people should know of them, and where plots are."""
    console = console_for()
    for name, answer in result.answers.items():
        SHOWN[name](console, answer, result)
    for note in result.notes:
        console.print(f"[yellow]![/yellow] {escape(note)}", soft_wrap=True)
    console.print(f"file      {escape(str(result.path))}", soft_wrap=True)
    if plots:
        names = ", ".join(one.name for one in plots)
        console.print(f"plots     {escape(f'{near(plots[0].parent)}: {names}')}", soft_wrap=True)


def periods(console: Console, answer: PeriodTable, result: Kpis) -> None:
    """Customers by period, and money by period and currency."""
    every = result.head["every"]
    figures = [one for one in answer.figures if not one.outside] or answer.figures
    kinds = list(figures[0].kinds or {})
    head = ["customers", "gone", "churn rate", "95 % interval", "a year", "new", "back", "growth"]
    told_kinds = [KINDS.get(kind, kind) for kind in kinds]
    rows = [(name_of(one, every), _customers(one, kinds)) for one in figures]
    _table(console, "Customers", [*head, *told_kinds], rows)
    currencies = dict.fromkeys(r.currency for one in figures for r in one.revenue)
    for currency in currencies:
        amounts = [
            (name_of(one, every), _money(money))
            for one in figures
            for money in one.revenue
            if money.currency == currency
        ]
        title = MONEY[result.head["revenue_basis"]]
        title += show_survival.in_currency(currency, list(currencies))
        _table(console, title, MOVEMENTS, amounts)
    for line in _outside(answer.figures, every):
        console.print(line)
    if any(not one.complete for one in figures):
        console.print("* not over yet: figures up to the end of the histories")


def parts(console: Console, answer: Parts, result: Kpis) -> None:
    """For each way of parting, every part's newest period that is over, and its retention.

    Where none that is over began with customers, the one that runs.
    """
    for name, figures in answer.figures.items():
        there = [one for one in figures if one.rate.there]
        over = [one for one in there if one.complete] or there
        if not over:
            continue
        newest = [one for one in over if one.period == over[-1].period]
        currencies = list(dict.fromkeys(m.currency for one in newest for m in one.revenue))
        rows = [
            (NOTHING if one.part is None else one.part, _part(one, currencies)) for one in newest
        ]
        named = [f" {one}" if one and len(currencies) > 1 else "" for one in currencies]
        head = [*PART, *(f"{kept}{of}" for of in named for kept in KEPT)]
        when = name_of(newest[0], result.head["every"])
        _table(console, f"By {name}, {when}", head, rows)


def recovery(console: Console, answer: Recovered, result: Kpis) -> None:
    """Payment recovery, unless the levers tell it with more."""
    levers: Any = result.answers.get("levers")
    if levers is None or levers.found is None:
        show_levers.recovered(console, answer.found)


SHOWN: dict[str, Callable[[Console, Any, Kpis], None]] = {
    "periods": periods,
    "by": parts,
    "cohorts": show_survival.cohorts,
    "survival": show_survival.survival,
    "forecast": show_survival.forecast,
    "payment_recovery": recovery,
    "levers": lambda console, answer, _: show_levers.pulled(console, answer.found),
}
KEPT = ("gross kept", "net kept")
MOVEMENTS = (
    *("start", "new", "expansion", "contraction", "churned", "back", "end"),
    *KEPT,
)
PART = ("customers", "gone", "churn rate", "95 % interval", "a year")


def name_of(one: PeriodFigures | PartFigures, every: str) -> str:
    """A period as people call it: 2025-03, 2025 Q1, 2025; with a star while it runs."""
    return period_name(one.period.start, every) + ("" if one.complete else "*")


def _outside(figures: Sequence[PeriodFigures], every: str) -> Iterator[str]:
    """Which periods have no row, since the histories hold nothing of them."""
    for why in (BEFORE, AFTER):
        names = [
            name_of(one, every).strip("*") for one in figures if one.outside and one.why == why
        ]
        if names:
            yield f"{' to '.join(dict.fromkeys((names[0], names[-1])))}: {why}"


def _table(
    console: Console, title: str, head: Sequence[str], rows: Sequence[tuple[str, Cells]]
) -> None:
    console.print(f"\n[bold]{escape(title)}[/bold]")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in head:
        table.add_column(escape(name), justify="right")
    for name, cells in rows:
        table.add_row(escape(name), *cells)
    console.print(table)


def _customers(one: PeriodFigures, kinds: Sequence[str]) -> Cells:
    found = one.kinds or {}
    growth = NOTHING if one.growth is None else f"{one.growth:+.1%}"
    counts = [f"{one.new:,}", f"{one.reactivated:,}", growth]
    return [*_rate(one.rate), *counts, *[f"{found.get(kind, 0):,}" for kind in kinds]]


def _rate(rate: Rate) -> list[str]:
    values = rate.as_json()
    low, high = rate.interval or (None, None)
    between = NOTHING if low is None or high is None else f"{low:.1%}–{high:.1%}"
    return [
        f"{rate.there:,}",
        f"{rate.gone:,}",
        _share(rate.value, 2),
        between,
        _share(values["annualised"]),
    ]


def _part(one: PartFigures, currencies: Sequence[str | None]) -> Cells:
    """Shares of several currencies have no sum: each has its own."""
    found = {money.currency: money.movements for money in one.revenue}
    kept: list[float | None] = []
    for currency in currencies:
        money = found.get(currency)
        kept += [money.gross_retention, money.net_retention] if money else [None, None]
    return [*_rate(one.rate), *map(_share, kept)]


def _money(one: Revenue) -> Cells:
    found = one.movements
    cents = (found.start, found.new, found.expansion, -found.contraction, -found.churned)
    amounts = [*cents, found.reactivated, found.end]
    shares = [_share(found.gross_retention), _share(found.net_retention)]
    return [*[f"{each / CENTS:,.2f}" for each in amounts], *shares]


def _share(value: float | None, decimals: int = 1) -> str:
    return NOTHING if value is None else f"{value:.{decimals}%}"
