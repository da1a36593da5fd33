"""`surveys`: scores by kind, the last one, and how it changed."""

from __future__ import annotations

import pytest

SURVEYS = {
    "surveys": """
    customer_id | occurred_at                | kind | score
    1           | 2024-12-01                 | nps  | 9
    1           | 2025-01-05                 | nps  | 4
    1           | 2025-01-31 12:00:00        | nps  | 2
    1           | 2025-01-31 13:00:00        | csat | 5
    1           | 2025-02-01                 | nps  | 10
    2           | 2025-01-01 23:59:59.999999 | nps  | 7
    2           | 2025-01-02                 | csat | 1
    """
}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("surveys_nps_count_30d", {1: 2, 2: 0}),
        ("surveys_nps_mean_30d", {1: 3, 2: None}),
        ("surveys_nps_min_30d", {1: 2, 2: None}),
        ("surveys_nps_count_ever", {1: 3, 2: 1}),
        ("surveys_nps_mean_ever", {1: 5, 2: 7}),
        ("surveys_nps_last_score", {1: 2, 2: 7}),
        ("surveys_nps_last_score_vs_own", {1: -3, 2: 0}),
        ("surveys_nps_score_change", {1: -2, 2: None}),
        ("surveys_nps_days_since_last", {1: 0.5, 2: pytest.approx(30)}),
        ("surveys_csat_count_30d", {1: 1, 2: 1}),
        ("surveys_csat_last_score", {1: 5, 2: 1}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen(SURVEYS, "2025-02-01", feature) == expected


def test_of_answers_at_the_same_moment_the_higher_one_is_the_last(seen):
    for scores in ([3, 8], [8, 3]):
        rows = "".join(f"\n1 | 2025-01-05 | nps | {score}" for score in scores)
        tables = {"surveys": "customer_id | occurred_at | kind | score" + rows}
        assert seen(tables, "2025-02-01", "surveys_nps_last_score") == {1: 8}


def test_an_answer_that_came_in_late_is_not_the_last_one(vectors):
    tables = {
        "surveys": """
        customer_id | occurred_at | kind | score | available_at
        1           | 2025-01-05  | nps  | 1     | 2025-01-25
        1           | 2025-01-20  | nps  | 9     |
        """
    }
    frame = vectors(tables, ["2025-01-22", "2025-02-01"]).frame
    assert frame["surveys_nps_last_score"].tolist() == [9, 9]
    assert frame["surveys_nps_mean_ever"].tolist() == [9, 5]
    assert frame["surveys_nps_score_change"].fillna(-1).tolist() == [-1, 8]
