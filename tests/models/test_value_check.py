"""Values against what came: the figures by hand, and what they notice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from models.value import HAZARDS, Worth
from models.value_check import check_values, deciles, ends_asked_for, rank_correlation


@pytest.fixture
def margins():
    random = np.random.default_rng(1)
    expected = random.lognormal(3, 1, 1000)
    return expected, expected * random.gamma(4, 0.25, 1000)


def test_right_values_are_found_right(margins):
    expected, came = margins
    found = check_values(expected, came, seed=1)
    low, high = found["total_interval"]
    assert low < 1 < high
    assert found["total"] == pytest.approx(expected.sum() / came.sum())
    assert found["rank_correlation"] == pytest.approx(spearmanr(expected, came)[0])
    assert found["error"] < 0.06


def test_values_that_are_too_high_are_noticed(margins):
    expected, came = margins
    found = check_values(expected * 1.5, came, seed=1)
    assert found["total_interval"][0] > 1.2
    assert found["error"] == pytest.approx(np.log(1.5), abs=0.05)


def test_the_interval_is_as_wide_as_chance_makes_totals(margins):
    """Of many such draws the spread of totals is what one draw says."""
    random, totals = np.random.default_rng(9), []
    for _ in range(200):
        expected = random.lognormal(3, 1, 1000)
        totals.append(expected.sum() / (expected * random.gamma(4, 0.25, 1000)).sum())
    low, high = check_values(*margins, seed=1)["total_interval"]
    assert high - low == pytest.approx(2 * 1.96 * np.std(totals), rel=0.25)


def test_deciles_are_tenths_by_what_was_expected():
    expected = np.arange(100.0)[::-1]
    found = deciles(expected, 2 * expected)
    assert [tenth["customers"] for tenth in found] == [10] * 10
    assert found[0]["expected"] == pytest.approx(4.5)
    assert found[9]["realised"] == pytest.approx(2 * 94.5)
    assert found[0]["standard_error"] == pytest.approx(2 * np.arange(10).std() / np.sqrt(10))


def test_equal_values_have_no_order():
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None
    assert rank_correlation(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)


@pytest.mark.parametrize("came", [np.ones(49), np.zeros(60)])
def test_too_little_to_say_anything(came):
    with pytest.raises(ValueError, match="fewer than 50 customers, or they brought no money"):
        check_values(np.ones(len(came)), came, seed=1)


def test_ends_that_are_multiplied_as_asked_hold_the_middle(margins):
    expected, came = margins
    worth = Worth(expected, expected * 0.9, expected * 1.1, HAZARDS)
    found = ends_asked_for(worth, came)
    wide = worth.widened(found["low"], found["high"])
    assert found["covered"] < 0.3
    assert ((came >= wide.low) & (came <= wide.high)).mean() == pytest.approx(0.8, abs=0.01)


def test_ends_of_nothing_stay_as_they_are():
    worth = Worth(np.ones(100), np.zeros(100), np.zeros(100), HAZARDS)
    found = ends_asked_for(worth, np.ones(100))
    assert (found["low"], found["high"]) == (1.0, 1.0)
