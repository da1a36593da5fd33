"""Calibration: monotone maps, found by what became of later points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    KINDS,
    MOST_BLOCKS,
    Beta,
    Identity,
    Isotonic,
    Linear,
    Shift,
    _joined,
    choose,
    from_dict,
    probabilities,
)


def drawn(log_odds: np.ndarray, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.random(len(log_odds)) < probabilities(log_odds)).astype(np.int8)


@pytest.fixture
def raw() -> np.ndarray:
    return np.random.default_rng(1).normal(-2, 1.2, 20_000)


def test_a_line_is_found_again(raw):
    found = Linear.fit(raw, drawn(0.6 * raw - 0.5))
    assert (found.slope, found.intercept) == pytest.approx((0.6, -0.5), abs=0.1)


def test_a_shift_is_found_again(raw):
    assert Shift.fit(raw, drawn(raw - 0.3)).intercept == pytest.approx(-0.3, abs=0.06)


def test_other_slopes_for_the_low_and_the_high_are_found_again(raw):
    truth = Beta(0.5, 2.0, 0.1)
    found = Beta.fit(raw, drawn(truth.log_odds(raw)))
    grid = np.linspace(-4, 1, 30)
    np.testing.assert_allclose(found.log_odds(grid), truth.log_odds(grid), atol=0.25)


def test_as_many_leave_as_were_predicted_after_it(raw):
    labels = drawn(0.6 * raw - 0.5)
    for kind in KINDS[1:]:
        predicted = probabilities(kind.fit(raw, labels).log_odds(raw))
        assert predicted.mean() == pytest.approx(labels.mean(), rel=0.01), kind.kind


@pytest.mark.parametrize(
    ("truth", "kinds"),
    [
        (Linear(0.5, -0.8), {"platt"}),
        (Identity(), {"none", "shift", "platt"}),
        (Isotonic((-4.0, -3.0, -2.9, 0.5), (-4.0, -3.9, -1.0, -0.9)), {"isotonic"}),
    ],
)
def test_the_kind_is_chosen_by_what_it_has_not_seen(truth, kinds):
    random = np.random.default_rng(2)
    blocks = []
    for seed in range(3):
        raw = random.normal(-2, 1.2, 20_000)
        blocks.append((raw, drawn(truth.log_odds(raw), seed)))
    found, losses = choose(blocks)
    assert found.kind in kinds
    assert losses[found.kind] == min(losses.values())


def test_too_few_churners_mend_nothing(raw):
    labels = np.zeros(len(raw), dtype=np.int8)
    labels[:20] = 1
    assert choose([(raw, labels)]) == (Identity(), {})


def test_one_block_is_enough(raw):
    found, _ = choose([(raw, drawn(0.5 * raw - 0.8))])
    assert found.kind in {"platt", "beta"}


@given(
    raw=st.lists(st.floats(-8, 8), min_size=5, max_size=60),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(KINDS),
)
def test_the_order_of_customers_stays_and_nobody_is_certain(raw, seed, kind):
    given_raw = np.array(raw)
    calibrator = kind.fit(given_raw, np.random.default_rng(seed).integers(0, 2, len(raw)))
    grid = np.linspace(-9, 9, 200)
    mended = calibrator.log_odds(grid)
    assert (np.diff(mended) >= -1e-9).all()
    predicted = probabilities(mended)
    assert ((predicted > 0) & (predicted < 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_from_json(kind, raw):
    import json

    found = kind.fit(raw, drawn(raw))
    assert from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_what_one_month_was_off_by_is_not_taken_for_the_next():
    """In one of four months twice as many left as predicted; in the others as many as predicted."""
    random = np.random.default_rng(4)
    blocks = []
    for month in range(4):
        raw = random.normal(-3, 0.8, 5_000)
        blocks.append((raw, drawn(raw + 0.9 * (month == 3), month)))
    raw, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    assert Shift.fit(raw, labels).intercept > 0.15
    assert choose(blocks)[0] == Identity()


def test_log_odds_that_tell_the_reverse_leave_the_churn_rate_of_all():
    """A slope below nothing is none, and what goes with it is the churn rate."""
    random = np.random.default_rng(3)
    raw = random.normal(-3, 1, 4000)
    labels = (random.random(4000) < probabilities(-0.8 * raw - 5)).astype(np.int8)
    for kind in (Linear, Beta):
        mended = kind.fit(raw, labels)
        predicted = probabilities(mended.log_odds(raw))
        assert predicted.mean() == pytest.approx(labels.mean(), rel=0.02)
        assert np.ptp(predicted) == 0


def test_many_times_are_judged_in_runs():
    """The choice is that of neighbours joined, and no point is lost."""
    random = np.random.default_rng(5)
    blocks = []
    for _ in range(5 * MOST_BLOCKS + 1):
        raw = random.normal(-2, 1, 60)
        blocks.append((raw, (random.random(60) < probabilities(0.5 * raw)).astype(np.int8)))
    joined = _joined(blocks)
    assert len(joined) == MOST_BLOCKS
    for place in (0, 1):
        np.testing.assert_array_equal(
            np.concatenate([one[place] for one in joined]),
            np.concatenate([one[place] for one in blocks]),
        )
    assert choose(blocks)[1] == choose(joined)[1]
