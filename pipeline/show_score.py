"""The points score beside the model, for people: by segment, and what its points should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.consoles import console_for

FIGURES = (
    ("AUC", "auc", ".3f"),
    ("lift, top 10 %", "lift_10", ".2f"),
    ("calibration", "ece", ".4f"),
)
PREFIX = "customers_profile_"


def points_score(found: Mapping[str, Any] | None, console: Console | None = None) -> None:
    """What ``metrics["points_score"]`` of a training run says; nothing where there is no score."""
    if found is None:
        return
    console = console or console_for()
    console.print(_by_segment(found["by_segment"]))
    if found["weights"]:
        console.print()
        console.print(_weights(found["weights"]))
    for sentence in sentences(found):
        console.print(sentence, soft_wrap=True)


def sentences(found: Mapping[str, Any]) -> list[str]:
    """Where the score fails most, and the rule whose weight differs most between segments."""
    told = []
    parts = [
        (f"{_plain(feature)} = {value}", one)
        for feature, values in found["by_segment"].items()
        for value, one in values.items()
        if one["model"]["auc"] is not None and one["points_score"]["auc"] is not None
    ]
    if parts:
        name, one = max(parts, key=lambda p: p[1]["model"]["auc"] - p[1]["points_score"]["auc"])
        told.append(
            f"The score falls furthest behind at {name}: AUC {one['points_score']['auc']:.3f} "
            f"against {one['model']['auc']:.3f}."
        )
    spread = {rule: _widest(weights) for rule, weights in found["weights"].items()}
    known = {rule: edges for rule, edges in spread.items() if edges}
    if known:
        rule = max(known, key=lambda one: known[one][1][1] - known[one][0][1])
        (low_at, low), (high_at, high) = known[rule]
        told.append(
            f"One weight cannot fit all: {rule} would need {low:.1f} points at {_plain(low_at)} "
            f"and {high:.1f} at {_plain(high_at)}, and has {found['weights'][rule]['by_hand']:.0f}."
        )
    return [escape(sentence) for sentence in told]


def _widest(
    weights: Mapping[str, float | None],
) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """Of the segments, the one with the lowest and the one with the highest fitted weight."""
    told = [
        (name, weight)
        for name, weight in weights.items()
        if name not in ("by_hand", "all") and weight is not None
    ]
    if len(told) < 2:
        return None
    return min(told, key=lambda one: one[1]), max(told, key=lambda one: one[1])


def _by_segment(found: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("segment")
    table.add_column("churned", justify="right")
    for label, _, _ in FIGURES:
        table.add_column(f"{label}: model", justify="right")
        table.add_column("points score", justify="right")
    for feature, values in found.items():
        for value, one in values.items():
            cells = [
                _figure(one[who][name], form)
                for _, name, form in FIGURES
                for who in ("model", "points_score")
            ]
            name = f"{_plain(feature)} = {value}"
            table.add_row(escape(name), f"{one['churned']:,} of {one['points']:,}", *cells)
    return table


def _weights(found: Mapping[str, Mapping[str, float | None]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("points")
    columns = list(next(iter(found.values())))
    for name in columns:
        table.add_column(escape(_plain(name).replace("_", " ")), justify="right")
    for rule, weights in found.items():
        table.add_row(rule, *(_figure(weights[name], ".1f") for name in columns))
    return table


def _plain(name: str) -> str:
    return name.removeprefix(PREFIX)


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
