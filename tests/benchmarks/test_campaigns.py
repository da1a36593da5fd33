"""A campaign of known effect: randomised, repeatable, and true to its word on average."""

from __future__ import annotations

import numpy as np

from benchmarks.campaigns import judge_effect


def test_the_same_seed_gives_the_same_campaign():
    one, two = (judge_effect(71, customers=300) for _ in range(2))
    assert one.effect == two.effect
    assert np.array_equal(one.score, two.score)
    assert np.array_equal(one.churned, two.churned)


def test_there_are_hundreds_of_contacts_and_a_quarter_is_held_out():
    found = judge_effect(72)
    assert 200 < len(found.treated) < 1500
    assert 0.68 < found.treated.mean() < 0.82
    assert found.effect < 0


def test_treated_and_held_out_differ_by_the_true_effect():
    """Mean over campaigns, within 3.5 standard errors; the held out are like the treated before."""
    found = [judge_effect(seed, customers=1500, at_random=0.5) for seed in range(40, 70)]
    gaps = np.array(
        [t.churned[t.treated].mean() - t.churned[~t.treated].mean() - t.effect for t in found]
    )
    assert abs(gaps.mean()) < 3.5 * gaps.std(ddof=1) / np.sqrt(len(gaps))
    before = np.array([t.score[t.treated].mean() - t.score[~t.treated].mean() for t in found])
    assert abs(before.mean()) < 3.5 * before.std(ddof=1) / np.sqrt(len(before))
