"""The command `churn`: parses, calls one function per command, prints. Nothing else.

Everything heavy is imported inside the commands, so that `churn --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.config import Config

app = typer.Typer(
    name="churn",
    help="Scores who is about to leave, explains why, and says whom to contact.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

outreach = typer.Typer(
    help="Whether contacts worked, and what the next ones could find out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(outreach, name="outreach")

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The config.", metavar="FILE", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Day = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The date; default: the newest the data support."),
]
Language = Annotated[str, typer.Option("--lang", help="The language of the reasons: en, nl.")]
ModelUri = Annotated[
    str | None,
    typer.Option(help="An MLflow URI, or a model's folder; default: the model in charge."),
]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the version.", show_default=False)]
CHURN_TOML = Path("churn.toml")


@app.command()
def init(
    folder: Annotated[
        str | None,
        typer.Argument(
            help='Where the tables are; default: "data" where it exists, else ".".',
            metavar="[DIR]",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = CHURN_TOML,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that exists.")] = False,
    json: AsJson = False,
) -> None:
    """Write a commented config that starts from the tables found in a folder."""
    from pipeline import show
    from pipeline.init import init as run
    from pipeline.progress import Progress

    result = run(folder, config, Progress(), force=force)
    _print(result.as_json(), json, lambda: show.initialised(result))


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="The folder to write into.")],
    customers: Annotated[int, typer.Option(help="How many customers.")] = 2_000,
    months: Annotated[int, typer.Option(help="How many months of history.")] = 18,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    campaigns: Annotated[
        int, typer.Option(help="In how many months customers were contacted, some held out.")
    ] = 0,
    json: AsJson = False,
) -> None:
    """Write demo histories of a subscription business, with the truth beside them."""
    from pipeline.progress import Progress
    from pipeline.simulate import simulate as run

    with Progress().stage("simulating histories"):
        result = run(out, customers=customers, months=months, seed=seed, campaigns=campaigns)
    values = {"path": result.path, "rows": result.rows, "churned": result.churned}
    _print(values, json, lambda: typer.echo(_simulated(result)))


def _simulated(result: Any) -> str:
    rows = ", ".join(f"{name} {count:,}" for name, count in result.rows.items())
    return (
        f"{result.path}: {rows}; {result.churned:,} customers left. The truth is in truth.parquet."
    )


@app.command()
def check(
    leaks: Annotated[
        bool,
        typer.Option(
            "--leaks", help="Prove that vectors stay the same whatever happens after their cutoffs."
        ),
    ] = False,
    cutoff: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="With --leaks: where; repeat it for several. Default: three of the training's.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Read every table against the contract: what is wrong, where, how many rows."""
    from pipeline import show
    from pipeline.check import check as run
    from pipeline.progress import Progress

    cutoffs = sorted({moment.date() for moment in cutoff or ()})
    result = run(_load(config), Progress(), leaks=leaks or bool(cutoffs), cutoffs=cutoffs)
    _print(result.as_json(), json, lambda: show.checked(result))
    if result.refused:
        raise result.refused[0]
    if result.proof and result.proof.leaks:
        raise result.proof.refusal()


@app.command()
def features(
    cutoff: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="A cutoff; repeat it for several.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The Parquet file to write.", show_default=False)
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Add the column churned.")] = False,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", help="Tell what every feature means, at these cutoffs or now; write nothing."
        ),
    ] = False,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Write the vectors of every customer active at a cutoff, or list the features."""
    from pipeline import show, vectors
    from pipeline.progress import Progress

    cutoffs = [moment.date() for moment in cutoff or ()]
    if listed:
        vectors.refuse_writing(out=out, labels=labels)
        catalogue = vectors.list_catalogue(_load(config), Progress(), cutoffs=cutoffs)
        _print(catalogue.as_json(), json, lambda: show.listed(catalogue))
        return
    file = vectors.file_to_write(cutoffs, out)
    written = vectors.write_vectors(
        _load(config), Progress(), cutoffs=cutoffs, out=file, labels=labels
    )
    told = f"{written.path}: {written.rows:,} vectors of {written.features} features"
    _print(written.as_json(), json, lambda: typer.echo(told))


@app.command()
def train(
    config: ConfigFile = CHURN_TOML,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Simulate histories first where the data folder is missing."),
    ] = False,
    gate: Annotated[
        bool, typer.Option("--gate", help="End with status 5 when the model is not promoted.")
    ] = False,
    force_promote: Annotated[
        bool,
        typer.Option(
            "--force-promote", help="Put the model in charge whatever the comparison says."
        ),
    ] = False,
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Only where no version is registered yet.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Train, evaluate, explain and record a model; promote it if it beats the one in charge."""
    from pipeline import show
    from pipeline.demo import simulate_if_missing
    from pipeline.progress import Progress
    from pipeline.registry import newest_registered
    from pipeline.train import train as run

    loaded, progress = _load(config), Progress()
    if if_none and (there := newest_registered(loaded)):
        told = f"{there.label} is registered already: nothing is trained."
        _print({"model": there.label, "trained": False}, json, lambda: typer.echo(told))
        return
    if demo:
        simulate_if_missing(loaded, progress)
    result = run(loaded, progress, force_promote=force_promote)
    _print(result.as_json(), json, lambda: show.trained(result, loaded, str(config)))
    if gate and not result.promoted:
        raise typer.Exit(5)


