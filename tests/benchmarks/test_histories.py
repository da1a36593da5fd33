"""The histories that benchmarks measure with."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.histories import newest_cutoffs, write_histories
from features.histories import read_histories
from features.sources import Source

FILES = ("customers", "subscriptions", "usage")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("world")
    write_histories(place, 40_000)
    return place


def test_the_same_seed_gives_the_same_rows(folder, tmp_path):
    write_histories(tmp_path, 40_000)
    for name in FILES:
        once, again = (pd.read_parquet(place / f"{name}.parquet") for place in (folder, tmp_path))
        pd.testing.assert_frame_equal(once, again)


def test_there_are_as_many_events_as_asked_for_in_time_order(folder):
    usage = pd.read_parquet(folder / "usage.parquet")
    assert len(usage) == 40_000
    assert usage["occurred_at"].is_monotonic_increasing
    assert not usage["customer_id"].is_monotonic_increasing


def test_no_row_is_faulty(folder):
    histories = read_histories(Source(str(folder)))
    assert {name: account.bad for name, account in histories.accounts.items()} == dict.fromkeys(
        FILES, 0
    )
    histories.close()


def test_about_half_the_customers_are_active_at_a_cutoff(folder):
    subscriptions = pd.read_parquet(folder / "subscriptions.parquet")
    for cutoff in map(pd.Timestamp, newest_cutoffs(12)):
        ended = subscriptions["ended_at"] < cutoff
        active = (subscriptions["started_at"] < cutoff) & ~ended
        assert 0.4 < active.mean() < 0.7


def test_cutoffs_end_with_the_histories():
    assert [str(day) for day in newest_cutoffs(3)] == ["2025-11-01", "2025-12-01", "2026-01-01"]
