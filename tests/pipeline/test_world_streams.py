"""Numbers that belong to rows: the same whatever others there are, and distributed as named."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.world_streams import RowStream

MANY = np.arange(40_000)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(0, 2**31))
def test_a_customers_rows_do_not_depend_on_others(customers, seed):
    rows = np.sort(customers)
    every = RowStream(seed, 3).of(rows).normal(0, 1, len(rows))
    own = rows[rows == rows[0]]
    assert np.array_equal(every[rows == rows[0]], RowStream(seed, 3).of(own).normal(0, 1, len(own)))
    assert len(set(every)) == len(every)


def test_seeds_months_and_draws_differ():
    draws = [RowStream(*each).of(MANY).random(len(MANY)) for each in ((1, 2), (1, 3), (2, 2))]
    again = RowStream(1, 2).of(MANY)
    draws += [again.random(len(MANY)), again.random(len(MANY))]
    assert np.array_equal(draws[0], draws[3])
    related = np.corrcoef([draws[0], draws[1], draws[2], draws[4]])
    assert np.abs(related - np.eye(4)).max() < 0.03


def test_numbers_are_distributed_as_they_should_be():
    stream = RowStream(4, 5).of(MANY)
    normal = stream.normal(2.0, 0.5, len(MANY))
    assert abs(normal.mean() - 2) < 0.01
    assert abs(normal.std() - 0.5) < 0.01
    assert abs((normal > 2.5).mean() - 0.1587) < 0.008
    uniform = stream.uniform(1.0, 3.0, len(MANY))
    assert 1 <= uniform.min() < 1.001 < 2.999 < uniform.max() < 3
    assert set(stream.integers(3, 6, len(MANY))) == {3, 4, 5}


def test_counts_have_their_mean_and_variance_and_grow_with_the_mean():
    mean = np.full(len(MANY), 0.7)
    counts = RowStream(6, 7).poisson(mean)
    assert abs(counts.mean() - 0.7) < 0.02
    assert abs(counts.var() - 0.7) < 0.03
    assert (RowStream(6, 7).poisson(1.5 * mean) >= counts).all()
    assert not RowStream(6, 7).poisson(0 * mean).any()