@app.command()
def send(config: ConfigFile = CHURN_TOML, json: AsJson = False) -> None:
    """Send the runs to MLflow that were kept while its server was away."""
    from pipeline import show_models
    from pipeline.progress import Progress
    from pipeline.unsent import send as run

    result = run(_load(config), Progress())
    values = {"sent": [one.as_json() for one in result]}
    _print(values, json, lambda: typer.echo(show_models.sent(result)))


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="The version, such as 3 or churn-risk/3.")],
    reason: Reason = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Put a registered version in charge, whatever was decided about it."""
    from pipeline import show_models
    from pipeline.charge import promote as run

    result = run(_load(config), version, reason=reason)
    _print(result.as_json(), json, lambda: typer.echo(show_models.changed(result)))


@app.command()
def rollback(
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help="An earlier version; default: the one before.", show_default=False
        ),
    ] = None,
    reason: Reason = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Put the version in charge again that was before."""
    from pipeline import show_models
    from pipeline.charge import rollback as run

    result = run(_load(config), to=to, reason=reason)
    _print(result.as_json(), json, lambda: typer.echo(show_models.changed(result)))


@app.command()
def score(
    as_of: Day = None,
    model: ModelUri = None,
    lang: Language = "en",
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Write the risk list and the outreach list."""
    from pipeline import show
    from pipeline.progress import Progress
    from pipeline.score import score as run

    result = run(_load(config), Progress(), as_of=_day(as_of), model=model, language=lang)
    _print(result.as_json(), json, lambda: show.scored(result))


@app.command()
def explain(
    customer_id: Annotated[str, typer.Argument(help="The customer, as in the histories.")],
    as_of: Day = None,
    model: ModelUri = None,
    lang: Language = "en",
    html: Annotated[
        bool, typer.Option("--html", help="Write the page of the customer, too.")
    ] = False,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Why a customer is at risk, and what would change it."""
    from pipeline import show_explained
    from pipeline.explain import explain_customer
    from pipeline.explained_html import write_page
    from pipeline.progress import Progress

    loaded = _load(config)
    result = explain_customer(
        loaded, Progress(), customer_id, as_of=_day(as_of), model=model, language=lang
    )
    path = write_page(result, loaded.out) if html else None
    _print({**result.as_json(), "html": path}, json, lambda: show_explained.explained(result, path))


@app.command()
def kpis(
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Part customers by an attribute, by plan or by tenure; repeat it for several.",
            metavar="COLUMN",
            show_default=False,
        ),
    ] = None,
    every: Annotated[str, typer.Option(help="Periods: month, quarter or year.")] = "month",
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="A day of the first period.", show_default=False
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            formats=["%Y-%m-%d"],
            help="Only periods that begin before this day.",
            show_default=False,
        ),
    ] = None,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="The next quarter, too, by the model in charge.")
    ] = False,
    levers: Annotated[
        bool, typer.Option("--levers", help="What each lever would hold, too.")
    ] = False,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="Draw them, too: PNG files into this folder.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Churn rates and revenue by period; cohorts, survival, payment recovery."""
    from pipeline import show_kpis
    from pipeline.business import Question
    from pipeline.kpis import kpis as run
    from pipeline.progress import Progress

    if plots is not None:
        from pipeline import kpi_pictures

        kpi_pictures.refuse_no_folder(plots)
    question, progress = Question(every, _day(first), _day(until), tuple(by or ())), Progress()
    result = run(_load(config), progress, question, forecast=forecast, levers=levers)
    values = result.as_json()
    if plots is not None:
        with progress.stage("drawing"):
            values["plots"] = kpi_pictures.draw(result, plots)
    _print(values, json, lambda: show_kpis.told(result, values.get("plots", ())))


@outreach.command("evaluate")
def outreach_evaluate(
    campaign: Annotated[
        str | None,
        typer.Option(help="Only this one; default: all.", metavar="NAME", show_default=False),
    ] = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Did the contacts work: effect on churn and on margin against the holdout."""
    from pipeline import show_outreach
    from pipeline.outreach_evaluate import evaluate_outreach
    from pipeline.progress import Progress

    result = evaluate_outreach(_load(config), Progress(), campaign=campaign)
    _print(result.as_json(), json, lambda: show_outreach.evaluated(result))


@outreach.command("plan")
def outreach_plan(
    as_of: Day = None,
    model: ModelUri = None,
    config: ConfigFile = CHURN_TOML,
    json: AsJson = False,
) -> None:
    """Before a campaign: whom it would take in, and what it could find out."""
    from pipeline import show_outreach
    from pipeline.outreach_plan import plan_campaign
    from pipeline.progress import Progress

    result = plan_campaign(_load(config), Progress(), as_of=_day(as_of), model=model)
    _print(result.as_json(), json, lambda: show_outreach.planned(result))


def _load(file: Path) -> Config:
    from pipeline.config import load

    return load(file)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _print(values: dict[str, Any], as_json: bool, show: Any) -> None:
    if as_json:
        from pipeline.files import to_json

        typer.echo(to_json(values))
    else:
        show()


def main() -> None:
    """Run the command; a user's mistake is told in full, without a traceback."""
    from features.errors import UserError

    # LightGBM's threads wait for each other by spinning; on busy cores that makes training up to
    # ten times slower, and a short spin costs nothing on idle ones.
    os.environ.setdefault("GOMP_SPINCOUNT", "100")
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
