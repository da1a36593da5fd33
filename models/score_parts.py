"""Where one points score for all customers fails: beside the model, part by part.

A score gives everybody the same points for the same thing. Where it weighs more with some
customers than with others, no points are right for all: weights fitted for each part by itself
show it. Which differ beyond chance tells Cochran's Q (1954). A customer's points belong together,
so errors are over customers (the sandwich of Huber and White), and Holm allows for all that is
looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import Prediction
from models.health_score import Rule, applying
from models.logit import fit_logit
from models.many import holm
from models.reliability import calibration
from models.segments import enough

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
FIGURES = ("auc", "lift_10", "ece", "mean_prediction", "base_rate")
FEWEST_OF_RULE = 10
"""So many customers must a rule apply to, and not apply to, for its weight to be fitted."""
FEWEST_LEAVERS = 10
"""Who left and who stayed, where it applies and where not, for its weights to be compared."""
SURE = 0.05

Parts = Mapping[str, Mapping[str, np.ndarray]]
"""Masks by feature and by its value."""


def by_part(model: Prediction, score: Prediction, parts: Parts) -> dict[str, dict[str, Any]]:
    """The figures of model and points score in each part: by feature, by value."""
    return {
        feature: {
            value: {
                "points": int(mask.sum()),
                "churned": int(model.labels[mask].sum()),
                "model": _figures(model, mask),
                "points_score": _figures(score, mask),
            }
            for value, mask in masks.items()
            if mask.any()
        }
        for feature, masks in parts.items()
    }


def _figures(one: Prediction, mask: np.ndarray) -> dict[str, float | None]:
    labels = one.labels[mask]
    chances = None if one.probabilities is None else np.asarray(one.probabilities)[mask]
    found = Prediction(labels, np.asarray(one.scores)[mask], chances).figures()
    found["base_rate"] = float(labels.mean())
    if chances is not None:
        found["mean_prediction"] = float(chances.mean())
        found |= calibration(labels, chances)
    return {name: found.get(name) for name in FIGURES}


@dataclass(frozen=True)
class Apart:
    """A rule that weighs unlike with the values of a feature.

    Attributes
    ----------
    p_value
        That the weights differ so much by chance, allowing for all rules and features.
    low, high
        The values at which it weighs least and most, with the points that it would need there.
    """

    rule: str
    by: str
    p_value: float
    low: tuple[str, float]
    high: tuple[str, float]

    def as_json(self) -> dict[str, Any]:
        edges = {
            name: {"value": value, "points": points}
            for name, (value, points) in (("low", self.low), ("high", self.high))
        }
        return {"rule": self.rule, "by": self.by, "p_value": self.p_value, **edges}


@dataclass(frozen=True)
class Weights:
    """What points each rule should have had.

    Attributes
    ----------
    by_rule
        By rule the points ``by_hand``, fitted to ``all`` and to each part; None where too few
        customers of a part are concerned.
    apart
        Rules whose weights differ between parts beyond chance, the clearest first.
    """

    by_rule: dict[str, dict[str, float | None]]
    apart: tuple[Apart, ...] = ()


@dataclass(frozen=True)
class _Fit:
    """By rule what it adds to the log-odds of churn, and its standard error; NaN: unknown.

    The error is NaN, too, where those who left are too few to compare them with other parts.
    """

    odds: np.ndarray
    errors: np.ndarray


def fitted_weights(
    frame: pd.DataFrame,
    labels: np.ndarray,
    rules: Sequence[Rule],
    parts: Parts,
    customers: np.ndarray,
) -> Weights:
    """What points each rule should have had: by hand, fitted to all and to each part.

    Logistic regressions on whether each rule applies. One factor turns all of their log-odds into
    points: that which gives the rules, fitted to all, as many points as they have by hand.

    Parameters
    ----------
    customers
        Whose point each is, as numbers.
    """
    found = dict(applying(frame, rules))
    everybody = np.ones(len(labels), bool)
    if not found or not enough(everybody, labels):
        return Weights({})
    matrix = np.column_stack([*found.values()])
    masks = {
        (feature, value): mask
        for feature, values in parts.items()
        for value, mask in values.items()
        if enough(mask, labels)
    }
    whole = _fit(matrix, labels, customers)
    fits = {name: _fit(matrix[m], labels[m], customers[m]) for name, m in masks.items()}
    by_hand = {rule.name: rule.points for rule in rules}
    factor = _factor(whole.odds, [by_hand[name] for name in found])
    columns = {ALL: whole} | {f"{by} = {value}": one for (by, value), one in fits.items()}
    told: dict[str, dict[str, float | None]] = {}
    for n, rule in enumerate(found):
        told[rule] = {"by_hand": float(by_hand[rule])}
        for name, one in columns.items():
            told[rule][name] = None if np.isnan(one.odds[n]) else float(one.odds[n] * factor)
    return Weights(told, _apart(list(found), fits, factor))


def _fit(matrix: np.ndarray, labels: np.ndarray, customers: np.ndarray) -> _Fit:
    applied = matrix.sum(axis=0)
    told = np.minimum(applied, len(matrix) - applied) >= FEWEST_OF_RULE
    odds, errors = np.full((2, matrix.shape[1]), np.nan)
    design = np.column_stack([np.ones(len(matrix)), matrix[:, told]])
    prior = np.zeros(design.shape[1])
    prior[0] = np.log(labels.mean() / (1 - labels.mean()))
    weights = fit_logit(design, labels.astype(np.float64), prior=prior)
    if weights is not None:
        odds[told] = weights[1:]
        errors[told] = _errors(design, labels, weights, customers)[1:]
        errors[~_compared(matrix, labels)] = np.nan
    return _Fit(odds, errors)


def _errors(
    design: np.ndarray, labels: np.ndarray, weights: np.ndarray, customers: np.ndarray
) -> np.ndarray:
    """Standard errors, over customers."""
    rate = 1 / (1 + np.exp(-design @ weights))
    curve = (design * (rate * (1 - rate))[:, None]).T @ design + np.eye(len(weights))
    pulls = design * (labels - rate)[:, None]
    by_customer = np.column_stack([np.bincount(customers, column) for column in pulls.T])
    spread = np.linalg.solve(curve, by_customer.T)
    return np.sqrt((spread**2).sum(axis=1))


def _compared(matrix: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which rules have leavers and others enough on both sides: of none, the error says nothing."""
    left = labels == 1
    counts = [
        (side[who]).sum(axis=0) for side in (matrix == 1, matrix == 0) for who in (left, ~left)
    ]
    least: np.ndarray = np.min(counts, axis=0)
    return least >= FEWEST_LEAVERS


