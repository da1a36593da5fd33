"""Drivers by part and over time: a new reason is found, noise is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.shifts import attribute_parts, drivers_by_part, first_drivers, reasons_by_time

GROUPS = ["payments", "price", "usage"]
JUNE, JULY, AUGUST = (np.datetime64(f"2026-0{month}-01") for month in (6, 7, 8))


def test_each_part_has_the_means_of_its_points():
    sums = np.array([[1.0, -1, 0], [3, 1, 0], [-5, 0, 0]])
    parts = {"plan": {"basic": np.array([1, 1, 0], bool), "pro": np.array([0, 0, 1], bool)}}
    found = drivers_by_part(GROUPS, sums, np.arange(3), parts, seed=1)
    assert found["part"].tolist() == ["basic"] * 3 + ["pro"] * 3
    assert found["of"].eq("plan").all()
    first = found.iloc[0]
    assert (first["points"], first["group"]) == (2, "payments")
    assert (first["mean_abs_shap"], first["mean_shap"]) == (2, 2)
    assert (first["low"], first["high"]) == (1, 3)
    assert found.loc[1, ["mean_abs_shap", "mean_shap"]].tolist() == [1, 0]
    assert found.loc[3, ["mean_abs_shap", "mean_shap"]].tolist() == [5, -5]


def test_empty_parts_are_left_out():
    none = {"plan": {"basic": np.zeros(2, bool)}}
    found = drivers_by_part(GROUPS, np.ones((2, 3)), np.arange(2), none, seed=1)
    assert found.empty
    assert "mean_abs_shap" in found.columns


FEATURES = [
    {"name": "plan", "unit": "text", "group": "subscription"},
    {"name": "flag", "unit": "0 or 1", "group": "profile"},
    {"name": "failed", "unit": "0 or 1", "group": "payments"},
    {"name": "logins", "unit": "number", "group": "usage"},
    {"name": "country", "unit": "text", "group": "profile"},
]


def attributes(count: int = 400) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "plan": pd.Categorical(np.where(np.arange(count) % 4 == 0, "pro", "basic")),
            "flag": np.where(np.arange(count) % 2 == 0, 1.0, 0.0),
            "failed": np.arange(count) % 2.0,
            "logins": np.arange(count) * 1.0,
            "country": ["NL"] * (count - 1) + ["DE"],
        }
    )


def test_texts_and_flags_of_the_profile_part_the_customers():
    found = attribute_parts(attributes(), FEATURES)
    assert {name: list(masks) for name, masks in found.items()} == {
        "plan": ["basic", "pro"],
        "flag": ["no", "yes"],
    }
    assert found["plan"]["pro"].sum() == 100
    assert found["flag"]["yes"].tolist() == [True, False] * 200


def test_a_gap_belongs_to_no_part():
    frame = attributes()
    frame.loc[:49, "flag"] = np.nan
    masks = attribute_parts(frame, FEATURES)["flag"]
    assert not (masks["yes"] | masks["no"])[:50].any()


def test_the_first_driver_is_the_one_that_raises_the_risk_most():
    sums = np.array([[1.0, 2, 0], [-1, -2, -0.1], [0, 0, 0], [0.5, 0.5, 0.1]])
    assert first_drivers(sums).tolist() == [1, -1, -1, 0]
    assert first_drivers(np.empty((0, 3))).tolist() == []


def led_by(shares: list[list[float]], count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points whose first driver is drawn with the given shares, by time; the rest has none."""
    random = np.random.default_rng(seed)
    months = [JUNE, JULY, AUGUST][-len(shares) :]
    first = [random.choice(4, count, p=[*each, 1 - sum(each)]) for each in shares]
    return np.eye(4)[np.concatenate(first)][:, :3], np.repeat(np.array(months), count)


def found_in(sums: np.ndarray, times: np.ndarray, customers: np.ndarray | None = None):
    whose = np.arange(len(sums)) if customers is None else customers
    return reasons_by_time(GROUPS, sums, sums.any(axis=1), whose, times)


