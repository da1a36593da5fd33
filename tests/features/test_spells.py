"""When customers were customers, and that it agrees with how they stood at any cutoff."""

from __future__ import annotations

import random as randoms
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.churn import NEVER, Definition, Standings
from features.spells import spells_of
from features.timeline import EPOCH

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at          | ended_at
left        | 1               | 2025-01-01          | 2025-02-10
left        | 2               | 2025-02-05          | 2025-02-20
back        | 3               | 2025-01-01          | 2025-02-10
back        | 4               | 2025-02-15          |
same_day    | 5               | 2025-01-01          | 2025-02-10 09:00
same_day    | 6               | 2025-02-10 12:00    | 2025-03-01
"""


def told(histories, definition):
    """Customer -> [(start, end)], as dates; None: still there."""
    spells, ids = spells_of(histories, definition), histories.customer_ids().to_pylist()
    found = {name: [] for name in ids}
    for owner, *days in zip(spells.customer, spells.start, spells.end, strict=True):
        dates = [str(EPOCH + timedelta(days=int(d))) if d < 2_900_000 else None for d in days]
        found[ids[owner]].append(tuple(dates))
    return found


def test_subscriptions_that_overlap_or_follow_at_once_are_one_spell(read):
    assert told(read({"subscriptions": SUBSCRIPTIONS}), Definition()) == {
        "left": [("2025-01-01", "2025-02-20")],
        "back": [("2025-01-01", "2025-02-10"), ("2025-02-15", None)],
        "same_day": [("2025-01-01", "2025-03-01")],
    }


def test_a_return_within_the_grace_leaves_no_gap(read):
    histories = read({"subscriptions": SUBSCRIPTIONS})
    assert told(histories, Definition(grace_days=5))["back"] == [("2025-01-01", None)]
    assert len(told(histories, Definition(grace_days=4))["back"]) == 2


def test_the_newest_version_tells_the_end_also_of_the_past(read):
    versions = """
    customer_id | subscription_id | started_at | ended_at   | valid_from
    a           | 1               | 2025-01-01 |            |
    a           | 1               | 2025-01-01 | 2025-02-10 | 2025-03-20
    """
    found = told(read({"subscriptions": versions}), Definition())
    assert found == {"a": [("2025-01-01", "2025-02-10")]}


USAGE = """
customer_id | occurred_at         | event
a           | 2025-01-01 12:00    | x
a           | 2025-01-01 18:00    | x
a           | 2025-01-09          | x
a           | 2025-01-25          | x
b           | 2025-01-03          | x
"""


def test_each_active_day_is_good_for_the_active_days_after_it(read):
    """2025-01-09 lies 8 days after 01-01, and 01-25 lies 16 days after that."""
    histories = read({"usage": USAGE})
    ten = Definition("inactivity", active_days=10, activity=("usage",))
    assert told(histories, ten) == {
        "a": [("2025-01-01", "2025-01-19"), ("2025-01-25", "2025-02-04")],
        "b": [("2025-01-03", "2025-01-13")],
    }
    patient = Definition("inactivity", active_days=10, grace_days=6, activity=("usage",))
    assert told(histories, patient)["a"] == [("2025-01-01", "2025-02-04")]


def test_by_event_from_sign_up_to_the_first_churn_as_far_as_a_subscription_runs(read):
    customers = "customer_id | signed_up_at\na | 2025-01-01\nb | 2025-01-05\nc | 2025-01-01"
    churned = "customer_id | churned_at\na | 2025-02-01\na | 2025-03-01"
    tables = {"customers": customers, "churned": churned}
    found = told(read(tables), Definition("event"))
    assert found["a"] == [("2025-01-01", "2025-02-01")]
    assert [start for start, _ in found["b"]] == ["2025-01-05"]
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at
    a           | 1               | 2024-12-20 |
    b           | 2               | 2025-01-10 | 2025-01-20
    """
    found = told(read(tables | {"subscriptions": subscriptions}), Definition("event"))
    assert found == {
        "a": [("2025-01-01", "2025-02-01")],  # nobody is a customer before it signs up
        "b": [("2025-01-10", "2025-01-20")],
        "c": [],
    }


