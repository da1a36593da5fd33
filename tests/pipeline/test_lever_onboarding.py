"""Onboarding on small tables: thirds by depth, and who left by day 120."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.beginnings import Beginnings
from pipeline.lever_onboarding import newcomers, onboarding, thirds
from pipeline.progress import Progress


def test_thirds_by_events_days_and_kinds():
    """Thirty who did ever more things: ten did least; the last one is unseen."""
    did = np.arange(1.0, 32.0)
    found = Beginnings(np.zeros(31), did, did, did, {})
    third = thirds(found, np.arange(31) < 30)
    assert third.tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [-1]
    assert thirds(found, np.arange(31) < 5) is None


def test_newcomers_are_looked_at_from_day_14_to_120(lever_panel):
    panel = lever_panel({"customers_tenure_days": [13.9, 14.0, 119.9, 120.0, 50.0]}, np.zeros(5))
    least, others = newcomers(panel, np.array([0, 0, 0, 0, 2]))
    assert least.tolist() == [False, True, True, False, False]
    assert others.tolist() == [False] * 4 + [True]


@pytest.fixture(scope="module")
def business(tmp_path_factory, write_config):
    """Of 120 60 set up and stay; of the others 30 leave in March, 15 in July."""
    from pipeline.config import load
    from pipeline.lever_panel import panel_of
    from pipeline.opening import open_histories

    folder = tmp_path_factory.mktemp("onboarding")
    left = ["2025-03-10" if n < 30 else "2025-07-10" if n < 45 else "" for n in range(120)]
    usage = [f"{n},2025-01-0{day},login" for n in range(120) for day in (2, 3)]
    usage += [f"{n},2025-01-05,setup" for n in range(60, 120)]
    tables = {
        "subscriptions": ["customer_id,subscription_id,started_at,ended_at"]
        + [f"{n},{n},2025-01-01,{left[n]}" for n in range(120)],
        "usage": ["customer_id,occurred_at,event", "119,2025-01-01,login", *usage],
        "customers": ["customer_id,signed_up_at", *[f"{n},2025-01-01" for n in range(120)]],
    }
    (folder / "data").mkdir()
    for name, rows in tables.items():
        (folder / "data" / f"{name}.csv").write_text("\n".join(rows))
    config = load(write_config(folder, source=folder / "data"))
    data = config.data.model_copy(update={"observed_until": date(2025, 9, 1)})
    histories = open_histories(config.model_copy(update={"data": data}), Progress())
    yield onboarding(panel_of(config, histories))
    histories.close()


def test_who_left_by_day_120(business):
    """March counts, July does not: 30 of the 60 who did not set up, none of the others."""
    assert sum(one.left.part for one in business.thirds) == 30
    assert sum(one.left.whole for one in business.thirds) == 120
    assert business.thirds[0].left.part == 30


def test_the_behaviour_that_parts_them(business):
    (one,) = business.behaviours  # all of them logged in
    assert (one.event, one.clear) == ("setup", True)
    assert one.difference.adjusted.estimate == pytest.approx(-0.5)
    assert (one.difference.rate_with, one.difference.rate_without) == (0, 0.5)
