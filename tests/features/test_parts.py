"""Customers parted by attributes, plan and tenure."""

from __future__ import annotations

from datetime import date

import pytest

from features.churn import Definition
from features.errors import UsageError
from features.parts import BAND_NAMES, parting
from features.prices import terms_of
from features.spells import spells_of

CUSTOMERS = """
customer_id | signed_up_at | country | vip   | seats
a           | 2024-11-02   | NL      | true  | 3
b           | 2024-11-01   |         | false | 4
c           | 2024-02-01   | DE      |       | 5
d           | 2023-01-31   | NL      | true  | 6
"""
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | plan
a           | 1               | 2024-12-01 | pro
d           | 2               | 2025-03-01 | basic
"""


@pytest.fixture
def parted(read):
    """Each customer's part at a day, of the tables above or of others."""
    histories = read(
        {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS}, observed_until=date(2026, 1, 1)
    )
    spells, terms = spells_of(histories, Definition()), terms_of(histories)

    def by(name, day=date(2025, 2, 1)):
        found = parting(histories, spells, terms, name, date(2026, 1, 1))
        labels = (*found.labels, None)
        return [labels[code] for code in found.at(day)]

    return by


def test_by_attribute_plan_and_tenure(parted):
    assert parted("country") == ["NL", None, "DE", "NL"]
    assert parted("vip") == ["yes", "no", None, "yes"]
    assert parted("plan") == ["pro", None, None, None]
    assert parted("plan", date(2025, 4, 1)) == ["pro", None, None, "basic"]
    # Whole months on February 1st: a day short of three, three, twelve, two years and a day.
    assert parted("tenure") == list(BAND_NAMES)


def test_what_parts_nobody_is_refused_with_what_does(parted):
    for name, what, fix in (
        ("contry", "no column 'contry'", "--by country"),
        ("seats", "'seats' is a number", "--by tenure"),
    ):
        with pytest.raises(UsageError, match=what) as caught:
            parted(name)
        assert caught.value.fix == fix
        assert caught.value.allowed == "country, vip, plan, tenure"


def test_names_are_no_parts(read):
    rows = [f"c{n} | 2024-01-01 | name {n}" for n in range(60)]
    customers = "customer_id | signed_up_at | name\n" + "\n".join(rows)
    subscriptions = "customer_id | subscription_id | started_at\nc1 | 1 | 2024-12-01"
    histories = read({"customers": customers, "subscriptions": subscriptions})
    spells = spells_of(histories, Definition())
    with pytest.raises(UsageError, match="60 values, none of them common"):
        parting(histories, spells, None, "name", date(2026, 1, 1))


def test_plans_that_few_have_are_one(read):
    """Of 52 plans those of ten customers are told by name."""
    plans = [*["basic"] * 10, *["pro"] * 10, *[f"deal {n}" for n in range(50)]]
    rows = [f"c{n:02} | {n} | 2024-12-01 | {plan}" for n, plan in enumerate(plans)]
    text = "customer_id | subscription_id | started_at | plan\n" + "\n".join(rows)
    histories = read({"subscriptions": text}, observed_until=date(2025, 3, 1))
    spells, terms = spells_of(histories, Definition()), terms_of(histories)
    found = parting(histories, spells, terms, "plan", date(2025, 3, 1))
    codes = found.at(date(2025, 2, 1))
    assert found.labels == ("basic", "other", "pro")
    assert [int((codes == place).sum()) for place in range(3)] == [10, 50, 10]
