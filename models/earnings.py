"""What predictions earn: the same contacts, chosen by the model and by what is simpler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from models.evaluation import Prediction
from models.profit import Campaign, best_share, expected, per_contact, profit_curve, realised

SHARES = np.linspace(0, 1, 101)


def earnings(
    model: Prediction, baselines: Mapping[str, Prediction], values: np.ndarray, campaign: Campaign
) -> dict[str, Any]:
    """Profit under a campaign, as a mean over all points, in money.

    policy
        Those are contacted whom it seems to pay to contact: ``profit``, and the ``share`` of them.
    best
        The share of customers, by expected profit, that would have earned most; known only
        afterwards.
    nobody, everybody
        Contacted without looking.
    baselines
        The same by what is simpler; without probabilities there is an order and no policy.
    """
    gains = per_contact(model.labels, values, campaign)
    return {
        **_of(model, values, gains, campaign),
        "nobody": 0.0,
        "everybody": float(gains.mean()),
        "baselines": {
            name: _of(baseline, values, gains, campaign) for name, baseline in baselines.items()
        },
        "campaign": asdict(campaign),
        "mean_value": float(values.mean()),
    }


def curves(
    predictions: Mapping[str, Prediction], values: np.ndarray | None, campaign: Campaign | None
) -> dict[str, Any]:
    """By share of customers contacted, 0 to 1: the churners among them, and the profit."""
    found: dict[str, Any] = {"share": SHARES.tolist()}
    found["recall"] = {
        name: _gains_curve(one.labels.astype(float), one.scores)
        for name, one in predictions.items()
        if one.labels.any()
    }
    found["profit"] = None
    if values is not None and campaign is not None:
        found["profit"] = {
            name: profit_curve(
                _order(one, values, campaign), per_contact(one.labels, values, campaign), SHARES
            ).tolist()
            for name, one in predictions.items()
        }
    return found


def _gains_curve(labels: np.ndarray, scores: np.ndarray) -> list[float]:
    """The share of churners among each top share: cumulative gains."""
    return (profit_curve(scores, labels, SHARES) / labels.mean()).tolist()


def _of(
    prediction: Prediction, values: np.ndarray, gains: np.ndarray, campaign: Campaign
) -> dict[str, Any]:
    curve = profit_curve(_order(prediction, values, campaign), gains, SHARES)
    share, profit = best_share(SHARES, curve)
    policy = None
    if prediction.probabilities is not None:
        probabilities = prediction.probabilities
        contacted = expected(probabilities, values, campaign) > 0
        earned = realised(prediction.labels, probabilities, values, campaign)
        policy = {"profit": float(earned.mean()), "share": float(contacted.mean())}
    return {"policy": policy, "best": {"profit": profit, "share": share}}


def _order(prediction: Prediction, values: np.ndarray, campaign: Campaign) -> np.ndarray:
    """Whom to contact first: by expected profit where there are probabilities."""
    if prediction.probabilities is None:
        return prediction.scores
    return expected(prediction.probabilities, values, campaign)
