"""What explanations cost beside LightGBM's own: `make bench ONLY=explaining`.

Ours and `predict(pred_contrib=True)` explain the same boosters, each in a process of its own, in
turn. LightGBM's gets the first few of the rows, as many as take seconds; what is compared is rows
per CPU second, and every number of these rows. Reading the booster counts for both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np

from benchmarks.jobs import Cost, cpu_seconds, peak_megabytes
from benchmarks.measuring import ROOT, bar
from models import treeshap
from models.training import KINDS, Data, Part, dataset, fit_boosters, parameters

ROUNDS, SEED = 3, 7
ROWS, COLUMNS = 100_000, 200
LEARNED_FROM = 20_000
FASTER, FARTHEST = 8.0, 1e-6
OURS, LIGHTGBM = "ours", "LightGBM"


@dataclass(frozen=True)
class Kind:
    """A kind of model: what makes its boosters, and how many rows LightGBM's explains."""

    title: str
    boosters: Callable[[Data], Sequence[str]]
    rows: int


@dataclass(frozen=True)
class Task:
    """Explain the first rows of `folder`'s matrix by the mean of its boosters."""

    who: str
    folder: str
    rows: int


def deep(data: Data, trees: int = 500) -> list[str]:
    """500 trees of 63 leaves, as deep as they like."""
    chosen = {"num_leaves": 63, "max_depth": -1, "min_data_in_leaf": 20}
    settings = {**parameters(SEED, len(data.points), chosen), "feature_pre_filter": False}
    return [lgb.train(settings, dataset(data), trees).model_to_string()]


def shallow(data: Data, trees: int = 300) -> Sequence[str]:
    """Two kinds of 300 trees of 8 leaves, as `churn train` makes them."""
    return fit_boosters(data, dataset(data), dict.fromkeys(KINDS, trees), seed=SEED)


KINDS_OF_MODEL = (
    Kind("500 trees of 63 leaves", deep, 300),
    Kind("ours: 2 x 300 trees of 8 leaves", shallow, 6_000),
)


def run(scale: float = 1.0) -> str:
    """Explain by both; Markdown."""
    lines = [
        f"{round(ROWS * scale):,} rows of {COLUMNS} columns with gaps; medians of {ROUNDS} rounds,",
        "and of the ratios in a round.",
        "",
        "| model | by | rows | CPU s | wall s | rows per CPU s | against LightGBM | peak MB |",
        f"| --- | --- |{' ---: |' * 6}",
    ]
    bars = []
    for kind in KINDS_OF_MODEL:
        print(f"explaining: {kind.title}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), kind.boosters, round(ROWS * scale))
            costs, apart = measure(folder, {OURS: round(ROWS * scale), LIGHTGBM: kind.rows})
        ratio = faster(costs)
        lines += [_line(kind.title, who, found, ratio) for who, found in costs.items()]
        bars += [
            bar(
                f"{kind.title}: rows per CPU second against LightGBM",
                ratio,
                FASTER,
                "x",
                least=True,
            ),
            f"- {kind.title}: largest difference {apart:.1e} of the largest contribution; at most "
            f"{FARTHEST:.0e}: " + ("met." if apart <= FARTHEST else "**missed**."),
        ]
    return "\n".join([*lines, "", *bars])


def prepare(
    folder: Path,
    boosters: Callable[[Data], Sequence[str]],
    rows: int,
    learned_from: int = LEARNED_FROM,
) -> None:
    """Write rows to explain, and boosters that learned from others."""
    random = np.random.default_rng(SEED)
    weights = random.normal(size=COLUMNS) * (random.random(COLUMNS) < 0.3)
    learned, matrix = (table(random, count) for count in (learned_from, rows))
    known = np.nan_to_num(learned)
    log_odds = known @ weights / 3 + known[:, 1] * known[:, 2] - 1
    labels = (random.random(learned_from) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    data = Data(Part(learned, labels), [f"f{column}" for column in range(COLUMNS)], [])
    np.save(folder / "matrix.npy", matrix)
    for number, text in enumerate(boosters(data)):
        (folder / f"booster_{number}.txt").write_text(text, encoding="utf-8")


def table(random: np.random.Generator, rows: int) -> np.ndarray:
    """Numbers with gaps, every fifth column of counts."""
    matrix = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    matrix[:, ::5] = np.floor(np.abs(matrix[:, ::5]) * 3)
    matrix[random.random(matrix.shape, np.float32) < 0.05] = np.nan
    return matrix


def measure(folder: str, rows: dict[str, int]) -> tuple[dict[str, list[Cost]], float]:
    """What each costs in each round, and how far apart they are in the rows that both explain."""
    costs: dict[str, list[Cost]] = {who: [] for who in rows}
    for _ in range(ROUNDS):
        for who, count in rows.items():
            task = json.dumps(asdict(Task(who, folder, count)))
            command = [sys.executable, "-m", "benchmarks.explaining", task]
            told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
            costs[who].append(Cost(**json.loads(told.stdout.splitlines()[-1])))
    return costs, farthest(*(np.load(Path(folder) / f"{who}.npy", mmap_mode="r") for who in rows))


def farthest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, as a share of the largest contribution."""
    return float(np.abs(ours[: len(theirs)] - theirs).max() / np.abs(theirs[:, :-1]).max())


def faster(costs: dict[str, list[Cost]]) -> float:
    """How many times LightGBM's rows per CPU second ours are: the median of the rounds."""
    rounds = zip(costs[OURS], costs[LIGHTGBM], strict=True)
    return statistics.median((a.rows / a.cpu) / (b.rows / b.cpu) for a, b in rounds)


def _line(title: str, who: str, costs: list[Cost], ratio: float) -> str:
    cpu, wall, peak = (
        statistics.median(getattr(cost, kind) for cost in costs)
        for kind in ("cpu", "wall", "peak_megabytes")
    )
    rows = costs[0].rows or 0
    told = f"{ratio:.1f}" if who == OURS else "1.0"
    cells = f"{rows:,} | {cpu:.2f} | {wall:.2f} | {rows / cpu:,.0f} | {told} | {peak:,.0f}"
    return f"| {title} | {who} | {cells} |"


def cost_of(task: Task) -> Cost:
    """Explain, and tell what it cost; the values are written beside the rows."""
    folder = Path(task.folder)
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("booster_*.txt"))]
    matrix = np.load(folder / "matrix.npy")[: task.rows]
    by = by_lightgbm if task.who == LIGHTGBM else treeshap.shap_values
    _first_run(by)
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = sum(by(text, matrix) for text in texts) / len(texts)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    peak = peak_megabytes()
    np.save(folder / f"{task.who}.npy", found)
    return Cost(cpu, wall, peak, *matrix.shape)


def by_lightgbm(text: str, matrix: np.ndarray) -> np.ndarray:
    """LightGBM's own."""
    return np.asarray(lgb.Booster(model_str=text).predict(matrix, pred_contrib=True))


def _first_run(by: Callable[[str, np.ndarray], np.ndarray]) -> None:
    """With a tiny booster, so that the compiled loops are there and the threads have started."""
    matrix = np.arange(400, dtype=np.float32).reshape(200, 2) % 17
    data = lgb.Dataset(matrix, matrix[:, 0] > 5)
    text = lgb.train({"objective": "binary", "verbosity": -1}, data, 5).model_to_string()
    by(text, matrix)
    treeshap.explain(treeshap.forest_of(text), matrix, 1)


if __name__ == "__main__":
    print(json.dumps(asdict(cost_of(Task(**json.loads(sys.argv[1]))))))
