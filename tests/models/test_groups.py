"""A feature belongs to its driver group; what newcomers did so far is their beginning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.groups import TENURE, group_sums, membership

FEATURES = (
    {"name": "usage_count_90d", "group": "usage", "onboarding_below": 90},
    {"name": "usage_count_30d", "group": "usage"},
    {"name": "early", "group": "onboarding"},
    {"name": "failed", "group": "payments"},
)
CONTRIBUTIONS = np.array([[1.0, 2.0, 4.0, 8.0]] * 4)


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({TENURE: [89.0, 90.0, 400.0, np.nan]})


def test_only_of_newcomers_it_is_onboarding(frame):
    groups, sums = group_sums(FEATURES, frame, CONTRIBUTIONS)
    assert groups == ["onboarding", "payments", "usage"]
    np.testing.assert_array_equal(sums, [[5, 8, 2], [4, 8, 3], [4, 8, 3], [4, 8, 3]])


def test_members_are_those_that_are_summed(frame):
    rows = np.arange(len(frame))
    groups, sums = group_sums(FEATURES, frame, CONTRIBUTIONS)
    for place, group in enumerate(groups):
        columns, member = membership(FEATURES, frame, group, rows)
        member = np.broadcast_to(member, (len(frame), len(columns)))
        summed = np.where(member, CONTRIBUTIONS[:, columns], 0).sum(axis=1)
        np.testing.assert_array_equal(summed, sums[:, place])


def test_without_a_tenure_nobody_is_new():
    groups, sums = group_sums(FEATURES, pd.DataFrame(index=range(4)), CONTRIBUTIONS)
    np.testing.assert_array_equal(sums[0], [4, 8, 3])
    assert groups[0] == "onboarding"


def test_models_of_before_have_plain_groups():
    plain = tuple({"name": f["name"], "group": f["group"]} for f in FEATURES[:2])
    groups, sums = group_sums(plain, pd.DataFrame({TENURE: [1.0]}), np.array([[1.0, 2.0]]))
    assert groups == ["usage"]
    assert sums.tolist() == [[3.0]]
