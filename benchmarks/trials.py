"""What else could be done with a model: a trial learns from points and predicts later ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.effects import surprised
from models.training import FEWEST_TREES, KINDS, MOST_TREES, fit_until_best, parameters

SEED = 11
HALF_LIFE_DAYS = 180

Rows = np.ndarray
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Points as a booster reads them.

    Attributes
    ----------
    days
        The cutoff of each, in days since 1970.
    between
        Whether a point lies between the cutoffs of the config: only for the trial of more points.
    """

    matrix: np.ndarray
    labels: np.ndarray
    days: np.ndarray
    customers: np.ndarray
    between: np.ndarray
    names: tuple[str, ...]
    texts: tuple[str, ...]

    def rows(self, which: np.ndarray) -> Table:
        """Some of the points."""
        parts = {
            name: getattr(self, name)[which]
            for name in ("matrix", "labels", "days", "customers", "between")
        }
        return replace(self, **parts)

    def with_columns(self, columns: Mapping[str, np.ndarray]) -> Table:
        """More columns."""
        more = np.column_stack([each.astype(np.float32) for each in columns.values()])
        names = (*self.names, *columns)
        return replace(self, matrix=np.hstack([self.matrix, more]), names=names)

    def with_only(self, kept: Iterable[str]) -> Table:
        """Fewer columns."""
        places = [self.names.index(name) for name in kept]
        names = tuple(self.names[place] for place in places)
        texts = tuple(name for name in self.texts if name in names)
        return replace(self, matrix=self.matrix[:, places], names=names, texts=texts)


Learner = Callable[[Table, Table], np.ndarray]
"""Learns from the first, gives the log-odds of the second's points."""


def boosted(
    learned: Table,
    later: Table,
    *,
    settings: Settings | None = None,
    kinds: Mapping[str, Settings] = KINDS,
    weights: np.ndarray | None = None,
    seeds: int = 1,
    seed: int = SEED,
) -> np.ndarray:
    """The mean log-odds of a booster of each kind, with as many trees as serve best."""
    found = []
    for number, own in enumerate([own for own in kinds.values() for _ in range(seeds)]):
        given = {
            **parameters(seed + number, len(learned.labels), {**(settings or {}), **own}),
            "feature_pre_filter": False,
        }
        found.append(_booster(learned, later, given, weights)[1])
    return np.mean(found, axis=0)


def _booster(
    learned: Table, later: Table, settings: Settings, weights: np.ndarray | None = None
) -> tuple[lgb.Booster, np.ndarray]:
    data = lgb.Dataset(
        learned.matrix,
        learned.labels,
        weight=weights,
        feature_name=list(learned.names),
        categorical_feature=list(learned.texts),
        params=dict(settings),
    )
    judged = lgb.Dataset(later.matrix, later.labels, reference=data, params=dict(settings))
    booster, trees = fit_until_best(
        dict(settings), data, judged, fewest=FEWEST_TREES, most=MOST_TREES
    )
    return booster, booster.predict(later.matrix, raw_score=True, num_iteration=trees)


SIGNS = (
    (r"(usage|payments)_days_since_last.*|usage_silence_vs_.*", 1),
    (r"payments_failed_(run|count|share).*|payments_last_failed", 1),
    (r"tickets_open_(count|oldest_days)|tickets_hours_to_close_.*", 1),
    (r"usage_(count|active_days)_(7|30)d|usage_count_vs_own_.*", -1),
    (r"(tickets_csat|surveys_\w+)_(mean|last|min).*", -1),
)
"""What the business knows: by name, whether more of it means more churn (1) or less (-1)."""


def monotone(learned: Table, later: Table) -> np.ndarray:
    """Constrained where the business knows the sign."""
    signs = [
        next((sign for names, sign in SIGNS if re.fullmatch(names, name)), 0)
        for name in learned.names
    ]
    return boosted(learned, later, settings={"monotone_constraints": signs})


def recent(learned: Table, later: Table) -> np.ndarray:
    """Old points weigh less."""
    age = learned.days.max() - learned.days
    return boosted(learned, later, weights=0.5 ** (age / HALF_LIFE_DAYS))


def selected(learned: Table, later: Table) -> np.ndarray:
    """Only the features that, shuffled, make later points of the training worse."""
    days = np.unique(learned.days)
    inner = learned.days > days[int(0.75 * len(days))]
    first, second = learned.rows(~inner), learned.rows(inner)
    random = np.random.default_rng(SEED)
    if len(second.labels) > 5_000:
        second = second.rows(np.sort(random.choice(len(second.labels), 5_000, replace=False)))
    settings = {**parameters(SEED, len(first.labels)), "feature_pre_filter": False}
    booster, raw = _booster(first, second, settings)
    kept = []
    for place, name in enumerate(learned.names):
        column = second.matrix[:, place].copy()
        second.matrix[:, place] = random.permutation(column)
        shuffled = booster.predict(
            second.matrix, raw_score=True, num_iteration=booster.best_iteration
        )
        second.matrix[:, place] = column
        if surprised(second.labels, shuffled)[0] > surprised(second.labels, raw)[0]:
            kept.append(name)
    return boosted(learned.with_only(kept), later.with_only(kept))


