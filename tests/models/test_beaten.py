"""Whether a model beats what is simpler, beyond noise."""

from __future__ import annotations

import numpy as np

from models.beaten import beaten
from models.evaluation import Prediction

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.random(1500) * 0.5
LABELS = (RANDOM.random(1500) < TRUTH).astype(int)
MODEL = Prediction(LABELS, TRUTH, TRUTH)
FLAT = Prediction(LABELS, np.full(1500, 0.25), np.full(1500, 0.25))


def test_the_truth_beats_the_base_rate():
    found = beaten(MODEL, {"base_rate": FLAT}, np.arange(1500), seed=1)["base_rate"]
    assert found["beaten"]
    assert found["judged_by"] == "log_loss"
    low, high = found["log_loss"]["interval"]
    assert 0 < low < found["log_loss"]["gain"] < high
    assert found["auc"]["interval"][0] > 0


def test_the_base_rate_does_not_beat_the_truth():
    found = beaten(FLAT, {"logistic_regression": MODEL}, np.arange(1500), seed=1)
    assert not found["logistic_regression"]["beaten"]
    assert found["logistic_regression"]["log_loss"]["gain"] < 0


def test_nobody_beats_itself():
    found = beaten(MODEL, {"itself": MODEL}, np.arange(1500), seed=1)["itself"]
    assert found["log_loss"] == {"gain": 0, "interval": [0, 0]}
    assert not found["beaten"]


def test_a_gain_within_noise_beats_nobody():
    shaken = TRUTH * np.where(np.arange(1500) % 3, 1.05, 0.95)
    near = Prediction(LABELS, shaken, shaken)
    found = beaten(MODEL, {"near": near}, np.arange(1500), seed=1)["near"]
    low, high = found["log_loss"]["interval"]
    assert low < 0 < high
    assert not found["beaten"]


def test_an_order_is_beaten_in_auc():
    order = Prediction(LABELS, -TRUTH)
    found = beaten(MODEL, {"recency": order}, np.arange(1500), seed=1)["recency"]
    assert found["judged_by"] == "auc"
    assert found["beaten"]
    assert "log_loss" not in found


def test_a_pair_is_judged_on_the_same_draws():
    """A tiny but steady gain is certain, though either loss alone is not."""
    little = Prediction(LABELS, TRUTH, np.clip(TRUTH * 0.99, 0, 1))
    gain = beaten(MODEL, {"near": little}, np.arange(1500), seed=1)["near"]["log_loss"]
    assert gain["interval"][1] - gain["interval"][0] < 0.002


def test_points_of_one_class_judge_nothing():
    nobody = Prediction(np.zeros(4), TRUTH[:4], TRUTH[:4])
    assert beaten(nobody, {"itself": nobody}, np.arange(4), seed=1) == {}
