"""What a team can do, and what is refused as no action."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levers import Lever

GIFT = Lever("gift", ("price",), cost=1, incentive=20, success_rate=0.5)


def test_everybody_who_is_contacted_may_take_the_incentive():
    assert GIFT.outlay == 21


@pytest.mark.parametrize(
    "change",
    [
        {"cost": -1},
        {"cost": float("inf")},
        {"incentive": -0.01},
        {"success_rate": 1.01},
        {"success_rate": float("nan")},
        {"evidence": 0},
        {"capacity": -1},
    ],
)
def test_odd_numbers_are_refused_by_name(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} of gift"):
        replace(GIFT, **change)


def test_certain_is_a_rate_that_nobody_doubts():
    assert not GIFT.certain
    assert replace(GIFT, success_rate=0).certain
    assert replace(GIFT, success_rate=1).certain
    assert replace(GIFT, evidence=float("inf")).certain
