"""Who is persuadable: how much a contact lowers each customer's probability of churn.

An X-learner (Kuenzel, Sekhon, Bickel and Yu 2019, PNAS 116), made for arms of unlike size. Churn is
learned in each arm; what the other arm's model expects of a customer, less what happened, is the
customer's own effect, with much noise; these are learned in turn, and both answers are weighted by
the chance of being contacted, which the design of the campaign tells. What is expected of a
customer comes from models that have not seen it (cross-fitting).

An effect is far harder to learn than a risk. So the trees are few, small and pulled towards none,
and `models.persuading` judges whether the order is used at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.cores import usable_cores

FOLDS = 4
TREES = 60
FEWEST_OF_EACH = 20
"""Leavers, and others, that each arm must have to be learned from."""

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 4,
    "max_depth": 2,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 10.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
MIN_IN_LEAF = 0.1
"""A leaf holds at least this share of the rows that are learned from, and 20."""


@dataclass(frozen=True)
class Uplift:
    """The boosters of an X-learner, and how they are weighted.

    Attributes
    ----------
    of_treated, of_holdout
        Boosters of the effect, learned from each arm, in LightGBM's text format.
    propensity
        Mean chance of being contacted: the weight of what was learned from the holdout.
    """

    of_treated: str
    of_holdout: str
    propensity: float

    @staticmethod
    def fit(
        matrix: np.ndarray,
        treated: np.ndarray,
        churned: np.ndarray,
        propensity: np.ndarray,
        features: Sequence[str],
        categorical: Sequence[str],
        seed: int,
    ) -> Uplift:
        """Learn from campaigns with a holdout.

        Parameters
        ----------
        matrix
            Customers x features before the contact, from `models.matrix`: categories as codes.
        treated, churned
            Whether each was contacted, and whether it left (0 or 1).
        propensity
            The chance of being contacted that each had, between 0 and 1 without both.

        Raises
        ------
        ValueError
            When an arm has fewer than 20 leavers or 20 others, or a chance is none.
        """
        treated, churned = np.asarray(treated).astype(bool), np.asarray(churned, np.float64)
        _check(treated, churned, propensity)
        learner = _Learner(list(features), list(categorical), seed)
        expected = {arm: learner.expected(matrix, churned, treated == arm) for arm in (True, False)}
        kept = np.where(treated, expected[False] - churned, churned - expected[True])
        first, second = (learner.effects(matrix[arm], kept[arm]) for arm in (treated, ~treated))
        return Uplift(first, second, float(np.mean(propensity)))

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """By how much a contact lowers the probability of churn; below 0 it raises it."""
        import lightgbm as lgb

        first, second = (
            np.asarray(lgb.Booster(model_str=text).predict(matrix))
            for text in (self.of_treated, self.of_holdout)
        )
        return np.clip((1 - self.propensity) * first + self.propensity * second, -1.0, 1.0)


class _Learner:
    """Small boosters of some features."""

    def __init__(self, features: list[str], categorical: list[str], seed: int) -> None:
        self.features, self.categorical, self.seed = features, categorical, seed

    def expected(self, matrix: np.ndarray, churned: np.ndarray, arm: np.ndarray) -> np.ndarray:
        """Churn expected of every customer if it were in this arm, by who is in it."""
        fold = self._folds(churned, arm)
        told = np.zeros(len(churned))
        for number in range(FOLDS):
            own = arm & (fold != number)
            booster = self._fit(matrix[own], churned[own], objective="binary")
            # Who is in the other arm was seen by none of them, so all of them answer.
            told += np.where(arm, fold == number, 1 / FOLDS) * booster(matrix)
        return told

    def effects(self, matrix: np.ndarray, kept: np.ndarray) -> str:
        """A booster of the customers' own effects, as text."""
        return str(self._train(matrix, kept, "regression").model_to_string())

    def _folds(self, churned: np.ndarray, arm: np.ndarray) -> np.ndarray:
        """A fold for each customer, with leavers and others spread evenly."""
        random = np.random.default_rng(self.seed)
        fold = np.zeros(len(churned), dtype=int)
        for label in (0, 1):
            rows = np.flatnonzero(arm & (churned == label))
            fold[rows] = random.permutation(np.arange(len(rows)) % FOLDS)
        return fold

    def _fit(
        self, matrix: np.ndarray, labels: np.ndarray, *, objective: str
    ) -> Callable[[np.ndarray], np.ndarray]:
        booster = self._train(matrix, labels, objective)
        return lambda rows: np.asarray(booster.predict(rows))

    def _train(self, matrix: np.ndarray, labels: np.ndarray, objective: str) -> Any:
        import lightgbm as lgb

        settings = {
            **SETTINGS,
            "objective": objective,
            "min_data_in_leaf": max(20, round(len(labels) * MIN_IN_LEAF)),
            "seed": self.seed,
            "num_threads": usable_cores(),
        }
        data = lgb.Dataset(
            matrix,
            labels,
            feature_name=self.features,
            categorical_feature=self.categorical,
            params=settings,
        )
        return lgb.train(settings, data, num_boost_round=TREES)


def _check(treated: np.ndarray, churned: np.ndarray, propensity: np.ndarray) -> None:
    if not ((np.asarray(propensity) > 0) & (np.asarray(propensity) < 1)).all():
        raise ValueError("the chance of being contacted lies between 0 and 1, without both")
    if not np.isin(churned, (0, 1)).all():
        raise ValueError("churned is 0 or 1")
    for name, arm in (("treated", treated), ("holdout", ~treated)):
        left = int(churned[arm].sum())
        stayed = int(arm.sum()) - left
        if min(left, stayed) < FEWEST_OF_EACH:
            raise ValueError(
                f"of the {name} {left:,} left and {stayed:,} stayed; it takes {FEWEST_OF_EACH} "
                "of each"
            )
