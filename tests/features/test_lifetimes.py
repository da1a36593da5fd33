"""Ages at which customers came into view and left: small tables with the answer beside them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from features.churn import Definition
from features.lifetimes import first_plans, lifetimes_of, recorded_since
from features.prices import terms_of
from features.spells import spells_of

SUBSCRIPTIONS = """
customer_id   | subscription_id | started_at | ended_at   | plan  | price | answer
came and left | a               | 2025-01-11 | 2025-01-31 | basic | 9     | 0 20 left
is still here | b               | 2025-01-11 |            | basic | 9     | 0 49 there
was here      | c               | 2024-12-02 | 2025-02-10 | pro   | 19    | 30 70 left
was and is    | d               | 2024-12-22 |            | basic | 9     | 10 69 there
was before    | e               | 2024-06-01 | 2024-12-15 | basic | 9     |
first day     | f               | 2024-12-12 | 2025-01-01 | basic | 9     | 20 20 left
last day      | g               | 2025-01-11 | 2025-02-28 | basic | 9     | 0 48 left
day after it  | h               | 2025-01-11 | 2025-03-01 | basic | 9     | 0 49 there
not yet       | i               | 2025-03-01 |            | basic | 9     |
came back     | j               | 2025-01-11 | 2025-01-21 | basic | 9     | 0 10 left
came back     | k               | 2025-02-11 |            | pro   | 19    | 0 10 left
"""


def answers(text):
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    found = {line[0]: line[-1] for line in lines[1:] if line[-1]}
    return {
        who: (int(told.split()[0]), int(told.split()[1]), told.split()[2] == "left")
        for who, told in found.items()
    }


@pytest.fixture(scope="module")
def lifetimes(read):
    def of(text, grace_days=0, begins=date(2025, 1, 1), seen_until=date(2025, 3, 1)):
        histories = read({"subscriptions": text}, observed_until=seen_until)
        spells = spells_of(histories, Definition(grace_days=grace_days))
        found = lifetimes_of(spells, begins=begins, seen_until=seen_until, grace_days=grace_days)
        ids = histories.customer_ids().to_pylist()
        return histories, [ids[one] for one in found.customer], found

    return of


def test_ages_of_entry_and_exit(lifetimes):
    _, who, found = lifetimes(SUBSCRIPTIONS)
    told = zip(found.entry.tolist(), found.exit.tolist(), found.left.tolist(), strict=True)
    assert dict(zip(who, told, strict=True)) == answers(SUBSCRIPTIONS)
    assert (found.since, found.until) == (date(2025, 1, 1), date(2025, 3, 1))


def test_within_the_grace_nobody_knows_who_comes_back(lifetimes):
    """With 7 days of grace all are looked at 7 days before the end, on 2025-02-22."""
    _, who, found = lifetimes(SUBSCRIPTIONS, grace_days=7)
    exits = dict(zip(who, zip(found.exit.tolist(), found.left.tolist(), strict=True), strict=True))
    assert exits["last day"] == (42, False)
    assert exits["is still here"] == (42, False)
    assert exits["was here"] == (70, True)


def test_the_plan_is_the_one_that_a_customer_began_with(lifetimes):
    histories, who, found = lifetimes(SUBSCRIPTIONS)
    terms = terms_of(histories)
    plans = [terms.plans[code] for code in first_plans(terms, found)]
    assert dict(zip(who, plans, strict=True)) == {
        name: "pro" if name == "was here" else "basic" for name in who
    }


def test_departures_are_on_record_from_the_first_where_chance_would_leave_more():
    """Two customers came every day for 400 days; since day 300 one of 100 of any age leaves a day.

    Before, 2 x 300 x 300 / 2 customer days make 900 departures to be expected, and there is none.
    """
    random = np.random.default_rng(0)
    start = np.repeat(np.arange(400), 2)
    end = np.maximum(start, 300) + random.geometric(0.01, 800)
    assert recorded_since(start, end, 0, 400) == end.min()
    assert recorded_since(start, end, 300, 400) == 300 < end.min()


def test_who_is_bound_for_a_while_leaves_no_gap_on_record():
    """Nobody leaves in the first 100 days of being a customer, and so nobody before day 100."""
    random = np.random.default_rng(0)
    start = np.repeat(np.arange(400), 2)
    end = start + 100 + random.geometric(0.01, 800)
    assert end.min() > 90
    assert recorded_since(start, end, 0, 400) == 0


def test_without_departures_the_record_begins_with_the_histories():
    assert recorded_since(np.zeros(50, int), np.full(50, 10_000), 5, 400) == 5
    assert recorded_since(np.empty(0, int), np.empty(0, int), 5, 400) == 5