def _apart(
    rules: Sequence[str], fits: Mapping[tuple[str, str], _Fit], factor: float
) -> tuple[Apart, ...]:
    """The rules whose weights differ between the values of a feature beyond chance."""
    found = list(_differences(rules, fits, factor))
    adjusted = holm([one.p_value for one in found])
    sure = [
        replace(one, p_value=p)
        for one, p in zip(found, adjusted, strict=True)
        if p is not None and p < SURE
    ]
    return tuple(sorted(sure, key=lambda one: (one.p_value, one.rule, one.by)))


def _differences(
    rules: Sequence[str], fits: Mapping[tuple[str, str], _Fit], factor: float
) -> Iterator[Apart]:
    """By rule and feature with two values at least, whether the weights are alike."""
    from scipy.special import chdtrc

    for by in dict.fromkeys(by for by, _ in fits):
        own = {value: one for (feature, value), one in fits.items() if feature == by}
        for n, rule in enumerate(rules):
            told = {v: (one.odds[n], one.errors[n]) for v, one in own.items() if one.errors[n] > 0}
            if len(told) < 2:
                continue
            odds, errors = np.array([*told.values()]).T
            mean = np.average(odds, weights=errors**-2)
            q = float((((odds - mean) / errors) ** 2).sum())
            points = dict(zip(told, (odds * factor).tolist(), strict=True))
            low, high = min(points, key=points.__getitem__), max(points, key=points.__getitem__)
            p_value = float(chdtrc(len(told) - 1, q))
            yield Apart(rule, by, p_value, (low, points[low]), (high, points[high]))


def _factor(odds: np.ndarray, by_hand: Sequence[int]) -> float:
    """From log-odds to points: both sum to as much over the rules that were fitted."""
    told = ~np.isnan(odds)
    size = float(np.abs(odds[told]).sum())
    return float(np.abs(np.array(by_hand)[told]).sum()) / size if size else 1.0
