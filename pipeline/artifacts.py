"""The files of a training run: metrics, test predictions, explanations, plots, the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.points import CutoffCount
from pipeline import evaluation_plots, explanation_plots
from pipeline.beeswarm import beeswarm
from pipeline.config import Config
from pipeline.dependence_plots import draw_dependence
from pipeline.explaining import Global
from pipeline.files import to_json, whole_folder, write_parquet
from pipeline.plotting import save

if TYPE_CHECKING:
    import pandas as pd


def write(
    folder: Path,
    *,
    config: Config,
    metrics: Mapping[str, Any],
    overall: Global,
    predictions: pd.DataFrame,
    counts: Sequence[CutoffCount],
    accounts: Mapping[str, Any],
    texts: Mapping[str, str],
) -> Path:
    """Write everything about a run into a folder, whole or not at all; returns the folder.

    `texts` are further files, by name.
    """
    with whole_folder(folder) as draft:
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        (draft / "metrics.json").write_text(to_json(metrics) + "\n", encoding="utf-8")
        (draft / "config.json").write_text(to_json(config.as_shown()) + "\n", encoding="utf-8")
        (draft / "tables.json").write_text(to_json(accounts) + "\n", encoding="utf-8")
        (draft / "points.json").write_text(
            to_json([asdict(count) for count in counts]) + "\n", encoding="utf-8"
        )
        write_parquet(predictions, draft / "test_predictions.parquet")
        _explanations(overall, draft)
        evaluation_plots.draw(metrics, draft)
    return folder


def _explanations(overall: Global, folder: Path) -> None:
    """What moves the risk, as tables and plots."""
    write_parquet(overall.catalogue(), folder / "features.parquet")
    write_parquet(overall.drivers_of_all_and_parts(), folder / "drivers.parquet")
    write_parquet(overall.pairs, folder / "interactions.parquet")
    for name, values in (
        ("cohorts.json", overall.cohorts_as_json()),
        ("reasons.json", overall.reasons.as_dict()),
    ):
        (folder / name).write_text(to_json(values) + "\n", encoding="utf-8")
    explanation_plots.draw(overall, folder)
    draw_dependence(overall, folder)
    save(beeswarm(overall.explained), folder / "features.png")
