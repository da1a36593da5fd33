"""The benchmark of levers judges each beside its truth, on a business of its own."""

from __future__ import annotations

import pytest

from benchmarks import levers
from models.exposure import Range


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levers, "LARGE", 20_000)
        levers.large.cache_clear()
        found = levers.judge(7, tmp_path_factory.mktemp("levers"), customers=1000)
    levers.large.cache_clear()
    return {one.lever: one for one in found}


def test_each_kind_of_lever_is_judged(judged):
    assert {
        *("recovered by day 14", "open invoice", "ticket that went badly"),
        *("no automatic renewal, term of a month", "price rise 0 to 4 weeks ago"),
        *("least done in the first 14 days", "churn of channel ads"),
        "margin of 180 days, channel ads",
    } <= set(judged)


def test_most_intervals_hold_the_truth(judged):
    assert sum(one.covered for one in judged.values()) >= len(judged) - 3


def test_truths_are_what_the_world_is_set_to(judged):
    """An open invoice weighs most, a price rise fades with the weeks, ads bring those who leave."""
    true = {name: one.truth for name, one in judged.items()}
    assert true["open invoice"] > true["ticket that went badly"] > 0
    rises = [true[f"price rise {n} to {n + 4} weeks ago"] for n in (0, 4, 8)]
    assert rises == sorted(rises, reverse=True)
    assert true["churn of channel ads"] > true["churn of channel referral"]


def test_a_row_counts_the_intervals_that_hold():
    found = [levers.Judged("x", Range(1, 0, 2), 2), levers.Judged("x", Range(3, 2, 4), 5)]
    assert levers._row("x", found) == "| x | 2 | 1 | 2 | 3.5 | 1 |"
