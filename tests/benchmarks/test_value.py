"""The benchmark of values: what it says of worlds and shops is what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import value


def test_a_world_is_judged_on_a_year_held_back(monkeypatch):
    found = {
        "customers": 1200,
        "total": 1.04,
        "total_interval": [1.0, 1.08],
        "rank_correlation": 0.8,
        "mean_distance": 0.3,
        "one_rate": {"total": 0.9, "rank_correlation": 0.79, "mean_distance": 0.4},
    }
    monkeypatch.setattr(value, "judge", lambda seed, customers, folder: found)
    monkeypatch.setattr(value, "shops", lambda: ["shops"])
    lines = value.run(10).splitlines()
    assert [line for line in lines if line.startswith("| 92")] == [
        f"| {seed} | 1,200 | 1.040 (1.000 to 1.080) | 0.800 | 0.300 | 0.900 | 0.790 | 0.400 |"
        for seed in (921, 922, 923)
    ]
    assert lines[-1] == "shops"


def test_shops_that_are_not_there_are_told(tmp_path):
    assert list(value.shops(tmp_path / "none")) == [
        "The real histories (../shared/data) are not on this machine."
    ]


def test_what_is_held_back_is_not_learned_from():
    random = np.random.default_rng(1)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 500, 3000), "D")
    rows = pd.DataFrame({"customer": random.integers(0, 300, 3000), "day": day, "money": 1.0})
    rows["money"] = random.gamma(4, 5, 3000)
    rows = rows.drop_duplicates(["customer", "day"])
    figures, *models = value.held_back(rows, "2025-01-01", "2025-04-01")
    assert len(figures) == len(value.FIGURES)
    later = rows["day"] > "2025-01-01"
    changed = rows.assign(money=rows["money"].where(~later, 9.0))
    other, *same = value.held_back(changed, "2025-01-01", "2025-04-01")
    assert models == same
    assert figures[:3] == other[:3]
    assert figures[3:] != other[3:]


def test_a_tenth_of_cdnow_is_as_lifetimes_finds_it():
    if not (value.SHARED / "cdnow").is_dir():
        pytest.skip("the real histories (../shared/data) are not on this machine")
    shop = value.SHOPS[0]
    figures, *_ = value.held_back(value.purchases_of(shop, value.SHARED), shop.end, shop.last)
    assert figures == pytest.approx(shop.theirs, rel=2e-3)