def target_statistics(learned: Table, later: Table) -> np.ndarray:
    """Categories as the churn rate of other customers with the same one."""
    part, added, added_later = learned.customers % 5, {}, {}
    for name in learned.texts:
        place = learned.names.index(name)
        codes, codes_later = learned.matrix[:, place], later.matrix[:, place]
        rates = np.empty(len(codes))
        for held in range(5):
            rates[part == held] = _rates(codes[part != held], learned.labels[part != held])(
                codes[part == held]
            )
        added[f"{name}_rate"] = rates
        added_later[f"{name}_rate"] = _rates(codes, learned.labels)(codes_later)
    if not added:
        return boosted(learned, later)
    kept = [name for name in learned.names if name not in learned.texts]
    return boosted(
        learned.with_only(kept).with_columns(added), later.with_only(kept).with_columns(added_later)
    )


def _rates(codes: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Code to churn rate, drawn to the mean of all by 20 points."""
    base = labels.mean()
    known = pd.DataFrame({"code": codes, "label": labels}).groupby("code")["label"]
    rate = (known.sum() + 20 * base) / (known.size() + 20)
    return lambda asked: pd.Series(asked).map(rate).fillna(base).to_numpy()


def with_season(learned: Table, later: Table) -> np.ndarray:
    """The month of the cutoff as one more column."""

    def month(table: Table) -> Table:
        months = table.days.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12
        return table.with_columns({"season": months})

    return boosted(month(learned), month(later))


def logistic(learned: Table, later: Table) -> np.ndarray:
    """On ranks as normal scores, with flags of categories and of what is missing."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import QuantileTransformer

    size = len(learned.labels)
    random = np.random.default_rng(SEED)
    train = learned.rows(np.sort(random.choice(size, min(size, 20_000), replace=False)))
    numbers = [name for name in train.names if name not in train.texts]
    own = train.with_only(numbers).matrix
    some = np.isfinite(own).any(axis=0)
    flagged = some & (np.isnan(own).mean(axis=0) > 0.01)
    medians = np.nanmedian(own[:, some], axis=0)
    ranks = QuantileTransformer(output_distribution="normal", n_quantiles=100, subsample=None)
    ranks.fit(np.where(np.isnan(own[:, some]), medians, own[:, some]))

    def columns(table: Table) -> np.ndarray:
        found = table.with_only(numbers).matrix
        codes = [
            table.matrix[:, [table.names.index(name)]] == code
            for name in table.texts
            for code in range(10)
        ]
        normal = ranks.transform(np.where(np.isnan(found[:, some]), medians, found[:, some]))
        return np.hstack([np.clip(normal, -3, 3), np.isnan(found[:, flagged]), *codes])

    model = LogisticRegression(C=0.003, max_iter=200, tol=1e-3)
    return model.fit(columns(train), train.labels).decision_function(columns(later))


def with_logistic(learned: Table, later: Table) -> np.ndarray:
    """A quarter of a logistic regression in the mean."""
    return 0.75 * boosted(learned, later) + 0.25 * logistic(learned, later)


def bagged_folds(learned: Table, later: Table) -> np.ndarray:
    """Four models, each of which leaves out a quarter of the customers."""
    found = [
        boosted(learned.rows(learned.customers % 4 != held), later, seed=SEED + 10 * held)
        for held in range(4)
    ]
    return np.mean(found, axis=0)


_SEARCHED = {"searched": KINDS["searched"]}
_RANDOM = {"random": KINDS["random"]}
_DEEP = {"num_leaves": 31, "max_depth": 6}

TRIALS: dict[str, Learner] = {
    "other seeds": partial(boosted, seed=SEED + 100),
    "searched splits alone": partial(boosted, kinds=_SEARCHED),
    "random splits alone": partial(boosted, kinds=_RANDOM),
    "31 leaves, depth 6, searched splits": partial(boosted, kinds=_SEARCHED, settings=_DEEP),
    "15 leaves, depth 5": partial(boosted, settings={"num_leaves": 15, "max_depth": 5}),
    "4 leaves, depth 2": partial(boosted, settings={"num_leaves": 4, "max_depth": 2}),
    "three seeds of each kind": partial(boosted, seeds=3),
    "bagging of folds": bagged_folds,
    "learning rate 0.02": partial(boosted, settings={"learning_rate": 0.02}),
    "l2 0, hessian 0.001": partial(
        boosted, settings={"lambda_l2": 0.0, "min_sum_hessian_in_leaf": 1e-3}
    ),
    "l2 20, 200 points a leaf": partial(
        boosted, settings={"lambda_l2": 20.0, "min_data_in_leaf": 200}
    ),
    "a third of the features": partial(boosted, settings={"feature_fraction": 0.33}),
    "63 bins": partial(boosted, settings={"max_bin": 63}),
    "quantised gradients, searched splits": partial(
        boosted, kinds=_SEARCHED, settings={"use_quantized_grad": True}
    ),
    "linear trees": partial(
        boosted, kinds=_SEARCHED, settings={"linear_tree": True, "linear_lambda": 10.0}
    ),
    "monotone constraints": monotone,
    "selection by permutation": selected,
    "recency weights": recent,
    "target statistics": target_statistics,
    "season": with_season,
    "logistic regression alone": logistic,
    "a quarter of logistic regression": with_logistic,
}
