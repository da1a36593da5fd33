"""Results for people: what came out, against what, and where to look next."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.expected_profit import DO_NOT_RUN
from pipeline import show_outreach, show_score, verdict
from pipeline.consoles import WIDTH, amount, console_for, near

if TYPE_CHECKING:
    from pipeline.check import Checked
    from pipeline.config import Config
    from pipeline.init import Initialised
    from pipeline.proof import Proof
    from pipeline.score import Scored
    from pipeline.train import Trained
    from pipeline.vectors import Catalogue

MOST_ROWS = 10
MOST_NAMED = 3


def initialised(result: Initialised) -> None:
    """Which file became which table, what churn is, and what to do next."""
    console = console_for()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "file", "rows", "from", "to", "columns that are mapped"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for name, one in result.draft.tables.items():
        account = result.draft.accounts[name]
        mapped = ", ".join(f"{ours} = {theirs or '(none)'}" for ours, theirs in one.renamed.items())
        table.add_row(
            name,
            escape(one.pattern),
            f"{account.rows:,}",
            (account.first or "")[:10],
            (account.last or "")[:10],
            escape(mapped),
        )
    console.print(table)
    churn, why = result.draft.churn.definition, escape(result.draft.churn.why["definition"])
    console.print(f"churn     {churn.kind} within {churn.horizon_days} days: {why}", soft_wrap=True)
    config = escape(near(result.path))
    console.print(
        f"config    {config}: read its comments, every guess is explained", soft_wrap=True
    )
    console.print(
        f"next      churn check -c {config}   then: churn train -c {config}", soft_wrap=True
    )


def trained(result: Trained, config: Config, config_file: str) -> None:
    """The figures of a training run against the baselines, and what to do with it.

    A run that MLflow could not take is scored by its folder, and sent later.
    """
    from pipeline.unsent import MODEL

    console = console_for()
    test = result.metrics["test"]
    console.print(
        f"\n[bold]{result.model.label}[/bold] on {test['points']:,} untouched points "
        f"({test['cutoffs'][0]} to {test['cutoffs'][-1]}), {test['base_rate']:.1%} of which churned"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name, _, _ in verdict.COLUMNS:
        table.add_column(name, justify="right")
    for name, figures in verdict.rows(result.metrics):
        table.add_row(name, *figures)
    console.print(table)
    for sentence in verdict.sentences(result.metrics):
        console.print(sentence, soft_wrap=True)
    for warning in verdict.warnings(result.metrics):
        console.print(f"[bold yellow]{escape(warning)}[/bold yellow]", soft_wrap=True)
    show_score.points_score(console, result.metrics["points_score"])
    console.print()
    drivers = ", ".join(f"{name} {size:.2f}" for name, size in list(result.drivers.items())[:5])
    console.print(f"drivers   {drivers} (log-odds that they add for customers at risk)")
    console.print(f"reasons   {' '.join(verdict.reasons(result.metrics))}", soft_wrap=True)
    state = "[green]in charge[/green]" if result.promoted else "[yellow]not promoted[/yellow]"
    console.print(f"model     {result.model.label}, {state}: {result.reason}", soft_wrap=True)
    console.print(f"files     {near(result.folder)}", soft_wrap=True)
    if result.unsent is None:
        scored, then = "", f"make ui CONFIG={config_file}   runs and models ({config.shown_uri})"
    else:
        scored = f" --model {near(result.unsent / MODEL)}"
        then = f"churn send -c {config_file}   the run to MLflow, when it is back"
    console.print(f"next      churn score -c {config_file}{scored}   the risk list", soft_wrap=True)
    console.print(f"          {then}", soft_wrap=True)


def listed(result: Catalogue) -> None:
    """Every feature with its meaning, and from when the names are that come from the data."""
    console = console_for()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("name", "meaning", "unit", "group", "table", "window"):
        table.add_column(name, justify="right" if name == "window" else "left", overflow="fold")
    for one in result.features:
        window = f"{one.window_days} days" if one.window_days else ""
        table.add_row(one.name, escape(one.meaning), one.unit, one.group, one.table, window)
    if not console.is_terminal:
        # A line for each feature, so that it can be searched.
        console.width = 10_000
        console.width = max(WIDTH, console.measure(table).maximum)
    console.print(table)
    console.print(
        f"\n{len(result.features)} features. Event types and texts that are told apart are those "
        f"that were common before {result.known_before}.",
        soft_wrap=True,
    )


def scored(result: Scored) -> None:
    """The head of the risk list, and where it is."""
    console = console_for()
    values = result.as_json()
    found = result.risk_list
    console.print(
        f"\n[bold]{values['customers']:,} customers[/bold] as of {result.as_of}, by "
        f"{result.model}: {values['at_risk']:,} at risk, "
        f"{int((found['at_risk'] & found['high_value']).sum()):,} of them of high value"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("customer", "risk", "value at risk", "driver", "reason", "action", "profit"):
        table.add_column(
            name, justify="right" if name in ("risk", "value at risk", "profit") else "left"
        )
    for row in found.head(MOST_ROWS).to_dict("records"):
        profit = row["expected_profit"]
        table.add_row(
            escape(str(row["customer_id"])),
            f"{row['churn_probability']:.0%}",
            amount(row["value_at_risk"]),
            _text(row["driver_1"]),
            _text(row["reason_1"]),
            _text(row["action"] if row["group"] == "contact" else row["why_not"] or row["group"]),
            amount(profit) if not math.isnan(profit) else "",
        )
    console.print(table)
    show_outreach.chosen(console, result.chosen)
    total = result.chosen.outreach.total
    console.print(
        f"contacts  {values['contacts']:,}, {result.held_out:,} held out, expected profit "
        f"{amount(values['expected_profit'])} (95 % interval {amount(total.low)} to "
        f"{amount(total.high)})"
        + (": do not run, it may be a loss" if total.verdict == DO_NOT_RUN else "")
    )
    console.print(f"files     {near(result.folder)}", soft_wrap=True)


def _text(value: object) -> str:
    """A cell as text: nothing where there is none, and no markup."""
    return escape(value) if isinstance(value, str) else ""


def checked(result: Checked) -> None:
    """Rows in, used and set aside; then what is odd, and what may leak."""
    console = console_for()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "rows", "used", "set aside", "from", "to", "without a value"):
        table.add_column(name, justify="right" if name in ("rows", "used", "set aside") else "left")
    for name, account in result.tables.items():
        table.add_row(
            name,
            f"{account['rows']:,}",
            f"{account['used']:,}",
            f"{account['rows'] - account['used']:,}",
            str(account["first"] or "")[:10],
            str(account["last"] or "")[:10],
            ", ".join(_share_of_nulls(account)),
        )
    console.print(table)
    console.print(
        f"{result.customers:,} customers; histories from {result.observed_from[:10]} to "
        f"{result.observed_until}"
    )
    _set_aside(console, result)
    _listed(console, "Odd", [(f.table, f.evidence) for f in result.findings])
    leaks = [(f"{s.table}.{s.column}", s.evidence) for s in result.leak_suspects]
    _listed(console, "Leak suspects: may hold what was not known yet", leaks)
    if not result.leak_suspects:
        console.print("No leak suspects.")
    if result.proof:
        point_in_time(result.proof)


def point_in_time(proof: Proof) -> None:
    """What was altered, and what the vectors made of it."""
    console = console_for()
    vectors = sum({trial.cutoff: trial.vectors for trial in proof.trials}.values())
    sample = "" if proof.customers == proof.of_customers else f" of {proof.of_customers:,}, sampled"
    console.print(
        f"\n[bold]Point in time[/bold]: {vectors:,} vectors of {proof.features} features, "
        f"{proof.customers:,} customers{sample}, at {', '.join(map(str, proof.cutoffs))}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rows altered")
    for how in proof.perturbations:
        table.add_column(how, justify="right")
    for name in proof.trials[0].rows:
        counts = [proof.rows(how, name) for how in proof.perturbations]
        table.add_row(name, *[f"{count:,}" if count else "–" for count in counts])
    found = [len(proof.differing(how)) for how in proof.perturbations]
    table.add_row("features that differ", *[f"{count:,}" if count else "none" for count in found])
    console.print(table)
    _listed(console, "Leaks: what was not known yet changes vectors", list(_causes(proof)))
    if not proof.leaks:
        console.print("No leak: nothing at or after a cutoff, or filled in then, changes a vector.")
    if proof.undated:
        console.print(
            f"Not provable, since nothing tells when it was written: {', '.join(proof.undated)}",
            soft_wrap=True,
        )


def _causes(proof: Proof) -> Iterator[tuple[str, str]]:
    """The leaks by what makes them: each table with each alteration, and one example."""
    for table, how in dict.fromkeys((leak.table, leak.perturbation) for leak in proof.leaks):
        leaks = [one for one in proof.leaks if (one.table, one.perturbation) == (table, how)]
        features = list(dict.fromkeys(leak.feature for leak in leaks))
        some = ", ".join(features[:MOST_NAMED]) + (" …" if len(features) > MOST_NAMED else "")
        first = leaks[0]
        yield (
            f"{table} {how}",
            f"{len(features):,} features differ ({some}); {first.feature} at {first.cutoff} in "
            f"{first.vectors:,} vectors, {first.told}",
        )


def _share_of_nulls(account: dict[str, Any]) -> list[str]:
    """Optional columns that lack values, with the share of rows that do."""
    used = account["used"]
    return [f"{name} {rows / used:.0%}" for name, rows in account["nulls"].items() if rows and used]


def _set_aside(console: Console, result: Checked) -> None:
    reasons = [
        (name, f"{rows:,} {reason}")
        for name, account in result.tables.items()
        for reason, rows in account["quarantined"].items()
    ]
    _listed(console, f"Set aside, each with its reason, in {near(result.quarantine)}", reasons)


def _listed(console: Console, title: str, items: list[tuple[str, str]]) -> None:
    if items:
        console.print(f"\n[bold]{escape(title)}[/bold]")
    for where, told in items:
        console.print(f"  {escape(where)}: {escape(told)}", soft_wrap=True)
