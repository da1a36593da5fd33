"""The figures of a model on the test points, beside what anybody could do without it."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.vectors import KEYS
from models.evaluation import baselines, evaluate, evaluate_by_cutoff
from models.model import ChurnModel
from pipeline.parting import Parts, date_of


def metrics_of(model: ChurnModel, parts: Parts, predicted: np.ndarray) -> dict[str, Any]:
    test, labels = parts.frames["test"], parts.labels("test")
    by_cutoff = evaluate_by_cutoff(
        labels, predicted, test[KEYS[1]].to_numpy().astype("datetime64[D]")
    )
    recency = next((n for n in _RECENCY if n in test.columns), None)
    return {
        "test": {
            **evaluate(labels, predicted),
            "points": len(test),
            "cutoffs": list(by_cutoff),
        },
        "by_cutoff": by_cutoff,
        "baselines": baselines(
            labels,
            base_rate=model.base_rate,
            recency=None if recency is None else test[recency].to_numpy(dtype=float),
        ),
        "train": {
            "points": len(parts.frames["train"]),
            "churned": int(parts.labels("train").sum()),
            "cutoffs": [str(date_of(day)) for day in parts.split.known],
        },
    }


_RECENCY = ("usage_days_since_last", "payments_days_since_last", "tickets_days_since_last")
"""What the baseline of the longest silence goes by: the first of these that is there."""
