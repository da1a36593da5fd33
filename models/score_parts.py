"""Where one points score for all customers fails: beside the model, part by part.

A score gives everybody the same points for the same thing. Where it weighs more with some customers
than with others, no points are right for all: weights fitted for each part by itself show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import Prediction
from models.health_score import Rule, applying
from models.logit import fit_logit
from models.reliability import calibration
from models.segments import enough

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
FIGURES = ("auc", "lift_10", "ece", "mean_prediction", "base_rate")
FEWEST_OF_RULE = 10
"""So many customers must a rule apply to, and not apply to, for its weight to be fitted."""

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


def fitted_weights(
    frame: pd.DataFrame, labels: np.ndarray, rules: Sequence[Rule], parts: Parts
) -> dict[str, dict[str, float | None]]:
    """What points each rule should have had: by rule, by hand, fitted to all and to each part.

    Logistic regressions on whether each rule applies. One factor turns all of their log-odds into
    points: that which gives the rules, fitted to all, as many points as they have by hand. None
    where too few customers of a part are concerned.
    """
    found = dict(applying(frame, rules))
    if not found or not enough(np.ones(len(labels), bool), labels):
        return {}
    matrix = np.column_stack([*found.values()])
    everybody = np.ones(len(labels), bool)
    masks = {ALL: everybody} | {
        f"{feature} = {value}": mask
        for feature, values in parts.items()
        for value, mask in values.items()
        if enough(mask, labels)
    }
    odds = {name: _log_odds(matrix[mask], labels[mask]) for name, mask in masks.items()}
    by_hand = {rule.name: rule.points for rule in rules}
    factor = _factor(odds[ALL], [by_hand[name] for name in found])
    told: dict[str, dict[str, float | None]] = {}
    for n, rule in enumerate(found):
        told[rule] = {"by_hand": float(by_hand[rule])}
        for name, one in odds.items():
            told[rule][name] = None if np.isnan(one[n]) else float(one[n] * factor)
    return told


def _log_odds(matrix: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """By rule what it adds to the log-odds of churn; NaN where nothing tells."""
    applied = matrix.sum(axis=0)
    told = np.minimum(applied, len(matrix) - applied) >= FEWEST_OF_RULE
    result = np.full(matrix.shape[1], np.nan)
    design = np.column_stack([np.ones(len(matrix)), matrix[:, told]])
    prior = np.zeros(design.shape[1])
    prior[0] = np.log(labels.mean() / (1 - labels.mean()))
    weights = fit_logit(design, labels.astype(np.float64), prior=prior)
    if weights is not None:
        result[told] = weights[1:]
    return result


def _factor(odds: np.ndarray, by_hand: Sequence[int]) -> float:
    """From log-odds to points: both sum to as much over the rules that were fitted."""
    told = ~np.isnan(odds)
    size = float(np.abs(odds[told]).sum())
    return float(np.abs(np.array(by_hand)[told]).sum()) / size if size else 1.0