def test_who_is_there_within_and_interrupted(read):
    histories = read({"subscriptions": SUBSCRIPTIONS})
    spells, ids = spells_of(histories, Definition()), histories.customer_ids().to_pylist()

    def named(mask):
        return {name for name, there in zip(ids, mask, strict=True) if there}

    # Whoever began on a day is there from the next midnight on, and up to the day of the end.
    assert named(spells.at(date(2025, 1, 1))) == set()
    assert named(spells.at(date(2025, 1, 2))) == {"left", "back", "same_day"}
    assert named(spells.at(date(2025, 2, 20))) == {"left", "back", "same_day"}
    assert named(spells.at(date(2025, 2, 21))) == {"back", "same_day"}
    assert named(spells.interrupted(date(2025, 2, 1), date(2025, 3, 1))) == {"back"}
    assert named(spells.interrupted(date(2025, 2, 11), date(2025, 3, 1))) == set()
    assert named(spells.within(date(2025, 1, 1), date(2025, 3, 1))) == {"left", "back"}
    assert named(spells.begun_by(date(2025, 1, 2))) == {"left", "back", "same_day"}
    assert not spells.begun_by(date(2025, 1, 1)).any()


FIRST = datetime(2025, 1, 1)
BORDERS = [date(2025, 1, 1) + timedelta(days=n) for n in range(0, 60, 6)]
CUSTOMERS = 80


def world(random):
    """Customers with subscriptions and active days on and around the borders; no versions."""
    customers = range(CUSTOMERS)

    def day(most):
        return FIRST + timedelta(days=random.randint(0, most), hours=random.choice((0, 9, 15)))

    def subscription(number):
        start = day(50)
        end = random.choice((None, start + timedelta(days=random.randint(0, 25))))
        who = random.choice(customers)
        return dict(customer_id=who, subscription_id=number, started_at=start, ended_at=end)

    return {
        "customers": [{"customer_id": n, "signed_up_at": day(12)} for n in customers],
        "subscriptions": [subscription(number) for number in range(180)],
        "usage": [
            dict(customer_id=random.choice(customers), occurred_at=day(70), event="x")
            for _ in range(300)
        ],
        "churned": [
            dict(customer_id=n, churned_at=day(60)) for n in customers if random.random() < 0.4
        ],
    }


@pytest.mark.parametrize(
    ("kind", "grace"),
    [("subscription", 0), ("subscription", 4), ("inactivity", 0), ("inactivity", 4), ("event", 0)],
)
@settings(max_examples=1)
@given(seed=st.integers(0, 2**20))
def test_customers_are_those_who_stand_active_or_come_back_within_the_grace(
    kind, grace, read, seed
):
    """At every border; and of those there, gone at the next are the churned who are not back."""
    definition = Definition(
        kind, horizon_days=6, grace_days=grace, active_days=6, activity=("usage",)
    )
    histories = read(world(randoms.Random(seed)), observed_until=date(2025, 6, 1))
    spells = spells_of(histories, definition)
    standings = Standings(histories, definition, BORDERS)
    for index, (border, following) in enumerate(pairwise(BORDERS)):
        standing, here = standings.at(index), spells.at(border)
        assert not (standing.active & ~here).any()
        if grace == 0:
            assert (standing.active == here).all()
        elif kind == "subscription":
            # Others are in a gap that the grace bridges: back within it.
            waiting = here & ~standing.active
            soon = [comes_back(histories, border, n, grace) for n in np.flatnonzero(waiting)]
            assert all(soon)
        # A label of inactivity counts its grace from the window's end, a spell from its own.
        if kind == "subscription" or (kind == "inactivity" and grace == 0):
            gone = standing.active & ~spells.at(following)
            churned = standing.active & standing.churned
            assert not (gone & ~churned).any()
            if kind == "subscription":
                assert (gone == churned & ~spells.at(following)).all()


def comes_back(histories, border, customer, grace):
    """Whether a customer's next subscription begins within the grace after a border."""
    rows = histories.tables["subscriptions"]
    starts = histories.engine.to_pyarrow(rows.filter(rows["customer_index"] == int(customer)))
    days = [(moment.date() - border).days for moment in starts["started_at"].to_pylist()]
    return any(0 <= days_later <= grace for days_later in days)


def test_nobody_without_a_spell_is_ever_there(read):
    customers = "customer_id | signed_up_at\na | 2025-01-01\nb | 2025-01-01"
    subscriptions = """
    customer_id | subscription_id | started_at | ended_at
    a           | 1               | 2025-01-01 | 2025-01-01
    """
    spells = spells_of(read({"customers": customers, "subscriptions": subscriptions}), Definition())
    assert len(spells.customer) == 0
    assert not spells.at(date(2025, 1, 2)).any()
    assert (spells.first == NEVER).all()
