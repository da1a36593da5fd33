"""What anybody could do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.baselines import baselines, longest_silence, rates_of_points

NAN = float("nan")


def of(train, test, **options):
    labels = np.tile([1, 0], len(train) // 2)
    return baselines(
        train, labels, test, np.tile([1, 0], len(test) // 2), seed=1,
        **{"features": tuple(train.columns), "levels": {}, **options},
    )  # fmt: skip


def test_the_longest_silence_as_a_baseline():
    """Whoever was never seen has been silent the longest."""
    frame = pd.DataFrame({"usage_days_since_last": [NAN, 3.0, 90.0, 1.0]})
    found = of(frame, frame)
    assert found["recency"].figures()["auc"] == 1
    assert found["recency"].probabilities is None
    assert longest_silence([NAN, 2.0]).tolist() == [np.inf, 2]


def test_everyone_at_the_churn_rate_of_the_training():
    train = pd.DataFrame({"usage_days_since_last": [1.0, 2.0]})
    found = of(train, pd.DataFrame({"usage_days_since_last": [5.0, 6.0, 7.0, 8.0]}))
    assert found["base_rate"].probabilities.tolist() == [0.5] * 4
    assert found["base_rate"].figures()["auc"] == 0.5


def test_baselines_that_the_vectors_do_not_allow_are_left_out():
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0]})
    assert set(of(frame, frame)) == {"base_rate", "logistic_regression"}
    assert set(of(frame, frame, features=())) == {"base_rate"}


def test_points_become_the_churn_rate_of_the_training_drawn_to_that_of_all():
    """Half of 100 churned: 10 of 20 points-holders alone say 50 %, drawn by 50 at 50 %."""
    points = np.repeat([0.0, 3.0], [80, 20])
    labels = np.concatenate([np.arange(80) < 10, np.ones(20)]).astype(int)
    rates = rates_of_points(points, labels, np.array([0.0, 3.0, 2.0, 9.0]))
    assert rates.tolist() == pytest.approx([(10 + 15) / 130, (20 + 15) / 70, 0.3, 0.3])
