"""Which points levers look at, and how they are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.cut import Points
from features.points import LabelledPoints
from pipeline.lever_panel import apart, sampled


def test_windows_do_not_overlap_so_nobody_leaves_twice():
    """Weeks with a horizon of 30 days: every fifth from the newest; months stay as they are."""
    weeks = [date(2025, 1, 6 + 7 * n) for n in range(4)] + [date(2025, 2, 3), date(2025, 2, 10)]
    assert apart(weeks, 30) == (date(2025, 1, 13), date(2025, 2, 10))
    months = (date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1))
    assert apart(months, 30) == months
    assert apart(months, 60) == (date(2025, 1, 1), date(2025, 3, 1))


def test_excess_leaves_out_the_factors_of_its_own(lever_panel):
    """All with an open invoice leave: with payments as a factor nothing would be left over."""
    failed = np.repeat([1.0, 0.0], [200, 800])
    churned = np.concatenate([np.arange(200) < 100, np.arange(800) < 40])
    panel = lever_panel(
        {
            "payments_last_failed": failed,
            "payments_days_since_failed": np.where(failed, 3.0, np.nan),
            "payments_failed_run_days": np.where(failed, 3.0, np.nan),
        },
        churned,
    )
    found = panel.excess(failed == 1, failed == 0, without=("payments",))
    assert found.churn.estimate == pytest.approx(0.5 - 0.05)
    assert found.money is None


def test_points_of_the_demo_world(weighed):
    panel, _ = weighed
    assert len(panel.cutoffs) == 17
    assert panel.years == pytest.approx(17 * 30 / 365.25)
    assert len(panel.values) == len(panel.points) == len(panel.frame)
    assert [name for name, _ in panel.parts_of("customers_profile_segment")] == [
        "business", "consumer",
    ]  # fmt: skip
    assert panel.column("nothing of the kind") is None


def test_of_many_points_those_of_some_customers_are_looked_at():
    """All or none of a customer's points; what they stand for adds up to all."""
    customers = np.tile(np.arange(1000, dtype=np.int32), 3)
    cutoff = np.repeat(np.arange(3, dtype=np.int32), 1000)
    days = (date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1))
    points = LabelledPoints(days, Points(cutoff, customers), np.zeros(3000, np.int8), ())
    assert sampled(points, 1000, 3000) == (points, 1.0)
    found, share = sampled(points, 1000, 600)
    assert 0.15 < share < 0.25
    assert len(found) == 3 * round(share * 1000)
    assert (np.bincount(found.points.customer, minlength=1000) % 3 == 0).all()


def test_leavers_and_money_of_a_sample_are_those_of_all(weighed):
    panel, _ = weighed
    failed = panel.column("payments_last_failed") == 1
    whole = panel.excess(failed, ~failed, without=("payments",))
    half = replace(panel, share=0.5).excess(failed, ~failed, without=("payments",))
    assert half.churn == whole.churn
    assert half.leavers.estimate == pytest.approx(2 * whole.leavers.estimate)
    assert half.money.estimate == pytest.approx(2 * whole.money.estimate)
