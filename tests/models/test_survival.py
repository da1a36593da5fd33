"""How long customers stay: what is learned from, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

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


def test_the_columns_that_it_looks_at_are_known(stays):
    """A second one, which is the same for everybody, tells nothing."""
    assert stays.used == {"days_left"}
    given = business()
    known = np.column_stack([given.known, np.full(len(given.known), 7.0)]).astype(np.float32)
    more = {"columns": ("days_left", "same"), "in_days": (True, False), "categorical": (False,) * 2}
    assert learned(replace(given, known=known), Window(STEP), **more).used == {"days_left"}


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
