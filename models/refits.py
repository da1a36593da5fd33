"""Refits: the model as other draws of the same customers would have made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from models.model import ChurnModel
from models.training import Data, Fitted, Part, dataset, fit_boosters

MOST_POINTS = 20_000
"""Points that a refit learns from: drawing fewer customers than there are makes refits differ
more, so what agrees on fewer agrees on all."""


def refits(
    model: ChurnModel,
    data: Data,
    fitted: Fitted,
    customers: np.ndarray,
    *,
    seed: int,
    count: int,
    chosen: Mapping[str, Any] | None = None,
) -> Iterator[ChurnModel]:
    """The model fitted again with as many trees, on customers drawn with replacement.

    One after the other: LightGBM keeps the number of its threads for the whole process, and crashes
    where fits and predictions beside each other want different ones.

    Parameters
    ----------
    customers
        The customer of each point: all points of one are drawn together (Field and Welsh 2007).
    """
    codes = np.unique(customers, return_inverse=True)[1]
    for number in range(count):
        sample = _drawn(data, codes, np.random.default_rng([seed, number]))
        if sample.points.has_both:
            boosters = fit_boosters(
                sample, dataset(sample), fitted.trees, seed=seed + number, chosen=chosen
            )
            yield replace(model, boosters_text=boosters)


def _drawn(data: Data, codes: np.ndarray, random: np.random.Generator) -> Data:
    """The points of customers drawn with replacement, at most about `MOST_POINTS`."""
    people = int(codes.max()) + 1
    size = min(people, max(1, people * MOST_POINTS // len(codes)))
    times = np.bincount(random.integers(0, people, size), minlength=people)[codes]
    rows = np.repeat(np.arange(len(codes)), times)
    points = Part(data.points.matrix[rows], data.points.labels[rows])
    return Data(points, data.features, data.categorical)
