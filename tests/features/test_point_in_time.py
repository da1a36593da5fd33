"""Nothing that became known at the cutoff or after it changes who is a customer, or any vector."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import histories_of, moments_near, world_of

from features.churn import Definition
from features.plan import make_plan
from features.points import make_points

CUTOFF = "2025-03-01"


@pytest.fixture
def customers(read):
    """Who is a customer at the cutoff: ``customers(tables, kind="subscription")``."""

    def of(tables, *, labels=False, **definition):
        histories = read(tables, observed_until=datetime(2026, 1, 1))
        points = make_points(histories, Definition(**definition), [date(2025, 3, 1)], labels=labels)
        ids = histories.customer_ids().to_pylist()
        return [ids[index] for index in points.points.customer]

    return of


BACK_DATED = """
customer_id    | subscription_id | started_at | ended_at   | plan | price | valid_from
ended before   | a               | 2025-01-01 |            | old  | 10    |
ended before   | a               | 2025-01-01 | 2025-02-15 | new  | 20    | 2025-03-01
taken back     | b               | 2025-01-01 | 2025-02-15 | old  | 10    |
taken back     | b               | 2025-01-01 |            | new  | 20    | 2025-03-01
booked before  | c               | 2025-01-01 |            | new  | 20    | 2025-03-01
just known | d               | 2025-01-01 |            | new  | 20    | 2025-02-28 23:59:59.999999
moved          | e               | 2025-02-01 |            | old  | 10    | 2025-02-01
moved          | e               | 2025-01-01 |            | new  | 20    | 2025-03-02
"""


def test_a_later_version_tells_nothing_of_what_runs_before_it(customers, seen):
    """An end that is dated back, or taken back, was not known before the version that tells it."""
    tables = {"subscriptions": BACK_DATED}
    assert customers(tables) == ["ended before", "just known", "moved"]
    running = {"ended before": 1, "just known": 1, "moved": 1}
    nobody = {"booked before": 0, "taken back": 0}
    assert seen(tables, CUTOFF, "subscriptions_running_count") == running | nobody
    assert seen(tables, CUTOFF, "subscriptions_monthly_price") == {
        "ended before": 10,
        "just known": 20,
        "moved": 10,
        "booked before": None,
        "taken back": None,
    }
    begun = running | {"taken back": 1, "booked before": 0}
    assert seen(tables, CUTOFF, "subscriptions_begun_count_ever") == begun
    since = {"ended before": 59, "just known": 59, "moved": 28, "taken back": 59}
    found = seen(tables, CUTOFF, "subscriptions_days_since_first")
    assert found == since | {"booked before": None}


def test_who_had_left_unknown_to_all_is_no_example_of_somebody_who_stays(customers):
    tables = {"subscriptions": BACK_DATED}
    assert customers(tables, labels=True) == ["just known", "moved"]
    assert customers(tables, labels=True, lead_days=7) == ["just known", "moved"]


def test_who_takes_over_a_subscription_later_gets_no_events_from_before(seen):
    """One that sorts before the first customer, and one that sorts after it."""
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-01\n2 | 2025-01-01\n3 | 2025-01-01",
        "subscriptions": """
        customer_id | subscription_id | started_at | valid_from
        2           | a               | 2025-01-01 |
        1           | a               | 2025-01-01 | 2025-03-01
        2           | b               | 2025-01-01 | 2025-01-01
        3           | b               | 2025-01-01 | 2025-06-01
        """,
        "usage": """
        subscription_id | occurred_at | event
        a               | 2025-02-01  | login
        b               | 2025-02-02  | login
        """,
    }
    assert seen(tables, CUTOFF, "usage_count_ever") == {1: 0, 2: 2, 3: 0}


def test_a_row_that_became_known_later_signs_nobody_up_before(customers, seen):
    """Without a table of customers these are who is named elsewhere, as far as that was known."""
    tables = {
        "usage": """
        customer_id | occurred_at | event | available_at
        1           | 2025-01-01  | login | 2025-03-01
        1           | 2025-02-19  | login |
        2           | 2025-01-01  | login | 2025-02-19
        3           | 2025-02-19  | login | 2025-03-01
        """
    }
    assert seen(tables, CUTOFF, "customers_tenure_days")[1] == 10
    assert seen(tables, CUTOFF, "customers_tenure_days")[2] == 10
    assert customers(tables, kind="inactivity") == [1, 2]


def test_a_later_row_displaces_no_older_one_with_its_id(seen):
    """Whatever stands first in the file: some write the newest rows on top."""
    tables = {
        "customers": """
        customer_id | signed_up_at | region
        1           | 2025-03-01   | south
        1           | 2025-01-01   | north
        """,
        "tickets": """
        customer_id | ticket_id | opened_at  | category | available_at
        1           | a         | 2025-03-01 | bug      |
        1           | a         | 2025-02-01 | bill     |
        1           | b         | 2025-01-01 | bug      | 2025-03-01
        1           | b         | 2025-02-01 | bill     | 2025-02-02
        """,
    }
    assert seen(tables, CUTOFF, "customers_profile_region") == {1: "north"}
    assert seen(tables, CUTOFF, "tickets_opened_count_30d") == {1: 2}


def test_rows_of_customers_who_sign_up_later_choose_no_event_types(read):
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-01\n2 | 2025-03-01",
        "usage": """
        customer_id | occurred_at | event
        1           | 2025-02-01  | login
        2           | 2025-02-01  | trial
        """,
    }
    plan = make_plan(read(tables), windows=(30,), known_before=date(2025, 3, 1))
    assert plan.levels == {"usage.event": ("login",)}


DAY = timedelta(days=1)
WINDOWS = (7, 30)
CLOCKS = {
    "UTC": ["2025-03-01", "2025-03-03", "2025-04-01"],
    # The night to 30 March has 23 hours.
    "Europe/Amsterdam": ["2025-03-30", "2025-03-31", "2025-04-06"],
    # 2 November has 25 hours, and its first one comes twice.
    "America/Havana": ["2025-11-02", "2025-11-03", "2025-12-02"],
    # 7 September begins at one o'clock.
    "America/Santiago": ["2025-09-07", "2025-09-08", "2025-10-07"],
}


def moments_of(zone, cutoffs):
    """Instants on, and a microsecond off, each cutoff and each edge of a window; and any others."""
    days = [datetime.fromisoformat(cutoff) for cutoff in cutoffs]
    found = {day - n * w * DAY for day in days for w in WINDOWS for n in (0, 1, 2)}
    edges = sorted(day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in found)
    return moments_near(edges, edges[0] - 60 * DAY, edges[-1] + 20 * DAY)


def on_the_clock(rows, zone):
    """Rows with their instants as a clock in that zone shows them."""

    def local(value):
        aware = isinstance(value, datetime) and value.tzinfo
        return value.astimezone(zone).replace(tzinfo=None) if aware else value

    return [{name: local(value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("zone", CLOCKS)
@settings(max_examples=2)
@given(random=st.randoms(use_true_random=True))
def test_every_vector_is_what_loops_over_the_known_rows_say(random, zone, read, vectors):
    """In every table, with rows at the cutoffs and edges of windows, known then or later."""
    cutoffs = CLOCKS[zone]
    tables = histories_of(world_of(random, moments_of(zone, cutoffs)), timezone="UTC")
    histories = read(tables, timezone=zone, observed_until=datetime(2026, 1, 1))
    assert all(account.bad == 0 for account in histories.accounts.values())
    plan = make_plan(histories, windows=WINDOWS, known_before=date.fromisoformat(cutoffs[-1]))
    known = {name: on_the_clock(rows.to_pylist(), ZoneInfo(zone)) for name, rows in tables.items()}
    for row in vectors(histories, cutoffs, plan=plan).frame.to_dict("records"):
        customer, cutoff = row.pop("customer_id"), row.pop("cutoff").to_pydatetime()
        assert differing(row, reference.vector(known, customer, cutoff, plan)) == {}, customer


def differing(found, expected):
    """Where two vectors differ: by feature, what was found and what was expected."""
    assert sorted(found) == sorted(expected)
    return {
        name: (found[name], value)
        for name, value in expected.items()
        if found[name] != value
        and found[name] != pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)
    }
