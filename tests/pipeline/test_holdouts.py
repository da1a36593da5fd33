"""Campaigns, and small ones taken together."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.holdouts import FEWEST_CONTACTED, batches, has_holdout, share_treated


def rows(*campaigns):
    """From (name, day, contacted, held out)."""
    frames = [
        pd.DataFrame({"campaign": name, "day": day, "treated": [True] * there + [False] * out})
        for name, day, there, out in campaigns
    ]
    return pd.concat(frames, ignore_index=True)


def told(found, values):
    """By campaign, the one value of its rows."""
    grouped = found.assign(value=values).groupby("campaign")["value"]
    assert (grouped.nunique() == 1).all()
    return grouped.first().to_dict()


def test_large_campaigns_stand_alone():
    found = rows(("b", 2, 60, 6), ("a", 1, 60, 0), ("c", 3, 60, 6))
    assert told(found, batches(found)) == {"a": 0, "b": 1, "c": 2}
    assert told(found, has_holdout(found)) == {"a": False, "b": True, "c": True}
    assert told(found, share_treated(found))["b"] == 60 / 66


def test_a_list_a_day_is_judged_together():
    """Five contacts a day, and nobody held out on most days."""
    days = [(f"day {n:02}", n, 5, int(n % 4 == 0)) for n in range(40)]
    found = rows(*days)
    numbers = told(found, batches(found))
    assert list(numbers.values()) == sorted(numbers.values())
    sizes = found["treated"].groupby(batches(found)).sum()
    assert len(sizes) < 6
    assert (sizes[:-1] >= 0.8 * FEWEST_CONTACTED).all()
    assert has_holdout(found).all()


def test_a_large_campaign_without_a_holdout_borrows_none_from_small_ones():
    found = rows(("small", 1, 5, 3), ("large", 2, 200, 0), ("small too", 3, 5, 3))
    assert told(found, has_holdout(found)) == {"small": True, "large": False, "small too": True}


@given(
    campaigns=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 80), st.integers(0, 9)), min_size=1, max_size=9
    )
)
def test_batches_hold_whole_campaigns_in_the_order_of_their_days(campaigns):
    given = [
        (f"c{n}", day, there, out + (there + out == 0))
        for n, (day, there, out) in enumerate(campaigns)
    ]
    found = rows(*given)
    numbers = told(found, batches(found))
    days = {name: day for name, day, _, _ in given}
    order = sorted(numbers, key=lambda name: (days[name], name))
    assert [numbers[name] for name in order] == sorted(numbers.values())
