"""Whether the model beats what anybody could do without it, beyond noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.evaluation import Prediction
from models.ranking import auc
from models.resampling import DRAWS, Figures, interval, resamples


def beaten(
    model: Prediction,
    baselines: Mapping[str, Prediction],
    customers: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
) -> dict[str, dict[str, Any]]:
    """By baseline: the model's gain in `auc` and `log_loss`, each with its interval, and `beaten`.

    The gain is positive where the model is better. Both are judged on the same drawn customers
    (paired bootstrap). A baseline with probabilities is beaten in log loss, one without in AUC:
    where the interval lies above zero. Nothing is judged on points of one class.
    """
    if not 0 < model.labels.sum() < len(model.labels):
        return {}
    gains = _gains(model, baselines, None)
    drawn = [
        _gains(model, baselines, weights)
        for weights in resamples(customers, seed=seed, draws=draws)
    ]
    found: dict[str, dict[str, Any]] = {}
    for name, figures in gains.items():
        found[name] = {
            figure: {"gain": gain, "interval": interval([one[name][figure] for one in drawn])}
            for figure, gain in figures.items()
        }
        judged_by = "log_loss" if "log_loss" in figures else "auc"
        edges = found[name][judged_by]["interval"]
        found[name] |= {"judged_by": judged_by, "beaten": edges is not None and edges[0] > 0}
    return found


def _gains(
    model: Prediction, baselines: Mapping[str, Prediction], weights: np.ndarray | None
) -> dict[str, Figures]:
    """By how much the model is better than each baseline, on weighted points."""
    own = _figures(model, weights)
    found: dict[str, Figures] = {}
    for name, baseline in baselines.items():
        theirs = _figures(baseline, weights)
        gains: dict[str, float | None] = {}
        for figure, value in theirs.items():
            mine, sign = own[figure], 1 if figure == "auc" else -1
            known = mine is not None and value is not None
            gains[figure] = sign * (mine - value) if known else None  # type: ignore[operator]
        found[name] = gains
    return found


def _figures(prediction: Prediction, weights: np.ndarray | None) -> dict[str, float | None]:
    found = {"auc": auc(prediction.ranking.count(weights))}
    if "log_loss" in prediction.losses:
        found["log_loss"] = float(np.average(prediction.losses["log_loss"], weights=weights))
    return found
