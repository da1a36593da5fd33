"""How good the model is: the demo world against its own truth, and real histories where they are.

Trains with the committed configs in a temporary folder and returns a Markdown table; the demo's
summary goes into the README, between its markers.
"""

from __future__ import annotations

import io
import tempfile
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd

from benchmarks.pages import ROOT, put
from models.evaluation import evaluate
from pipeline import show
from pipeline.config import Config, from_values
from pipeline.demo import simulate_if_missing
from pipeline.progress import Progress
from pipeline.train import Trained, train
from pipeline.verdict import NAMES

COLUMNS = (
    *("histories", "model", "points", "churned", "AUC", "average precision", "lift 10 %"),
    *("log loss", "Brier"),
)
HEADER = f"| {' | '.join(COLUMNS)} |\n| --- | --- |{' ---: |' * 7}"


def run() -> str:
    """Train on every committed config whose data are there; the table of figures."""
    rows = []
    for file in (ROOT / "churn.toml", *sorted((ROOT / "examples").glob("*.toml"))):
        with tempfile.TemporaryDirectory() as folder:
            rows += _rows(file, Path(folder))
    return "\n".join([HEADER, *rows])


def _rows(file: Path, folder: Path) -> list[str]:
    config = _config_in(folder, file)
    progress = Progress()
    demo = simulate_if_missing(config, progress)
    if not (config.folder / config.data.source).is_dir():
        return [f"| {file.stem} | the data are not on this machine | | | | | | | |"]
    result = train(config, progress)
    test, baselines = result.metrics["test"], result.metrics["baselines"]
    name = "demo" if demo else file.stem
    rows = [_row(name, "churn-risk", test)]
    if demo:
        _into_readme(result, config)
        rows.append(_row(name, "the truth itself", _oracle(result, demo)))
    for baseline, told in NAMES.items():
        if baseline in baselines:
            figures = {**test, "log_loss": None, "brier": None, **baselines[baseline]}
            rows.append(_row(name, told, figures))
    return rows


def _config_in(folder: Path, file: Path) -> Config:
    """The committed config, with its outputs in a temporary folder."""
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    if values["data"]["source"] != "data":
        values["data"]["source"] = str((file.parent / values["data"]["source"]).resolve())
    values.setdefault("mlflow", {})["tracking_uri"] = "sqlite:///mlflow.db"
    values["output"] = {"dir": "out"}
    return from_values(values, folder / "churn.toml")


def _oracle(result: Trained, data: Path) -> dict:
    """The figures of the true probabilities on the same points."""
    predicted = pd.read_parquet(result.folder / "test_predictions.parquet")
    truth = pd.read_parquet(data / "truth.parquet")
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    both = predicted.merge(truth, on=["customer_id", "cutoff"], suffixes=("", "_true"))
    figures = evaluate(both["churned"].to_numpy(), both["churn_probability_true"].to_numpy())
    return {**figures, "points": len(both)}


def _row(name: str, model: str, figures: dict) -> str:
    shown = [
        "–" if figures[key] is None else format(figures[key], form)
        for key, form in (
            ("auc", ".3f"),
            ("average_precision", ".3f"),
            ("lift_10", ".2f"),
            ("log_loss", ".4f"),
            ("brier", ".4f"),
        )
    ]
    start = f"| {name} | {model} | {figures['points']:,} | {figures['base_rate']:.1%} | "
    return start + " | ".join(shown) + " |"


def _into_readme(result: Trained, config: Config) -> None:
    with redirect_stdout(io.StringIO()) as told:
        show.trained(result, config, "churn.toml")
    summary = told.getvalue().split("\n\n")[0].strip()
    put("README.md", "demo", f"```\n{summary}\n```")
