"""How long customers stay: what is learned from, and what comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from models import survival
from models.survival import (
    DAYS_A_MONTH,
    Chains,
    Survival,
    Window,
    learn_survival,
    person_periods,
    wanted_columns,
)

STEP = 30
COLUMNS = {"columns": ("days_left",), "in_days": (True,), "categorical": (False,)}


def chains(customers, steps, churned, known=None, every=STEP):
    steps = np.array(steps)
    known = np.zeros((len(steps), 2)) if known is None else known
    return Chains(np.array(customers), steps * every, np.array(churned), known.astype(np.float32))


def rows_of(found):
    return sorted(zip(*(part.tolist() for part in found), strict=True))


def test_rows_are_points_with_each_later_point_of_the_stay():
    """Customer a leaves at its third point; b is seen twice."""
    given = chains(["a", "a", "a", "b", "b"], [0, 1, 2, 1, 2], [0, 0, 1, 0, 0])
    found = rows_of(person_periods(given, 1, seed=1))
    assert found == [(0, 1, 1), (0, 2, 2), (1, 2, 1), (3, 4, 1)]


def test_a_stay_ends_with_departure_and_with_a_gap():
    """Who left and came back, or was no point in between, is not followed over that."""
    left = chains(["a", "a", "a"], [0, 1, 2], [0, 1, 0])
    assert rows_of(person_periods(left, 1, seed=1)) == [(0, 1, 1)]
    away = chains(["a", "a", "b"], [0, 2, 1], [0, 0, 0])
    assert rows_of(person_periods(away, 1, seed=1)) == []


def test_windows_of_several_cutoffs_do_not_overlap():
    given = chains(["a"] * 5, range(5), [0, 0, 0, 0, 1])
    assert rows_of(person_periods(given, 2, seed=1)) == [(0, 2, 1), (0, 4, 2), (1, 3, 1), (2, 4, 1)]


def test_of_many_rows_and_customers_some_are_drawn(monkeypatch):
    given = chains(np.repeat(np.arange(50), 6), np.tile(np.arange(6), 50), np.zeros(300, int))
    assert len(person_periods(given, 1, seed=1)[0]) == 50 * 15
    monkeypatch.setattr(survival, "MOST_CELLS", 60)
    assert len(person_periods(given, 1, seed=1)[0]) == 10 * 15
    monkeypatch.setattr(survival, "MOST_ROWS", 40)
    one, same = (person_periods(given, 1, seed=1) for _ in range(2))
    assert len(one[0]) == 40
    assert rows_of(one) == rows_of(same)


def business(count=3000, steps=14, every=STEP, seed=1):
    """Customers leave by a risk of their own; half of them mostly when their term of 6 ends."""
    random = np.random.default_rng(seed)
    risk = random.choice([0.02, 0.08], count)
    bound = random.random(count) < 0.5
    phase = random.integers(0, 6, count)
    parts, there = [], np.ones(count, dtype=bool)
    for step in range(steps):
        until = (phase - step) % 6
        hazard = np.where(bound, np.where(until == 0, 0.3, 0.002), risk)
        who = np.flatnonzero(there)
        churned = random.random(len(who)) < hazard[who]
        log_odds = np.log(hazard / (1 - hazard))[who]
        left = np.where(bound, until * every, np.nan)[who]
        parts.append((who, np.full(len(who), step), churned, np.stack([log_odds, left], 1)))
        there[who[churned]] = False
    who, step, churned, known = (np.concatenate(each) for each in zip(*parts, strict=True))
    return chains(who, step, churned.astype(int), known, every)


def learned(given, window, **changed) -> Survival:
    found = learn_survival(given, window, **{**COLUMNS, "seed": 1, **changed})
    assert isinstance(found, Survival)
    return found


@pytest.fixture(scope="module")
def stays() -> Survival:
    return learned(business(), Window(STEP))


def test_terms_end_when_they_end(stays):
    """A term that ends in three steps is left there, and hardly before; risks of months go on."""
    known = np.array([[-6.2, 90.0], [np.log(0.08 / 0.92), np.nan], [np.log(0.02 / 0.98), np.nan]])
    bound, risky, safe = stays.hazards(known.astype(np.float32))
    assert bound[:5] == pytest.approx([0.002, 0.002, 0.3, 0.002, 0.002], abs=0.05)
    assert risky[:6].mean() == pytest.approx(0.08, abs=0.02)
    assert safe[:6].mean() == pytest.approx(0.02, abs=0.01)


def test_later_customers_stay_as_long_as_expected(stays):
    """Other customers, whom nothing was learned from."""
    later = business(seed=2)
    first = (later.day == 0) & (later.churned == 0)
    curves = stays.curves(later.known[first], 8)
    for month in (2, 4, 8):
        seen = np.isin(later.customer[first], later.customer[later.day == month * STEP])
        assert curves[:, month - 1].mean() == pytest.approx(seen.mean(), abs=0.035)


def test_curves_begin_with_certainty_fall_and_end_above_zero(stays):
    curves = stays.curves(business(seed=3, count=50).known, 48)
    assert curves.shape[1] == 48
    assert (np.diff(curves, axis=1) <= 1e-12).all()
    assert (curves[:, 0] > 0.99).all()
    assert ((curves > 0) & (curves <= 1)).all()


def test_beyond_the_histories_hazards_are_the_mean_of_the_last_year(stays):
    known = np.array([[np.log(0.08 / 0.92), np.nan]], dtype=np.float32)
    curves, hazards = stays.curves(known, 60)[0], stays.hazards(known)[0]
    month = -np.log1p(-hazards[-12:]).mean() / STEP * DAYS_A_MONTH
    assert -np.diff(np.log(curves[-20:])) == pytest.approx([month] * 19, rel=1e-3)


@pytest.mark.parametrize(("every", "window"), [(7, 28), (30, 7)])
def test_a_month_is_a_month_whatever_the_grid_and_the_window(every, window):
    """A tenth leaves in every 30 days: with cutoffs by the week, and windows of a week."""
    random, count = np.random.default_rng(4), 4000
    gone = random.exponential(-30 / np.log(0.9), count)
    steps = np.arange(0, 300 // every)
    who, step = np.meshgrid(np.arange(count), steps, indexing="ij")
    there = gone[who] > step * every
    left = there & (gone[who] <= step * every + window)
    given = chains(who[there], step[there], left[there].astype(int), every=every)
    found = learned(given, Window(window))
    curve = found.curves(np.zeros((1, 2), dtype=np.float32), 9)[0]
    month = np.exp(np.diff(np.log(curve[2:])))
    assert month == pytest.approx([0.9 ** (DAYS_A_MONTH / 30)] * 6, abs=0.015)


def test_a_lead_puts_everything_off():
    stays = learned(business(), Window(STEP))
    put_off = learned(business(), Window(STEP, lead=10 * DAYS_A_MONTH))
    known = business(count=20, seed=5).known
    assert (put_off.curves(known, 10) == 1).all()
    assert (stays.curves(known, 10)[:, -1] < 0.9).all()


def test_too_few_departures_say_so():
    given = chains(["a", "a", "b"], [0, 1, 1], [0, 1, 0])
    settings = {**COLUMNS, "seed": 1}
    why = learn_survival(given, Window(STEP), **settings)
    assert why.startswith("only 1 customers are seen to leave in a later window")
    only = chains(["a", "b"], [0, 0], [0, 1])
    assert learn_survival(only, Window(STEP), **settings) == "there is only one labelled cutoff"


def test_the_same_points_teach_the_same_and_text_keeps_it(stays):
    again = learned(business(), Window(STEP))
    assert again == stays
    kept = Survival.from_dict(stays.as_dict(), stays.booster_text)
    known = business(count=30, seed=6).known
    assert (kept.curves(known, 12) == stays.curves(known, 12)).all()


def test_what_is_used_is_left_to_the_log_odds():
    groups = ["usage", "profile", "payments", "subscription", "price", "support"]
    assert wanted_columns([{"group": group} for group in groups]) == [1, 3, 4]
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
