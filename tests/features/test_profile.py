"""`customers`: tenure, and what was known at sign-up."""

from __future__ import annotations

from datetime import date, datetime
from math import nan

import pytest

from features.plan import make_plan

CUSTOMERS = """
customer_id | signed_up_at        | seats | vip  | region
1           | 2025-01-01          | 3     | true | north
2           | 2025-01-30 12:00:00 |       |      |
3           | 2025-01-31 12:00:00 | 4.5   | no   | South
"""


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("customers_tenure_days", {1: 31, 2: 1.5, 3: 0.5}),
        ("customers_profile_seats", {1: 3, 2: None, 3: 4.5}),
        ("customers_profile_vip", {1: "true", 2: None, 3: "no"}),
        ("customers_profile_region", {1: "north", 2: None, 3: "South"}),
    ],
)
def test_what_a_small_table_says(seen, feature, expected):
    assert seen({"customers": CUSTOMERS}, "2025-02-01", feature) == expected


def test_true_and_false_are_1_and_0_and_a_blank_is_missing(seen):
    tables = {"customers": CUSTOMERS.replace("| no  ", "| FALSE")}
    assert seen(tables, "2025-02-01", "customers_profile_vip") == {1: 1, 2: None, 3: 0}


def test_our_own_index_of_customers_is_no_attribute(vectors):
    customers = "customer_id | signed_up_at | customer\n7 | 2025-01-01 | Ann\n8 | 2025-01-01 | Bob"
    found = vectors({"customers": customers}, ["2025-02-01"])
    assert found.frame["customers_profile_customer"].tolist() == ["Ann", "Bob"]
    assert found.names == ["customers_tenure_days", "customers_profile_customer"]


def test_an_attribute_that_was_a_number_stays_one_when_a_new_cell_is_none(read, vectors):
    """The plan was made from numbers; a cell that is none is missing, and no other one changes."""
    histories = read({"customers": CUSTOMERS})
    plan = make_plan(histories, windows=(30,), known_before=date(2025, 2, 1))
    changed = CUSTOMERS + "4 | 2025-01-09 | many | true | north\n"
    found = vectors({"customers": changed}, ["2025-02-01"], plan=plan).frame
    seats = found["customers_profile_seats"].tolist()
    assert seats == pytest.approx([3, nan, 4.5, nan], nan_ok=True)


def test_codes_stay_text_and_other_numbers_in_text_become_numbers(vectors):
    """01234 and 1234 are two places, 1e3 and 1000 the same number."""
    rows = [
        {"customer_id": 1, "zip": "01234", "seats": "1e3", "score": "0.5"},
        {"customer_id": 2, "zip": "1234", "seats": " 1000 ", "score": "-0"},
        {"customer_id": 3, "zip": "", "seats": None, "score": "inf"},
    ]
    customers = [row | {"signed_up_at": datetime(2025, 1, 1)} for row in rows]
    found = vectors({"customers": customers}, ["2025-02-01"])
    assert [f.unit for f in found.catalogue] == ["days", "text", "number", "number"]
    frame = found.frame
    assert frame["customers_profile_zip"].astype(object).tolist()[:2] == ["01234", "1234"]
    assert frame["customers_profile_zip"].isna().tolist() == [False, False, True]
    seats, score = frame["customers_profile_seats"], frame["customers_profile_score"]
    assert seats.tolist() == pytest.approx([1000, 1000, nan], nan_ok=True)
    assert score.tolist() == pytest.approx([0.5, 0, nan], nan_ok=True)


def test_numbers_without_end_or_beyond_measure_are_missing(read, vectors):
    """A booster reads 32 bits: 1e300 would be infinite there."""
    given = [float("inf"), float("nan"), 1e300, -1e16, 1e15]
    customers = [
        {"customer_id": n, "signed_up_at": datetime(2025, 1, 1), "seats": value}
        for n, value in enumerate(given)
    ]
    found = vectors({"customers": customers}, ["2025-02-01"]).frame
    expected = pytest.approx([nan, nan, nan, nan, 1e15], nan_ok=True)
    assert found["customers_profile_seats"].tolist() == expected
    plan = make_plan(read({"customers": customers}), windows=(30,), known_before=date(2025, 2, 1))
    as_text = [row | {"seats": text} for row, text in zip(customers, ["inf", "x"], strict=False)]
    found = vectors({"customers": as_text}, ["2025-02-01"], plan=plan).frame
    assert found["customers_profile_seats"].isna().all()
