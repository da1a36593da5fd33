"""Curves by hand, beside lifelines' own on its data, and what must hold of any customers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kaplan_meier import kaplan_meier, life_table

LIFELINES = json.loads((Path(__file__).parent / "lifelines.json").read_text(encoding="utf-8"))
DATA = [name for name in LIFELINES if name != "lifelines"]


def table(text):
    """A life table from lines such as ``0 | 5 | left``: entry, exit, and what became of it."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()[1:]]
    entry, exit = (np.array([int(line[n]) for line in lines]) for n in (0, 1))
    return life_table(entry, exit, np.array([line[2] == "left" for line in lines]))


def shipped(name):
    rows = LIFELINES[name]["rows"]
    exit, left = np.array(rows["exit"], dtype=int), np.array(rows["left"], dtype=bool)
    entry = np.array(rows.get("entry", np.zeros(len(exit), int)))
    return life_table(entry, exit, left), LIFELINES[name]["answers"]


FIVE = """
entry | exit | became
0     | 1    | left
0     | 2    | there
0     | 2    | left
0     | 4    | left
0     | 4    | there
"""


def test_the_product_limit_by_hand():
    """Of 5 one leaves at 1 (4/5), of 4 one at 2 (3/4), nobody at 3, of 2 one at 4 (1/2)."""
    curve = kaplan_meier(table(FIVE))
    assert curve.share.tolist() == pytest.approx([1, 0.8, 0.6, 0.6, 0.3])
    assert curve.variance[-1] == pytest.approx(1 / (5 * 4) + 1 / (4 * 3) + 1 / (2 * 1))
    assert curve.median()[0] == 4


def test_the_mean_is_the_area_below_the_curve():
    """A day each at 1, 0.8, 0.6 and 0.6; the variance weighs each step with the area after it."""
    mean, low, high = kaplan_meier(table(FIVE)).mean_until(4)
    assert mean == pytest.approx(1 + 0.8 + 0.6 + 0.6)
    spread = np.sqrt(2.0**2 / (5 * 4) + 1.2**2 / (4 * 3))
    assert (mean - low) == pytest.approx(1.96 * spread, rel=1e-4)
    assert high == 4


def test_who_was_there_before_the_histories_is_no_example_of_the_young():
    """Two came and one of them left at 1; a third is seen from 3 on, and leaves at 5.

    At 1 one of 2 leaves, at 5 one of 2. Counted from the beginning it would be 2/3 and 1/3.
    """
    late = """
    entry | exit | became
    0     | 1    | left
    0     | 6    | there
    3     | 5    | left
    """
    found = table(late)
    assert found.at_risk.tolist() == [2, 2, 1, 2, 2, 2, 1]
    assert (found.customers, found.entered_late) == (3, 1)
    curve = kaplan_meier(found, fewest=1)
    assert curve.share.tolist() == pytest.approx([1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])


def test_a_handful_of_late_comers_does_not_decide_the_curve():
    """Two of age 1 who leave would take it to 0 for the 40 who enter at 10, one of whom leaves."""
    entry = np.array([0, 0] + [10] * 40)
    exit = np.array([1, 1] + [20] * 40)
    left = np.array([True, True, True] + [False] * 39)
    curve = kaplan_meier(life_table(entry, exit, left))
    assert curve.start == 10
    assert curve.at(5) is None
    assert curve.at(20)[0] == pytest.approx(39 / 40)
    assert curve.mean_until(21)[0] == pytest.approx(10 + 10 + 39 / 40)


def test_when_all_who_are_left_leave_the_interval_stays_within_its_bounds():
    curve = kaplan_meier(life_table(np.zeros(3, int), np.array([1, 2, 3]), np.ones(3, bool)))
    assert curve.share.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert curve.low[-1] == 0
    assert curve.high[-1] == curve.high[-2] < 1


def test_of_nobody_there_is_no_curve():
    nobody = np.empty(0, dtype=np.int64)
    assert kaplan_meier(life_table(nobody, nobody, np.empty(0, bool))) is None


@pytest.mark.parametrize(("entry", "exit"), [([-1], [3]), ([5], [3])])
def test_ages_that_cannot_be_are_refused(entry, exit):
    with pytest.raises(ValueError, match="ages"):
        life_table(np.array(entry), np.array(exit), np.array([True]))


def test_the_curve_is_not_told_beyond_the_oldest():
    curve = kaplan_meier(table(FIVE))
    assert curve.at(5) is None
    with pytest.raises(ValueError, match="from 0 to 5"):
        curve.mean_until(6)


@pytest.mark.parametrize("name", DATA)
def test_curves_and_intervals_are_those_of_lifelines(name):
    """On its shipped data, delayed entry included; its data end before the last one leaves."""
    found, theirs = shipped(name)
    curve = kaplan_meier(found, fewest=1)
    told = [n for n, age in enumerate(theirs["ages"]) if age >= curve.start]
    for place, line in enumerate(("share", "low", "high")):
        ours = [curve.at(theirs["ages"][n])[place] for n in told]
        expected = [theirs[line][n] for n in told]
        whole = [n for n, share in enumerate(theirs["share"][told[0] :]) if share > 0]
        assert np.array(ours)[whole] == pytest.approx(np.array(expected)[whole], abs=1e-9)


@pytest.mark.parametrize("name", DATA)
def test_medians_and_means_are_those_of_lifelines(name):
    found, theirs = shipped(name)
    curve = kaplan_meier(found, fewest=1)
    median = [None if np.isinf(age) else age for age in theirs["median"]]
    assert list(curve.median()) == median
    assert curve.mean_until(theirs["until"])[0] == pytest.approx(theirs["mean"], rel=1e-4)


customers = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), min_size=1, max_size=30
)


@given(customers)
@settings(max_examples=100)
def test_of_any_customers_shares_fall_within_their_intervals(rows):
    entry, length, left = (np.array(column) for column in zip(*rows, strict=True))
    found = life_table(entry, entry + length, left)
    everybody = [((entry <= age) & (entry + length >= age)).sum() for age in range(len(found.left))]
    assert found.at_risk.tolist() == everybody
    for fewest in (1, 10):
        curve = kaplan_meier(found, fewest=fewest)
        assert (np.diff(curve.share) <= 0).all()
        assert (curve.low <= curve.share + 1e-12).all()
        assert (curve.share <= curve.high + 1e-12).all()
        assert curve.low.min() >= 0
        assert curve.high.max() <= 1
        mean, low, high = curve.mean_until(curve.stop)
        assert curve.start <= low <= mean <= high <= curve.stop


def test_delayed_entry_finds_the_true_share_and_its_interval_covers_it():
    """Exponential lives of 100 days on average, half of them seen only from a later age on."""
    covered = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        life = random.geometric(0.01, 600)
        entry = random.integers(0, 200, 600) * (random.random(600) < 0.5)
        seen = life >= entry
        end = np.minimum(life, entry + 150)[seen]
        curve = kaplan_meier(life_table(entry[seen], end, (life <= entry + 150)[seen]))
        _, low, high = curve.at(90)
        covered.append(low <= 0.99**90 <= high)
    assert np.mean(covered) >= 0.9
