"""Expected profit by hand; how sure it is, against the same draws one customer at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from models.expected_profit import Doubt, Outlook, expected_profits, forecast
from models.levers import Lever

CALL = Lever("call", ("support",), cost=10, incentive=0, success_rate=0.2)
GIFT = Lever("gift", ("price",), cost=1, incentive=20, success_rate=0.5, evidence=50)
SURE = Lever("sure", ("usage",), cost=2, incentive=5, success_rate=1.0)
LEVERS = (CALL, GIFT, SURE)


def told(risks, values, action, contacted=None, levers=LEVERS, **doubt):
    n = len(risks)
    return forecast(
        probability=np.array(risks, dtype=float),
        value=np.array(values, dtype=float),
        levers=levers,
        fits=np.ones((n, len(levers))),
        action=np.array(action),
        contacted=np.ones(n, dtype=bool) if contacted is None else np.array(contacted),
        doubt=Doubt(**doubt),
    )


def test_expected_profit_by_hand():
    """Half leave, a fifth of those are kept, each worth 300; the other half takes the gift, too."""
    found = expected_profits(np.array([0.5]), np.array([300.0]), (CALL, GIFT), np.ones((1, 2)))
    np.testing.assert_allclose(found, [[0.5 * 0.2 * 300 - 10, 0.5 * 0.5 * 300 - 1 - 20 * 0.5]])


def test_an_action_that_fits_less_succeeds_less_and_one_that_does_not_is_not_offered():
    fits = np.array([[0.5, 0.0]])
    found = expected_profits(np.array([0.5]), np.array([300.0]), (CALL, GIFT), fits)
    assert found[0, 0] == pytest.approx(0.5 * 0.1 * 300 - 10)
    assert np.isnan(found[0, 1])


def test_nobody_is_kept_more_than_surely():
    """GIFT succeeds in a share of cases; a hundred times that is all of them, not more."""
    one = {"probability": np.array([0.5]), "value": np.array([300.0]), "levers": (CALL, GIFT)}
    sure = expected_profits(**one, fits=np.array([[100.0, 1.0]]))
    assert sure[0, 0] == pytest.approx(0.5 * 300 - CALL.cost - 0.5 * CALL.incentive)
    found = forecast(
        **one,
        fits=np.array([[100.0, 1.0]]),
        action=np.array([0]),
        contacted=np.array([True]),
        doubt=Doubt(),
    )
    assert found.high[0] == pytest.approx(sure[0, 0])


@pytest.mark.parametrize("fits", [np.ones((1, 2)), np.full((1, 3), -0.1), np.full((1, 3), np.nan)])
def test_odd_fits_are_refused(fits):
    with pytest.raises(ValueError, match="fits"):
        expected_profits(np.array([0.5]), np.array([1.0]), LEVERS, fits)


def test_only_the_rate_is_doubted_by_default():
    """The interval is that of the rate: a Beta with the evidence of 20."""
    found = told([0.5], [300.0], [0], draws=20_000)
    rates = beta(0.2 * 20, 0.8 * 20).ppf([0.025, 0.975])
    np.testing.assert_allclose([found.low[0], found.high[0]], 150 * rates - 10, rtol=0.05)
    assert found.total.low == pytest.approx(found.low[0])


def test_where_nothing_is_doubted_the_interval_is_a_point():
    found = told([0.5, 0.1], [300.0, 40], [2, 2])
    profits = [0.5 * 300 - 2 - 2.5, 0.1 * 40 - 2 - 4.5]
    np.testing.assert_allclose(found.low, profits)
    np.testing.assert_allclose(found.high, profits)
    assert found.total.low == pytest.approx(found.total.expected) == pytest.approx(sum(profits))


def test_common_doubts_do_not_average_out():
    one = told([0.3], [200.0], [2], probability=0.3, value=0.2)
    many = told([0.3] * 500, [200.0] * 500, [2] * 500, probability=0.3, value=0.2)
    assert many.total.low == pytest.approx(500 * one.total.low)
    assert many.total.high == pytest.approx(500 * one.total.high)
    assert one.low[0] < one.total.expected < one.high[0]


def test_a_doubted_probability_is_shifted_on_the_log_odds():
    found = told([0.2], [100.0], [2], probability=0.5, draws=20_000)
    odds = 0.25 * np.exp(0.5 * np.array([-1.96, 1.96]))
    leaves = odds / (1 + odds)
    np.testing.assert_allclose(
        [found.low[0], found.high[0]], 100 * leaves - 2 - 5 * (1 - leaves), rtol=0.06
    )


def test_a_doubted_value_is_right_on_average():
    found = told([1.0], [100.0], [2], value=0.1, draws=20_000)
    np.testing.assert_allclose([found.low[0], found.high[0]], [80.5, 119.3], rtol=0.02)


def test_outlooks_count_contacts_alone_and_add_up():
    found = told(
        [0.5, 0.4, 0.9, 0.2], [300.0, 200, 500, 9], [0, 1, 1, -1], [True, True, False, True]
    )
    call, gift, sure = (found.by_action[lever.name] for lever in LEVERS)
    assert (call.contacts, gift.contacts, sure.contacts) == (1, 1, 0)
    assert (call.cost, gift.cost) == (10, 21)
    assert gift.expected == pytest.approx(0.4 * 0.5 * 200 - 1 - 20 * 0.6)
    assert found.total.expected == pytest.approx(call.expected + gift.expected)
    assert (found.total.contacts, found.total.cost) == (2, 31)
    assert sure == Outlook(0, 0, 0, 0, 0)
    assert np.isnan(found.low[3])
    assert found.high[2] > found.low[2]
    assert gift.low == pytest.approx(found.low[1])


def test_the_verdict_is_no_where_a_loss_is_within_the_interval():
    assert Outlook(10, 0.1, 20, 3, 5).verdict == "run"
    assert Outlook(10, 0.0, 20, 3, 5).verdict == "do not run"
    assert Outlook(0, 0.0, 0.0, 0, 0).verdict == "no contacts"
    assert told([0.5] * 9, [400.0] * 9, [0] * 9).total.verdict == "run"
    assert told([0.5] * 9, [120.0] * 9, [0] * 9).total.verdict == "do not run"


@given(
    probability=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    doubt=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_intervals_hold_their_order_and_come_again(probability, doubt, seed):
    n = len(probability)
    action = np.arange(n) % 4 - 1
    settings = {"probability": doubt, "value": doubt, "seed": seed, "draws": 50}
    first, again = (told(probability, [50.0] * n, action, **settings) for _ in range(2))
    np.testing.assert_array_equal(first.low, again.low)
    assert first.total == again.total
    some = action >= 0
    assert (first.low[some] <= first.high[some]).all()
    assert np.isnan(first.low[~some]).all()
    assert first.total.low <= first.total.high


def test_chunks_change_nothing(monkeypatch):
    random = np.random.default_rng(1)
    inputs = random.random(50), random.random(50) * 300, random.integers(-1, 3, 50)
    whole = told(*inputs, probability=0.2, value=0.1)
    monkeypatch.setattr("models.expected_profit.CHUNK", 7)
    parts = told(*inputs, probability=0.2, value=0.1)
    np.testing.assert_array_equal(whole.low, parts.low)
    assert whole.total.low == pytest.approx(parts.total.low)


def test_nobody_and_no_actions():
    assert told([], [], np.empty(0, np.int64)).total == Outlook(0, 0, 0, 0, 0)
    assert told([0.5], [1.0], [-1], levers=()).total == Outlook(0, 0, 0, 0, 0)
