"""Who may be contacted: consent, and no contact in the days before."""

from __future__ import annotations

from datetime import date

import pytest

from features.consent import contact_allowed, recently_contacted, recently_held_out
from features.plan import make_plan

CUSTOMERS = """
customer_id | signed_up_at | contact_allowed
1           | 2025-01-01   | true
2           | 2025-01-01   | false
3           | 2025-01-01   |
4           | 2025-01-01   | true
5           | 2025-01-01   | true
"""
CONTACTS = """
customer_id | occurred_at         | campaign | action | group
1           | 2025-01-31          | c        | call   | treated
2           | 2025-01-30 23:59:59 | c        | call   | treated
3           | 2025-02-28 23:59:59 | c        | call   | holdout
4           | 2025-02-28 23:59:59 | c        | call   | treated
5           | 2025-03-01          | c        | call   | treated
"""


@pytest.fixture
def ask(read, everyone):
    def of(question, tables, **options):
        histories = read(tables)
        plan = make_plan(histories, windows=(7,), known_before=date(2025, 3, 1))
        points = everyone(histories, [date(2025, 3, 1)])
        return question(histories, plan, points, **options).tolist()

    return of


def test_a_missing_consent_is_none(ask):
    assert ask(contact_allowed, {"customers": CUSTOMERS}) == [True, False, False, True, True]


def test_without_the_column_everybody_may_be_contacted(ask):
    customers = "customer_id | signed_up_at\n1 | 2025-01-01\n2 | 2025-01-01"
    assert ask(contact_allowed, {"customers": customers}) == [True, True]


def test_who_was_contacted_in_the_days_before_the_cutoff(ask):
    """29 days before 2025-03-01 is 2025-01-31; who was held out was not contacted."""
    tables = {"customers": CUSTOMERS, "contacts": CONTACTS}
    found = ask(recently_contacted, tables, days=29)
    assert found == [True, False, False, True, False]
    assert ask(recently_contacted, tables, days=0) == [False] * 5
    assert ask(recently_contacted, {"customers": CUSTOMERS}, days=29) == [False] * 5


def test_who_was_held_out_in_the_days_before_the_cutoff(ask):
    """Its window is open: whoever contacts it now spoils what it stands for."""
    tables = {"customers": CUSTOMERS, "contacts": CONTACTS}
    assert ask(recently_held_out, tables, days=30) == [False, False, True, False, False]
    assert ask(recently_held_out, tables, days=0) == [False] * 5
