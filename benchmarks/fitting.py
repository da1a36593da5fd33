"""What training costs beside `lightgbm.train` alone: `make bench ONLY=fitting`.

Beside ours, on the same matrix of the training points and with the same parameters and numbers of
trees, are two bare calls of `lightgbm.train`, one for each kind of booster. Ours is told in two
parts: the boosters, which are the same two fits, and all that `models.training.fit` does, where
folds of later points also tell how many trees there should be and how to calibrate, which the bare
calls are given.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb

from benchmarks import businesses
from benchmarks.measuring import bar
from features.vectors import KEYS
from models.matrix import find_levels, to_matrix
from models.training import KINDS, Data, Fitted, Part, dataset, fit, fit_boosters, parameters
from pipeline.parting import Parts

ROUNDS, SEED = 3, 7
LIMIT = 1.3
BARE, BOOSTERS, WHOLE = "lightgbm.train", "the boosters", "counting trees and calibrating, too"


@dataclass(frozen=True)
class Cost:
    """Seconds of a job: of the clock, and of all threads."""

    wall: float
    cpu: float


def run(names: Iterable[str] = ()) -> str:
    """Time the training on all histories that are there; Markdown."""
    lines = [
        f"Medians of {ROUNDS} rounds, in each of which every job runs once, and of the ratios in a",
        "round.",
        "",
        "| histories | points | columns | trees | job | CPU s | wall s | CPU | wall |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    highest = {BOOSTERS: 0.0, WHOLE: 0.0}
    for name in names or businesses.there():
        print(f"timing: {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            data = _data(name, Path(folder))
        fitted = fit(data, seed=SEED)
        costs = time_jobs(data, fitted, ROUNDS)
        rows, columns = data.points.matrix.shape
        trees = " + ".join(str(count) for count in fitted.trees.values())
        for job, found in costs.items():
            ratios = [_ratio(found, costs[BARE], kind) for kind in ("cpu", "wall")]
            cells = [
                *(name, f"{rows:,}", str(columns), trees, job),
                *(f"{_median(found, kind):.2f}" for kind in ("cpu", "wall")),
                *(f"{ratio:.2f}" for ratio in ratios),
            ]
            lines.append(f"| {' | '.join(cells)} |")
            if job in highest:
                highest[job] = max(highest[job], ratios[0])
    bars = [bar(f"{job}, CPU against {BARE}", most, LIMIT, "x") for job, most in highest.items()]
    return "\n".join([*lines, "", *bars])


def _data(name: str, folder: Path) -> Data:
    """The training points of a business, as `churn train` gives them to the model."""
    with businesses.opened(name, folder) as business:
        split = business.split()
        vectors = business.vectors((*split.known, *split.test), known_before=split.test[0])
        wait = business.definition.days_until_known
    parts = Parts(vectors, split)
    train = parts.frames["train"]
    texts = [feature.name for feature in vectors.catalogue if feature.is_text]
    return Data(
        points=Part(
            to_matrix(train, vectors.names, find_levels(train, texts)), parts.labels("train")
        ),
        features=vectors.names,
        categorical=texts,
        folds=parts.folds(wait),
        times=train[KEYS[1]].to_numpy(),
    )


def time_jobs(data: Data, fitted: Fitted, rounds: int) -> dict[str, list[Cost]]:
    """What each job costs in each round."""
    jobs: dict[str, Callable[[], object]] = {
        BARE: lambda: bare(data, fitted),
        BOOSTERS: lambda: fit_boosters(data, dataset(data), fitted.trees, seed=SEED),
        WHOLE: lambda: fit(data, seed=SEED),
    }
    found: dict[str, list[Cost]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            job()
            found[name].append(Cost(time.perf_counter() - wall, time.process_time() - cpu))
    return found


def bare(data: Data, fitted: Fitted) -> list[lgb.Booster]:
    """The same boosters by LightGBM alone."""
    found = []
    for number, (kind, own) in enumerate(KINDS.items()):
        settings = parameters(SEED + number, len(data.points), own)
        table = lgb.Dataset(
            data.points.matrix,
            data.points.labels,
            feature_name=list(data.features),
            categorical_feature=list(data.categorical),
            params=settings,
        )
        found.append(lgb.train(settings, table, num_boost_round=fitted.trees[kind]))
    return found


def _median(costs: list[Cost], kind: str) -> float:
    return statistics.median(getattr(cost, kind) for cost in costs)


def _ratio(costs: list[Cost], to: list[Cost], kind: str) -> float:
    pairs = zip(costs, to, strict=True)
    return statistics.median(getattr(one, kind) / getattr(other, kind) for one, other in pairs)