def test_a_new_reason_is_found():
    sums, times = led_by([[0.1, 0.1, 0.3], [0.1, 0.1, 0.3], [0.1, 0.3, 0.1]], 300, seed=1)
    found = found_in(sums, times)
    assert [one.group for one in found.became] == ["price"]
    first, last = found.changes[0], found.changes[-1]
    assert (first.group, last.group) == ("price", "usage")
    assert last.beyond_noise
    assert last.change < 0
    assert first.change == pytest.approx(first.now - first.before)
    assert first.now == pytest.approx(sums[600:, 1].mean())
    assert 0 < first.low < first.change < first.high
    assert found.customers == {"2026-06-01": 300, "2026-07-01": 300, "2026-08-01": 300}
    assert found.at_risk["2026-08-01"] == sums[600:].sum()
    assert found.shares["price"]["2026-08-01"] == pytest.approx(
        sums[600:, 1].sum() / sums[600:].sum()
    )
    assert found.as_dict()["became"] == ["price"]


def test_where_one_reason_goes_away_the_others_are_no_news():
    """Of the customers at risk usage goes from a third to all, and yet it has become no reason."""
    price, usage, nobody = [0, 1, 0], [0, 0, 1], [0, 0, 0]
    before = [price] * 400 + [usage] * 200 + [nobody] * 1400
    sums = np.array(before + [usage] * 200 + [nobody] * 1800, dtype=float)
    found = found_in(sums, np.repeat(np.array([JULY, AUGUST]), 2000))
    assert found.shares["usage"] == {"2026-07-01": 1 / 3, "2026-08-01": 1}
    assert found.became == []
    assert found.changes[-1].group == "price"
    assert found.changes[-1].beyond_noise


def test_who_is_not_at_risk_has_no_reason():
    sums, times = led_by([[0.1, 0.1, 0.3], [0.1, 0.3, 0.1]], 300, seed=1)
    found = reasons_by_time(GROUPS, sums, np.zeros(600, bool), np.arange(600), times)
    assert found.at_risk == {"2026-07-01": 0, "2026-08-01": 0}
    assert {one.now for one in found.changes} == {0}
    assert found.became == []


def test_noise_is_rarely_a_reason():
    """All intervals of a table hold together with 95 %, of few customers and rare reasons, too."""
    for count in (25, 150):
        alarms = 0
        for seed in range(200):
            found = found_in(*led_by([[0.03, 0.17, 0.5]] * 2, count, seed))
            alarms += any(one.beyond_noise for one in found.changes)
        assert alarms <= 0.05 * 200 + 9, "three standard errors above 5 %"


def test_points_of_one_customer_are_no_independent_evidence():
    """Customers who come in pairs tell less than as many who come alone."""
    sums, times = led_by([[0.3, 0.3, 0.4], [0.3, 0.4, 0.3]], 100, seed=1)
    twice = np.repeat(sums, 2, axis=0), np.repeat(times, 2)
    widths = []
    for customers in (np.repeat(np.arange(200), 2), np.arange(400)):
        one = found_in(*twice, customers).changes[0]
        widths.append(one.high - one.low)
    assert 1.35 < widths[0] / widths[1] < 1.45


def test_few_customers_tell_nothing_beyond_noise():
    sums = np.eye(3)[[1] * 19 + [2] * 500]
    times = np.array([AUGUST] * 19 + [JULY] * 500)
    found = found_in(sums, times)
    assert found.changes[0].change == 1
    assert found.became == []


def test_one_time_has_nothing_before_it():
    found = found_in(np.eye(3), np.full(3, JULY))
    assert found.changes == []
    assert found.shares["price"] == {"2026-07-01": pytest.approx(1 / 3)}


def test_without_points_there_are_no_reasons():
    found = found_in(np.empty((0, 3)), np.array([], dtype="datetime64[D]"))
    assert (found.customers, found.changes, found.shares["price"]) == ({}, [], {})
