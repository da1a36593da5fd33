"""Success rates: between belief and evidence, and nearer the truth the more there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.success import Campaign, learn


def test_without_campaigns_the_belief_is_told():
    found = learn(0.3, 20, [])
    assert (found.mean, found.evidence, found.learned) == (0.3, 20, False)
    assert found.why == "no campaign with a holdout yet"
    assert 0.1 < found.low < 0.3 < found.high < 0.55


@pytest.mark.parametrize(
    ("campaign", "why"),
    [
        (Campaign(900, 90, 100, 4), "4 of the holdout left; it takes 5"),
        (Campaign(90, 9, 100, 10), "9.0 of the treated would have left"),
        (Campaign(900, 90, 0, 0), "0 of the holdout left"),
    ],
)
def test_too_little_evidence_changes_nothing(campaign, why):
    found = learn(0.3, 20, [campaign])
    assert (found.mean, found.evidence, found.learned) == (0.3, 20, False)
    assert found.why.startswith(why)
    assert found.treated == campaign.treated


def test_several_small_campaigns_are_enough_together():
    found = learn(0.3, 20, [Campaign(90, 9, 30, 3)] * 2)
    assert found.learned
    assert found.why == ""
    assert (found.treated, found.holdout_leavers, found.expected) == (180, 6, 18)


def test_the_grid_agrees_with_draws():
    """The posterior by another way: draws from the belief and of q, weighted by the treated."""
    random = np.random.default_rng(1)
    s = random.beta(6, 14, 400_000)
    q = random.beta(12.5, 38.5, 400_000)  # Jeffreys' prior after 12 of 50
    rate = q * (1 - s)
    log = 60 * np.log(rate) + 340 * np.log1p(-rate)
    weights = np.exp(log - log.max())
    mean = np.average(s, weights=weights)
    variance = np.average((s - mean) ** 2, weights=weights)
    found = learn(0.3, 20, [Campaign(400, 60, 50, 12)])
    assert found.mean == pytest.approx(mean, abs=0.003)
    assert found.mean * (1 - found.mean) / (found.evidence + 1) == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("truth", [0.05, 0.4, 0.9])
def test_finds_the_truth_with_growing_data(truth):
    errors, widths = [], []
    for size in (200, 2_000, 200_000):
        leavers = round(size * 0.2 * (1 - truth))
        found = learn(0.3, 20, [Campaign(size, leavers, size // 4, size // 20)])
        errors.append(abs(found.mean - truth))
        widths.append(found.high - found.low)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01
    assert widths == sorted(widths, reverse=True)
    assert found.evidence > 500


def test_where_the_arms_contradict_the_belief_the_grid_is_wide_enough():
    """Every churn rate there is, instead of those that the holdout allows."""
    q, s = np.linspace(1e-4, 1 - 1e-4, 4000), (np.arange(500) + 0.5) / 500
    rate = q * (1 - s)[:, None]
    log = 199.5 * np.log(q) + 799.5 * np.log1p(-q) + 2700 * np.log(rate) + 6300 * np.log1p(-rate)
    weights = np.exp(log - log.max()).sum(axis=1) * s**5 * (1 - s) ** 13
    mean = np.average(s, weights=weights)
    assert learn(0.3, 20, [Campaign(9000, 2700, 1000, 200)]).mean == pytest.approx(mean, rel=0.02)


def test_an_action_that_does_harm_ends_near_nothing():
    found = learn(0.3, 20, [Campaign(9000, 2700, 1000, 200)])
    assert 0 <= found.low < found.mean < 0.05
    assert found.learned
    much = learn(0.3, 20, [Campaign(50_000, 30_000, 20_000, 2_000)])
    assert much.low < much.mean < much.high


arms = st.tuples(st.integers(10, 400), st.integers(30, 200), st.floats(0, 1), st.floats(0.2, 0.9))


@settings(max_examples=25)
@given(arms, st.floats(0.05, 0.95), st.floats(2, 100))
def test_fewer_treated_leavers_mean_more_success(arm, mean, evidence):
    treated, holdout, share, rate = arm
    left = int(share * (treated - 1))
    found = [
        learn(mean, evidence, [Campaign(treated, count, holdout, int(rate * holdout))])
        for count in (left, left + 1)
    ]
    if found[0].learned:
        assert found[0].mean > found[1].mean
    for one in found:
        assert 0 <= one.low <= one.mean <= one.high <= 1
        assert one.evidence > 0


@settings(max_examples=25)
@given(arms, st.floats(0.05, 0.95))
def test_lies_between_belief_and_evidence(arm, mean):
    treated, holdout, share, rate = arm
    campaign = Campaign(treated, int(share * treated), holdout, int(rate * holdout))
    found, alone = learn(mean, 30, [campaign]), learn(0.5, 2, [campaign])
    if found.learned:
        told = sorted([mean, alone.mean])
        assert told[0] - 0.02 <= found.mean <= told[1] + 0.02


def test_neither_order_nor_parting_of_like_campaigns_matters():
    campaigns = [Campaign(300, 30, 50, 9), Campaign(100, 20, 80, 30), Campaign(300, 31, 50, 9)]
    assert learn(0.2, 10, campaigns) == learn(0.2, 10, campaigns[::-1])


@pytest.mark.parametrize(("mean", "evidence"), [(-0.1, 5), (1.1, 5), (0.3, 0), (0.3, np.inf)])
def test_beliefs_have_their_ranges(mean, evidence):
    with pytest.raises(ValueError, match="a success rate is between 0 and 1"):
        learn(mean, evidence, [])


def test_a_belief_without_doubt_stays():
    found = learn(0.0, 5, [Campaign(900, 126, 100, 20)])
    assert (found.mean, found.low, found.high, found.learned) == (0, 0, 0, False)


@pytest.mark.parametrize("values", [(10, 11, 5, 1), (10, 1, 5, -1)])
def test_impossible_campaigns_are_refused(values):
    with pytest.raises(ValueError, match="leavers"):
        Campaign(*values)
