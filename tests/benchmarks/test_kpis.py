"""The benchmark of key figures measures the command on a business that has all they read."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from benchmarks import kpis


def test_the_business_has_notice_payments_and_failures(tmp_path):
    kpis.write_business(tmp_path, 4_000)
    payments = pq.read_table(tmp_path / "payments.parquet").to_pandas()
    subscriptions = pq.read_table(tmp_path / "subscriptions.parquet").to_pandas()
    assert len(payments) == 400
    assert payments["occurred_at"].is_monotonic_increasing
    assert set(payments["status"]) == {"paid", "failed"}
    both = payments.merge(subscriptions, on="customer_id")
    assert (both["occurred_at"] >= both["started_at"]).all()
    assert (both["amount"] == both["price"]).all()
    noticed = subscriptions.dropna(subset="cancelled_at")
    assert 0 < len(noticed) < len(subscriptions)
    assert (noticed["cancelled_at"] <= noticed["ended_at"]).all()


def test_the_table_tells_the_time_of_each_definition(monkeypatch):
    monkeypatch.setattr(
        kpis, "command", lambda folder, name: kpis.Timed(12.0, 3.0, {"periods": [1, 2]})
    )
    told = kpis.run(0.0002, rounds=1)
    assert "| subscription | 2 | 12.0 | 3.0 |" in told
    assert "**missed**" in told


@pytest.mark.parametrize("definition", kpis.DEFINITIONS)
def test_the_command_runs_on_it(tmp_path, definition):
    kpis.write_business(tmp_path / "data", 4_000)
    timed = kpis.command(tmp_path, definition)
    assert timed.wall > 0
    assert timed.found["revenue_basis"] == "mrr"
    assert any(period["churned"] for period in timed.found["periods"])
