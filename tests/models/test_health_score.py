"""Points by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.health_score import RULES, Rule, applying, health_score, weighted

NAN = float("nan")


def test_points_add_up_by_hand():
    """Silent for a month (2 + 2) with a failed payment (2); new (2); and one who is fine."""
    frame = pd.DataFrame(
        {
            "usage_days_since_last": [30.0, 3, 13.9],
            "payments_failed_count_30d": [1.0, 0, 0],
            "customers_tenure_days": [400.0, 90, 400],
        }
    )
    np.testing.assert_array_equal(health_score(frame), [6, 2, 0])


def test_a_missing_value_gives_no_points():
    frame = pd.DataFrame({"tickets_csat_last": [NAN, 2.0], "usage_days_since_last": [NAN, NAN]})
    np.testing.assert_array_equal(health_score(frame), [0, 2])


def test_of_several_windows_the_one_next_to_a_month_counts():
    rules = [Rule("falling", "usage_count_trend_{}d", "up to", -1, 3)]
    frame = pd.DataFrame(
        {
            "usage_count_trend_7d": [0.0],
            "usage_count_trend_28d": [-2.0],
            "usage_count_trend_90d": [0.0],
        }
    )
    np.testing.assert_array_equal(health_score(frame, rules), [3])


def test_without_any_feature_there_is_no_score():
    assert health_score(pd.DataFrame({"age": [1.0]})) is None


def test_rules_are_about_features_that_there_are():
    """A feature that is renamed would silently drop its rule."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    named = page.replace("<kind>", "nps") + page.replace("<kind>", "csat")
    for rule in RULES:
        assert f"`{rule.feature.replace('{}', '{7,30,90,365}')}`" in named, rule.feature


def test_points_can_be_set_by_the_names_of_the_rules():
    """14 days of silence count 5 now, a month nothing: 5 and, new as well, 5 + 2."""
    rules = weighted({"silent_two_weeks": 5, "silent_a_month": 0})
    frame = pd.DataFrame(
        {"usage_days_since_last": [40.0, 14.0], "customers_tenure_days": [400.0, 10.0]}
    )
    np.testing.assert_array_equal(health_score(frame, rules), [5, 7])
    assert weighted({}) == RULES


def test_every_rule_has_a_name_of_its_own_and_tells_where_it_applies():
    assert len({rule.name for rule in RULES}) == len(RULES)
    found = dict(applying(pd.DataFrame({"usage_days_since_last": [20.0, 30.0, 1.0]})))
    assert {name: where.tolist() for name, where in found.items()} == {
        "silent_two_weeks": [1, 1, 0],
        "silent_a_month": [0, 1, 0],
    }
