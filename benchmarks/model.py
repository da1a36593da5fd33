"""What was tried with the model, and what it brought: `make bench ONLY=model`.

Everything is judged on the newest fold inside the training (`models.split.rolling_origins`), beside
the model as it is, on the same later points; no test point is seen. Every fit, with the trial or
without, has as many trees as serve these points best. A figure's error is that of the customers
drawn; two fits that differ in their seed alone differ by the row "other seeds".
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks import businesses
from benchmarks.effects import Figure, pooled, ranked, surprised
from benchmarks.pages import put
from benchmarks.trials import SEED, TRIALS, Learner, Table, boosted
from features.vectors import KEYS, LABEL
from models.matrix import find_levels, to_matrix
from models.split import rolling_origins

MORE_POINTS = "points between the cutoffs, too"
MOST_POINTS = 120_000
"""At most so many points at the cutoffs, those of customers drawn."""


@dataclass(frozen=True)
class Difference:
    """What a trial changes: AUC in 1e-4, log loss in 1e-5."""

    auc: Figure
    log_loss: Figure


def run() -> str:
    """Try everything on all histories that are there, also into docs/model.md; Markdown."""
    told = measure()
    put("docs/model.md", "trials", told)
    return told


def measure(only: str = "", names: Iterable[str] = ()) -> str:
    """Try the trials whose names match; Markdown."""
    found: dict[str, dict[str, Difference | None]] = {}
    levels = {}
    for name in names or businesses.there():
        with tempfile.TemporaryDirectory() as folder:
            table, wait = _table(name, Path(folder))
        levels[name], found[name] = attempt(table, wait, only)
    return "\n".join([*_told_levels(levels), "", *_told(found)])


def _table(name: str, folder: Path) -> tuple[Table, int]:
    """Points whose labels were known when the test began, as many between them, and the wait."""
    with businesses.opened(name, folder) as business:
        split = business.split()
        known = np.array(split.known)
        between = known[:-1] + np.diff(known) // 2
        vectors = business.vectors(np.union1d(known, between), known_before=split.test[0])
        wait = business.definition.days_until_known
    frame = vectors.frame
    days = frame[KEYS[1]].to_numpy().astype("datetime64[D]").astype(np.int64)
    customers = pd.factorize(frame[KEYS[0]])[0]
    share = MOST_POINTS / np.isin(days, known).sum()
    if share < 1:
        drawn = np.random.default_rng(SEED).random(customers.max() + 1) < share
        frame, days = frame[drawn[customers]], days[drawn[customers]]
        customers = customers[drawn[customers]]
    texts = tuple(feature.name for feature in vectors.catalogue if feature.is_text)
    table = Table(
        matrix=to_matrix(frame, vectors.names, find_levels(frame, texts)),
        labels=frame[LABEL].to_numpy(dtype=np.int8),
        days=days,
        customers=customers,
        between=~np.isin(days, known),
        names=tuple(vectors.names),
        texts=texts,
    )
    return table, wait


def attempt(
    table: Table, wait: int, only: str = "", trials: Mapping[str, Learner] = TRIALS
) -> tuple[dict[str, float], dict[str, Difference | None]]:
    """Every trial on the newest fold: how good the model as it is was there, and the differences.

    A trial that LightGBM cannot do has None.
    """
    known = np.unique(table.days[~table.between])
    fold = rolling_origins(known.tolist(), days_until_known=wait)[-1]
    later = table.rows(np.isin(table.days, fold.validation) & ~table.between)
    dense = table.rows(table.days + wait <= fold.validation[0])
    learned = dense.rows(~dense.between)
    now = boosted(learned, later)
    level = {
        "auc": ranked(later.labels, now)[0],
        "log loss": surprised(later.labels, now)[0],
        "points": len(later.labels),
        "churned": float(later.labels.mean()),
    }
    tried: dict[str, Difference | None] = {}
    for name, learn in {**trials, MORE_POINTS: boosted}.items():
        if not re.search(only, name):
            continue
        print(f"trying: {name}", file=sys.stderr, flush=True)
        try:
            then = learn(dense if name == MORE_POINTS else learned, later)
        except lgb.basic.LightGBMError:
            tried[name] = None
        else:
            tried[name] = _difference(later, now, then)
    return level, tried


def _difference(later: Table, now: np.ndarray, then: np.ndarray) -> Difference:
    """What changes, with the error of the customers drawn."""
    found = []
    for measure, scale in ((ranked, 1e4), (surprised, 1e5)):
        (old, old_parts), (new, new_parts) = (measure(later.labels, each) for each in (now, then))
        moved = np.bincount(later.customers, weights=new_parts - old_parts)
        error = float(np.sqrt((moved**2).sum()))
        found.append(Figure(scale * (new - old), scale * error))
    return Difference(*found)


def _told_levels(levels: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = [
        "The model as it is, on the later points of the newest fold:",
        "",
        "| histories | points | churned | AUC | log loss |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, level in levels.items():
        figures = f"{level['points']:,} | {level['churned']:.1%} | {level['auc']:.4f}"
        lines.append(f"| {name} | {figures} | {level['log loss']:.5f} |")
    return lines


def _told(found: Mapping[str, Mapping[str, Difference | None]]) -> list[str]:
    names = list(found)
    lines = [
        "What each trial changes. AUC in 1e-4 (should rise), below it log loss in 1e-5 (should",
        "fall), ± a standard error; pooled: each history by its certainty.",
        "",
        f"| trial | pooled | {' | '.join(names)} |",
        f"| --- | ---: | {'---: | ' * len(names)}",
    ]
    for trial in next(iter(found.values()), {}):
        given = [found[name][trial] for name in names]
        there = [each for each in given if each]
        both = (
            Difference(
                pooled([each.auc for each in there]), pooled([each.log_loss for each in there])
            )
            if there
            else None
        )
        cells = [f"{each.auc}<br>{each.log_loss}" if each else "fails" for each in (both, *given)]
        lines.append(f"| {trial} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Try some of the trials; prints, writes nothing.")
    asked.add_argument("--trials", default="", help="a regular expression of their names")
    asked.add_argument("--histories", nargs="*", default=())
    given = asked.parse_args()
    print(measure(given.trials, given.histories))
