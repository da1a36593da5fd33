"""The histories of a real online university (OULAD), where they are there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.churn import Definition
from features.histories import read_histories
from features.plan import make_plan
from features.points import make_points
from features.sources import Source
from features.vectors import build_vectors

OULAD = Path(__file__).parents[3] / "shared" / "data" / "oulad"


@pytest.mark.skipif(not OULAD.is_dir(), reason=f"real histories are not here: {OULAD}")
def test_real_students_are_read_and_get_vectors():
    histories = read_histories(Source(str(OULAD)), needed=("churned",))
    bad = {name: account.quarantined for name, account in histories.accounts.items() if account.bad}
    assert bad == {"subscriptions": {"null_started_at": 45}, "surveys": {"null_score": 172}}
    cutoff = date(2014, 4, 1)
    points = make_points(histories, Definition(kind="event"), [cutoff])
    plan = make_plan(histories, windows=(30,), known_before=cutoff)
    found = build_vectors(histories, plan, points)
    assert len(found) == len(points) > 1000
    assert found.frame["usage_count_30d"].gt(0).mean() > 0.5
    histories.close()
