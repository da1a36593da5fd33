"""The holdout: the same again, of the right size in each stratum, and everybody's chance alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.holdout import hash_share, held_out

IDS = [f"C{n}" for n in range(2000)]


@given(
    customers=st.integers(0, 120),
    share=st.floats(0, 1),
    strata=st.lists(st.integers(1, 4), max_size=2),
    campaign=st.text(max_size=5),
)
def test_every_stratum_gives_its_share(customers, share, strata, campaign):
    by = [np.arange(customers) * 7 % (k + 3) % k for k in strata]
    found = held_out(IDS[:customers], campaign=campaign, share=share, strata=by)
    assert found.dtype == bool
    assert len(found) == customers
    for own in set(zip(*by, strict=True)) if by else {()}:
        mask = np.all([each == k for each, k in zip(by, own, strict=True)] or [found >= 0], axis=0)
        expected = share * mask.sum()
        assert np.floor(expected) <= found[mask].sum() <= np.ceil(expected)


def test_the_rows_may_come_in_any_order_and_again():
    by = np.array([None, "a", "b", 3, np.nan] * 400, dtype=object)
    first = held_out(IDS, campaign="spring", share=0.13, strata=[by])
    mixed = np.random.default_rng(1).permutation(2000)
    own = [IDS[k] for k in mixed]
    other = held_out(own, campaign="spring", share=0.13, strata=[by[mixed]])
    np.testing.assert_array_equal(first[mixed], other)


def test_another_campaign_holds_out_others():
    spring, autumn = (held_out(IDS, campaign=name, share=0.3) for name in ("spring", "autumn"))
    assert spring.sum() == autumn.sum() == 600
    assert (spring & autumn).sum() == pytest.approx(0.09 * 2000, abs=50)


def test_everybodys_chance_is_the_share():
    """Over campaigns, in strata of 7, 3 and 1, where a fifth is no whole number."""
    by, times = np.array([0] * 7 + [1] * 3 + [2]), 2000
    found = np.mean(
        [held_out(IDS[:11], campaign=f"{n}", share=0.2, strata=[by]) for n in range(times)], axis=0
    )
    np.testing.assert_allclose(found, 0.2, atol=4 * np.sqrt(0.2 * 0.8 / times))


@pytest.mark.parametrize(("share", "held"), [(0, 0), (1, 2000)])
def test_nobody_and_everybody(share, held):
    assert held_out(IDS, campaign="x", share=share).sum() == held


def test_hashes_are_evenly_spread_and_told_by_salt():
    found = hash_share(IDS, "a")
    assert ((found >= 0) & (found < 1)).all()
    assert len(set(found)) == 2000
    np.testing.assert_allclose(np.histogram(found, 4, (0, 1))[0], 500, atol=80)
    assert abs(np.corrcoef(found, hash_share(IDS, "b"))[0, 1]) < 0.08
    assert hash_share([1], "ab")[0] != hash_share(["b1"], "a")[0]
    assert hash_share([1], "a")[0] == hash_share(["1"], "a")[0]


def test_a_hash_never_changes():
    """Who was held out last year is so in the same list of today."""
    assert hash_share(["C1"], "spring")[0] == 0.8362970175413913
    assert hash_share([], "spring").shape == (0,)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_odd_shares_are_refused(share):
    with pytest.raises(ValueError, match="a share must be"):
        held_out(IDS, campaign="x", share=share)


def test_strata_are_as_long_as_the_customers():
    with pytest.raises(ValueError, match="3 rows for 2000"):
        held_out(IDS, campaign="x", share=0.1, strata=[np.zeros(3)])
