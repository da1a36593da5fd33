"""Movements of money add up to the cent, and each goes its one way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.movements import movements

#                          stays grows shrinks leaves new back
BEFORE = np.array([1000, 1000, 1000, 1000, 0, 0])
AFTER = np.array([1000, 1500, 400, 0, 700, 900])
HERE_BEFORE = np.array([True, True, True, True, False, False])
HERE_AFTER = np.array([True, True, True, False, True, True])
KNOWN = np.array([True, True, True, True, False, True])


def found(before=BEFORE, after=AFTER, here=HERE_BEFORE, still=HERE_AFTER, known=KNOWN):
    return movements(before, after, here_before=here, here_after=still, known=known)


def test_each_change_goes_one_way():
    one = found()
    assert (one.start, one.end) == (4000, 4500)
    assert (one.new, one.expansion, one.contraction) == (700, 500, 600)
    assert (one.churned, one.reactivated) == (1000, 900)
    assert one.gross_retention == (4000 - 600 - 1000) / 4000
    assert one.net_retention == (4000 + 500 - 600 - 1000) / 4000


def test_money_is_told_to_the_cent():
    values = found().as_json()
    assert values["start"] == 40.0
    assert values["contraction"] == 6.0


def test_nothing_at_the_start_keeps_no_share():
    nobody = np.zeros(1, dtype=np.int64)
    one = found(nobody, nobody + 5, nobody > 0, nobody == 0, nobody > 0)
    assert (one.new, one.gross_retention, one.net_retention) == (5, None, None)


cents = arrays(np.int64, 7, elements=st.integers(-(10**17), 10**17))
masks = arrays(np.bool_, 7)


@given(cents, cents, masks, masks, masks)
def test_movements_reconcile_whatever_happened(before, after, here, still, known):
    """Also with amounts below zero, and of people who are no customers."""
    one = found(before, after, here, still, known)
    end = one.start + one.new + one.expansion - one.contraction - one.churned + one.reactivated
    assert end == one.end == sum(after.tolist())
    assert one.start == sum(before.tolist())
    assert min(one.expansion, one.contraction) >= 0


def test_sums_beyond_64_bits_stay_exact():
    """Of a hundred amounts of 10^17 cents: an int64 would begin anew below zero."""
    large = np.full(100, 10**17)
    there = np.ones(100, dtype=bool)
    assert found(large, large, there, there, there).end == 10**19
