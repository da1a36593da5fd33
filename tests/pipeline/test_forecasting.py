"""What forecasts are made from: past cutoffs, and what became of the customers of each."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.points import make_points
from pipeline import forecasting
from pipeline.forecasting import Scored, months_after, past_cutoffs, past_of

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | price
stays       | 1               | 2025-01-05 |            | 10
leaves      | 2               | 2025-01-05 | 2025-05-20 | 10
returns     | 3               | 2025-01-05 | 2025-05-10 | 10
returns     | 4               | 2025-06-20 |            | 10
"""


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2025, 12, 1), 3, date(2026, 3, 1)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(2025, 2, 10), -2, date(2024, 12, 10)),
    ],
)
def test_months_after_a_day(day, months, then):
    assert months_after(day, months) == then


def test_past_cutoffs_have_a_history_and_a_known_outcome(business):
    """From 2025-01-05 on, with 30 days of history, up to three months before 2025-09-01."""
    one = business({"subscriptions": SUBSCRIPTIONS}, observed_until=date(2025, 9, 1))
    firsts = [date(2025, month, 1) for month in (3, 4, 5, 6)]
    assert past_cutoffs(one, date(2025, 9, 1)) == firsts
    two = business({"subscriptions": SUBSCRIPTIONS}, observed_until=date(2025, 9, 1), grace_days=1)
    assert past_cutoffs(two, date(2025, 9, 1)) == firsts[:-1]


def test_gone_is_who_is_no_customer_then(business):
    """On 05-01 all three are there; on 06-01 only one, and on 07-01 one has come back."""
    one = business({"subscriptions": SUBSCRIPTIONS}, observed_until=date(2025, 9, 1))
    everybody = Scored(date(2025, 5, 1), np.arange(3), np.full(3, 0.1), {None: np.full(3, 10.0)})
    ids = one.histories.customer_ids().to_pylist()

    def gone(months):
        (past,) = past_of(one, [everybody], months, None)
        return {who for who, left in zip(ids, past.gone, strict=True) if left}

    assert gone(1) == {"leaves", "returns"}
    assert gone(2) == {"leaves"}


def test_of_very_many_points_a_sample_and_all_of_now(business, monkeypatch):
    monkeypatch.setattr(forecasting, "MOST_POINTS", 100)
    rows = "\n".join(f"{n} | {n} | 2025-01-05 | | 10" for n in range(200))
    text = SUBSCRIPTIONS.strip().split("\n")[0] + "\n" + rows
    one = business({"subscriptions": text}, observed_until=date(2025, 9, 1))
    cutoffs = [date(2025, month, 1) for month in (3, 4, 9)]
    points = make_points(one.histories, one.definition, cutoffs, labels=False)
    drawn = forecasting._drawn(points, seed=1)
    counts = np.bincount(drawn.points.cutoff)
    assert counts[2] == 200
    assert 60 < counts[0] + counts[1] < 140
    again = forecasting._drawn(points, seed=1)
    assert (drawn.points.customer == again.points.customer).all()
