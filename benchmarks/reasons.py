"""Whether reasons are right: simulated businesses that know each customer's true cause.

On worlds that nothing was tuned on: contributions add up, the top driver is the true main cause of
customers at risk whose cause is clear, drivers rank as the true causes do, refits name the same
driver, and risk falls when that driver is as usual.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.plan import Plan
from features.points import make_points
from features.vectors import KEYS, build_vectors
from models.drivers import Drivers
from models.faithfulness import faithfulness
from models.risk import HIGH, LOW, risk_bands
from models.usual import Usual
from pipeline.config import Config, from_values
from pipeline.opening import definition_of, open_histories
from pipeline.progress import Progress
from pipeline.registry import resolve
from pipeline.simulate import simulate
from pipeline.steadying import drivers_of
from pipeline.train import train
from pipeline.world import CAUSES

SEEDS = (911, 912, 913)
"""Used here alone."""

CUSTOMERS, MONTHS = 20_000, 24


def run(customers: int = CUSTOMERS) -> str:
    """Train on each business and judge its reasons; Markdown."""
    columns: list[dict[str, str]] = []
    causes: list[str] = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            found = judge(seed, customers, Path(folder))
        columns.append(found["figures"])
        causes += _rows_of_causes(seed, found["causes"])
    return "\n".join(
        [
            f"{customers:,} customers over {MONTHS} months, the defaults of the config, no search.",
            "",
            f"| | {' | '.join(f'seed {seed}' for seed in SEEDS)} |",
            f"| --- |{' ---: |' * len(SEEDS)}",
            *(f"| {name} | {' | '.join(each[name] for each in columns)} |" for name in columns[0]),
            "",
            "Log-odds that drivers add for customers at risk, beside what the causes truly add:",
            "",
            f"| | {' | '.join(CAUSES)} |",
            f"| --- |{' ---: |' * len(CAUSES)}",
            *causes,
        ]
    )


def judge(seed: int, customers: int, folder: Path, *, refits: int = 10) -> dict[str, Any]:
    """The figures of one business, as they are told."""
    simulate(folder / "data", customers=customers, months=MONTHS, seed=seed)
    values = {
        "data": {"source": "data", "observed_until": pd.Timestamp("2026-11-01").date()},
        "model": {"tune_trials": 0, "refits": refits},
    }
    config = from_values(values, folder / "churn.toml")
    trained = train(config, Progress())
    cutoffs = [pd.Timestamp(day).date() for day in trained.metrics["test"]["cutoffs"]]
    drivers = _drivers_at(config, cutoffs)
    truth = pd.read_parquet(folder / "data" / "truth.parquet")
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    return _judged(drivers, drivers.explanation.frame[[*KEYS]].merge(truth, on=[*KEYS], how="left"))


def _drivers_at(config: Config, cutoffs: list[Any]) -> Drivers:
    """The drivers of every customer at some cutoffs, by the model in charge."""
    model, _ = resolve(config, None)
    histories = open_histories(config, Progress())
    try:
        points = make_points(histories, definition_of(config), cutoffs)
        plan = Plan.from_dict(model.context["plan"])
        return drivers_of(model, build_vectors(histories, plan, points).frame)
    finally:
        histories.close()


def _judged(drivers: Drivers, truth: pd.DataFrame) -> dict[str, Any]:
    explanation = drivers.explanation
    model, frame = explanation.model, explanation.frame
    predicted = model.predict(frame)
    bands = risk_bands(predicted, model.base_rate)
    clear = truth["cause_clear"].to_numpy() & (bands != LOW)
    main = truth["main_cause"].to_numpy()
    told = drivers.importance(bands != LOW)
    ours = np.array([told[cause] for cause in CAUSES])
    true = truth.loc[bands != LOW, [f"cause_{cause}" for cause in CAUSES]].mean().to_numpy()
    everywhere = drivers.importance()
    of_all = np.array([everywhere[cause] for cause in CAUSES])
    true_of_all = truth[[f"cause_{cause}" for cause in CAUSES]].mean().to_numpy()
    high = np.flatnonzero(bands == HIGH)
    steady = model.stability
    assert steady is not None
    return {
        "figures": {
            "test points": f"{len(frame):,}",
            "largest error of a sum, log-odds": f"{_error_in_log_odds(drivers, predicted):.0e}",
            "largest error of a sum, probability": f"{_error(drivers, predicted):.0e}",
            "customers at risk, cause clear": f"{clear.sum():,}",
            "top driver is the true main cause": _right(drivers, main, clear),
            "– held against the mean customer": _right(_against_the_mean(drivers), main, clear),
            "– without the rule for newcomers": _right(_without_newcomers(drivers), main, clear),
            "– where a poor start is the cause": _right(drivers, main, clear & _poor(main)),
            "– the same, without the rule": _right(
                _without_newcomers(drivers), main, clear & _poor(main)
            ),
            "rank correlation of drivers, at risk": f"{_spearman(ours, true):.2f}",
            "the same, of all customers": f"{_spearman(of_all, true_of_all):.2f}",
            "refits that name the same top driver": f"{steady.agreement:.1%}",
            "customers of high risk": f"{len(high):,}",
            "risk falls when the top driver is as usual": f"{faithfulness(drivers, high):.1%}",
        },
        "causes": {"ours": ours, "true": true},
    }


def _right(drivers: Drivers, main: np.ndarray, rows: np.ndarray) -> str:
    """The share of the rows whose top driver is the true main cause."""
    top = np.array(drivers.groups)[drivers.top]
    return f"{np.mean((top == main)[rows]):.1%}"


def _poor(main: np.ndarray) -> np.ndarray:
    return np.asarray(main == "onboarding")


def _against_the_mean(drivers: Drivers) -> Drivers:
    """The drivers as SHAP tells them."""
    explanation = drivers.explanation
    model = replace(explanation.model, usual=Usual())
    return Drivers.of(replace(explanation, model=model), facts=drivers.facts)


def _without_newcomers(drivers: Drivers) -> Drivers:
    """The drivers if each feature had one group for all customers."""
    explanation = drivers.explanation
    plain = tuple({**each, "onboarding_below": None} for each in explanation.model.features)
    explanation = replace(explanation, model=replace(explanation.model, features=plain))
    usual = Usual.of(explanation)
    model = replace(explanation.model, usual=usual)
    return Drivers.of(replace(explanation, model=model), facts=drivers.facts)


def _error_in_log_odds(drivers: Drivers, predicted: np.ndarray) -> float:
    """How far contributions and pushes are from adding up to the log-odds, at the worst."""
    explanation = drivers.explanation
    log_odds = np.log(predicted) - np.log1p(-predicted)
    features = explanation.expected + explanation.contributions.sum(axis=1)
    groups = drivers.base + drivers.pushes.sum(axis=1)
    return float(max(np.abs(features - log_odds).max(), np.abs(groups - log_odds).max()))


def _error(drivers: Drivers, predicted: np.ndarray) -> float:
    """The same in probability."""
    explanation = drivers.explanation
    features = explanation.expected_probability + explanation.in_probability.sum(axis=1)
    groups = drivers.usual_probability + drivers.in_probability.sum(axis=1)
    return float(max(np.abs(features - predicted).max(), np.abs(groups - predicted).max()))


def _spearman(ours: np.ndarray, true: np.ndarray) -> float:
    return float(pd.Series(ours).corr(pd.Series(true), method="spearman"))


def _rows_of_causes(seed: int, causes: dict[str, np.ndarray]) -> list[str]:
    return [
        f"| seed {seed}, {whose} | {' | '.join(f'{value:.2f}' for value in values)} |"
        for whose, values in causes.items()
    ]
