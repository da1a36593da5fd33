"""How well each kind of churn is found: who gave notice, and whose payments failed."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.ranking import Ranking, auc, churners_among

TENTH = 0.1
UNKNOWN = "unknown"


def by_kind(
    labels: np.ndarray, probabilities: np.ndarray, kinds: np.ndarray
) -> dict[str, dict[str, Any]]:
    """The figures of each kind of churn, the commonest first; ties by name.

    Parameters
    ----------
    kinds
        The kind of churn of each point, as text; None for who stayed, or where nobody knows.

    Returns
    -------
        churned
            Points of this kind.
        auc
            Of these churners against those who stayed.
        recall_10
            Their share who are among the riskiest tenth of all points.
        mean_prediction
            What was expected of them.
    """
    kinds = np.where((labels == 1) & (kinds == None), UNKNOWN, kinds)  # noqa: E711
    names, counts = np.unique(kinds[labels == 1].astype(str), return_counts=True)
    riskiest = max(1.0, float(np.ceil(TENTH * len(labels))))
    found = {}
    for name, count in sorted(zip(names, counts, strict=True), key=lambda item: -item[1]):
        these = (labels == 1) & (kinds == name)
        against = these | (labels == 0)
        groups = Ranking(these, probabilities).count()
        found[str(name)] = {
            "churned": int(count),
            "auc": auc(Ranking(these[against], probabilities[against]).count()),
            "recall_10": float(churners_among(groups, riskiest)) / int(count),
            "mean_prediction": float(probabilities[these].mean()),
        }
    return found
