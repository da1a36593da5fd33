"""Which points levers look at, and how they are compared."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipeline.lever_panel import apart


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
