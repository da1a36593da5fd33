"""Cohorts: customers that leave for the same reason are found, and named by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.cohorts import NO_DRIVER, clusters, cohorts, directions, told

GROUPS = ["payments", "price", "support", "usage"]


def three_reasons(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Payments; usage; price and support together; of very different weight."""
    random = np.random.default_rng(1)
    truth = np.arange(3 * count) % 3
    reasons = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0.8, 0.7, 0]])
    weight = random.uniform(0.5, 4, (3 * count, 1))
    noise = random.normal(0, 0.06, (3 * count, 4))
    return weight * (reasons[truth] + noise) - 0.05, truth


def found_of(sums: np.ndarray, labels: np.ndarray | None = None):
    return cohorts(GROUPS, sums, np.full(len(sums), 0.3), labels, seed=1)


def test_reasons_are_found_whatever_their_weight():
    sums, truth = three_reasons()
    found = found_of(sums)
    assert sorted(one.name for one in found) == ["payments", "price and support", "usage"]
    assert all(len(np.unique(truth[one.members])) == 1 for one in found)


def test_only_what_raises_the_risk_points_somewhere_and_its_weight_does_not_matter():
    sums = np.array([[3.0, -4, 0, 0], [0.3, 0, 0, 0], [-1, -2, -3, -4], [3, 4, -9, 0]])
    expected = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0.6, 0.8, 0, 0]]
    np.testing.assert_allclose(directions(sums), expected, rtol=0, atol=1e-15)


def test_what_keeps_customers_does_not_part_them():
    random = np.random.default_rng(2)
    sums = np.tile([2.0, 0, 0, 0], (80, 1))
    sums[:, 3] = np.where(random.random(80) < 0.5, -3, -0.1)
    (one,) = found_of(sums)
    assert one.name == "payments"
    assert one.contributions["usage"] == pytest.approx(sums[:, 3].mean())
    assert list(one.contributions) == ["payments", "price", "support", "usage"]


def test_figures_are_those_of_the_members():
    sums = np.array([[2.0, 0, 0, 0]] * 6 + [[0, 0, 0, 1.0]] * 3 + [[0, 0, 0, 3.0]])
    probabilities = np.linspace(0.1, 1, 10)
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 1])
    first, second = cohorts(GROUPS, sums, probabilities, labels, seed=1)
    assert (first.name, first.size, first.share) == ("payments", 6, 0.6)
    assert first.churned == 0.5
    assert first.mean_probability == pytest.approx(0.35)
    assert second.contributions["usage"] == 1.5
    assert second.members.tolist() == [6, 7, 8, 9]
    assert "members" not in second.as_dict()
    assert second.as_dict()["drivers"] == ["usage"]


def test_the_typical_customer_is_the_nearest_to_the_centre():
    angle = np.array([0.0, 0.1, 0.2, 0.3, 0.45])
    sums = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle, 0 * angle])
    (one,) = cohorts(GROUPS, sums[[0, 1, 2, 3, 4]], np.full(5, 0.2), seed=1)
    assert one.typical == 2


def test_clusters_of_the_same_drivers_are_one_cohort():
    """Two tight bundles, both of payments alone: k-means parts them, the reason does not."""
    sums = np.array([[3.0, 0, 0, 0]] * 30 + [[3.0, 0.9, 0, 0]] * 30)
    assert len(np.unique(clusters(directions(sums), seed=1))) == 2
    (one,) = found_of(sums)
    assert (one.name, one.size) == ("payments", 60)


def test_the_order_of_a_cohorts_drivers_does_not_make_another():
    sums = np.array([[1.0, 0.7, 0, 0]] * 30 + [[0.7, 1.0, 0, 0]] * 31)
    (one,) = found_of(sums)
    assert one.name == "price and payments"


def test_no_customers_are_no_cohorts():
    assert found_of(np.empty((0, 4))) == []


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_identical_customers_are_one_cohort(count):
    (one,) = found_of(np.tile([0.1, 0, 0.9, 0], (count, 1)), np.ones(count))
    assert (one.name, one.size, one.share, one.churned) == ("support", count, 1, 1)


def test_two_of_three_customers_share_a_reason():
    found = found_of(np.array([[1.0, 0, 0, 0], [2.0, 0.1, 0, 0], [0, 0, 0, 1.0]]))
    assert [(one.name, one.size) for one in found] == [("payments", 2), ("usage", 1)]


def test_where_nothing_raises_the_risk_there_is_no_driver():
    (one,) = found_of(np.full((5, 4), -0.2))
    assert one.name == NO_DRIVER
    assert one.drivers == ()


def test_names_are_read_as_words():
    assert told(["usage"]) == "usage"
    assert told(["usage", "price", "support"]) == "usage, price and support"


def test_the_order_of_the_customers_does_not_matter_to_what_is_found():
    sums, _ = three_reasons()
    shuffled = np.random.default_rng(5).permutation(len(sums))
    first, second = found_of(sums), found_of(sums[shuffled])
    assert {one.name: one.size for one in first} == {one.name: one.size for one in second}


@settings(max_examples=40)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 25), st.just(4)),
        elements=st.floats(-3, 3).map(lambda value: round(value, 1)),
    )
)
def test_every_customer_is_in_one_cohort_and_no_name_comes_twice(sums):
    found = found_of(sums)
    members = np.concatenate([one.members for one in found])
    np.testing.assert_array_equal(np.sort(members), np.arange(len(sums)))
    assert len({one.name for one in found}) == len(found)
    assert sum(one.share for one in found) == pytest.approx(1)
    assert all(one.typical in one.members for one in found)
    sizes = [one.size for one in found]
    assert sizes == sorted(sizes, reverse=True)
    again = found_of(sums)
    assert [one.as_dict() for one in again] == [one.as_dict() for one in found]
