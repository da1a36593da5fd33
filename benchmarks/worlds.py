"""How near the model comes to what can be known: simulated businesses that nothing was tuned on.

Each knows every customer's true probability, so the truth is judged on the same test points: the
share of its skill (AUC - 0.5) and of its average precision that the model reaches, and whether the
probabilities come true.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation import evaluate
from pipeline.config import from_values
from pipeline.progress import Progress
from pipeline.simulate import simulate
from pipeline.train import train

SEEDS = (901, 902, 903)
"""Used here alone."""

CUSTOMERS, MONTHS = 20_000, 24
COLUMNS = (
    *("seed", "points", "churned", "AUC", "true AUC", "share of skill", "average precision"),
    *("true one", "share", "calibration error", "of the truth", "mean / observed", "of the truth"),
)


def run(customers: int = CUSTOMERS) -> str:
    """Train on each business; Markdown."""
    lines = [
        f"{customers:,} customers over {MONTHS} months, the defaults of the config, no search.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| {' | '.join(['---:'] * len(COLUMNS))} |",
    ]
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(_row(seed, judge(seed, customers, Path(folder))))
    return "\n".join(lines)


def judge(seed: int, customers: int, folder: Path) -> dict[str, Any]:
    """The figures of the model and of the truth on the test points of one business."""
    simulate(folder / "data", customers=customers, months=MONTHS, seed=seed)
    values = {
        "data": {"source": "data", "observed_until": pd.Timestamp("2026-11-01").date()},
        "model": {"tune_trials": 0},
    }
    result = train(from_values(values, folder / "churn.toml"), Progress())
    predicted = pd.read_parquet(result.folder / "test_predictions.parquet")
    truth = pd.read_parquet(folder / "data" / "truth.parquet")
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    both = predicted.merge(truth, on=["customer_id", "cutoff"], suffixes=("", "_true"))
    labels = both["churned"].to_numpy(dtype=np.int8)
    model, true = (
        evaluate(labels, both[f"churn_probability{whose}"].to_numpy()) for whose in ("", "_true")
    )
    return {"model": model, "truth": true, "points": len(both)}


def _row(seed: int, found: dict[str, Any]) -> str:
    model, truth = found["model"], found["truth"]
    cells = [
        str(seed),
        f"{found['points']:,}",
        f"{model['base_rate']:.1%}",
        f"{model['auc']:.4f}",
        f"{truth['auc']:.4f}",
        f"{(model['auc'] - 0.5) / (truth['auc'] - 0.5):.1%}",
        f"{model['average_precision']:.4f}",
        f"{truth['average_precision']:.4f}",
        f"{model['average_precision'] / truth['average_precision']:.1%}",
        f"{model['ece']:.4f}",
        f"{truth['ece']:.4f}",
        f"{model['mean_prediction'] / model['base_rate']:.3f}",
        f"{truth['mean_prediction'] / truth['base_rate']:.3f}",
    ]
    return f"| {' | '.join(cells)} |"
