"""Better beyond noise: paired on the same customers."""

from __future__ import annotations

import numpy as np

from models.comparison import log_losses, paired_gain


def test_a_better_model_is_better_beyond_noise():
    random = np.random.default_rng(1)
    truth = random.random(2000)
    labels = (random.random(2000) < truth).astype(int)
    gains = log_losses(labels, np.full(2000, 0.5)) - log_losses(labels, truth)
    found = paired_gain(gains, np.arange(2000), seed=1)
    assert 0 < found.low < found.mean < found.high
    assert found.is_certain


def test_the_same_model_is_not():
    labels, same = np.array([0, 1, 0, 1]), np.array([0.2, 0.7, 0.1, 0.4])
    losses = log_losses(labels, same)
    found = paired_gain(losses - losses, np.arange(4), seed=1)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert not found.is_certain


def test_points_of_one_customer_are_no_independent_evidence():
    """Many points of few customers leave a wider interval."""
    gains = np.repeat(np.random.default_rng(2).normal(0, 0.2, 8), 50)
    few = paired_gain(gains, np.repeat(np.arange(8), 50), seed=1)
    many = paired_gain(gains, np.arange(400), seed=1)
    assert few.high - few.low > many.high - many.low


def test_certainty_that_is_wrong_is_dear_but_finite():
    assert np.isfinite(log_losses(np.array([1, 0]), np.array([0.0, 1.0]))).all()
