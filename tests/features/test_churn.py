"""Who churned, by each definition: small tables with the answer beside them, and loops."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.churn import Definition
from features.points import make_points

DAY = timedelta(days=1)
CUTOFF = date(2025, 3, 1)
FAR = datetime(2026, 1, 1)


@pytest.fixture(scope="session")
def labels(read):
    """``labels(tables, cutoff=..., **definition)``: customer -> 1, 0, or -1 for unknown."""

    def of(tables, cutoff=CUTOFF, observed_until=FAR, **definition):
        histories = read(tables, observed_until=observed_until)
        points = make_points(histories, Definition(**definition), [cutoff])
        ids = histories.customer_ids().to_pylist()
        customers = [ids[index] for index in points.points.customer]
        return dict(zip(customers, points.churned.tolist(), strict=True))

    return of


def answers(text):
    """The last column of a table, by customer; customers with a blank are no points."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return {line[0]: int(line[-1]) for line in lines[1:] if line[-1]}


ONE_SUBSCRIPTION = """
customer_id        | subscription_id | started_at          | ended_at                   | answer
running            | a               | 2025-01-01          |                            | 0
before the cutoff  | b               | 2025-01-01          | 2025-02-28 23:59:59.999999 |
at the cutoff      | c               | 2025-01-01          | 2025-03-01                 | 1
in the window      | d               | 2025-01-01          | 2025-03-15 12:00:00        | 1
last microsecond   | e               | 2025-01-01          | 2025-03-30 23:59:59.999999 | 1
at its end         | f               | 2025-01-01          | 2025-03-31                 | 0
begins later       | g               | 2025-03-01          | 2025-03-15                 |
begins just before | h               | 2025-02-28 23:59:59 | 2025-03-15                 | 1
"""

IN_THE_LEAD = """
customer_id      | subscription_id | started_at | ended_at                   | answer
running          | a               | 2025-01-01 |                            | 0
at the cutoff    | b               | 2025-01-01 | 2025-03-01                 |
end of the lead  | c               | 2025-01-01 | 2025-03-07 23:59:59.999999 |
the window opens | d               | 2025-01-01 | 2025-03-08                 | 1
last microsecond | e               | 2025-01-01 | 2025-04-06 23:59:59.999999 | 1
the window ends  | f               | 2025-01-01 | 2025-04-07                 | 0
"""

RENEWED = """
customer_id           | subscription_id | started_at          | ended_at            | answer
at the same instant   | a1              | 2025-01-01          | 2025-03-10          |
at the same instant   | a2              | 2025-03-10          |                     | 0
a microsecond later   | b1              | 2025-01-01          | 2025-03-10          |
a microsecond later   | b2              | 2025-03-10 00:00:00.000001 |              | 1
overlapping           | c1              | 2025-01-01          | 2025-03-10          |
overlapping           | c2              | 2025-03-05          | 2025-06-01          | 0
both end              | d1              | 2025-01-01          | 2025-03-10          |
both end              | d2              | 2025-02-01          | 2025-03-20          | 1
a short one inside    | e1              | 2025-01-01          |                     |
a short one inside    | e2              | 2025-03-02          | 2025-03-12          | 0
two short ones inside | g1              | 2025-01-01          |                     |
two short ones inside | g2              | 2025-02-01          | 2025-02-10          |
two short ones inside | g3              | 2025-03-02          | 2025-03-12          | 0
back and gone again   | f1              | 2024-01-01          | 2024-06-01          |
back and gone again   | f2              | 2025-01-01          | 2025-03-20          | 1
"""

WITH_GRACE = """
customer_id           | subscription_id | started_at          | ended_at            | answer
within the grace      | a1              | 2025-01-01          | 2025-03-10          |
within the grace      | a2              | 2025-03-14          |                     | 0
on its last instant   | b1              | 2025-01-01          | 2025-03-10          |
on its last instant   | b2              | 2025-03-17          |                     | 0
a day after it        | c1              | 2025-01-01          | 2025-03-10          |
a day after it        | c2              | 2025-03-18          |                     | 1
grace past the window | d1              | 2025-01-01          | 2025-03-30          |
grace past the window | d2              | 2025-04-03          |                     | 0
not at all            | e1              | 2025-01-01          | 2025-03-10          | 1
"""


@pytest.mark.parametrize(
    ("table", "definition"),
    [
        (ONE_SUBSCRIPTION, {}),
        (IN_THE_LEAD, {"lead_days": 7}),
        (RENEWED, {}),
        (WITH_GRACE, {"grace_days": 7}),
    ],
)
def test_who_leaves_by_the_end_of_the_last_subscription(table, definition, labels):
    names = {line.split("|")[0].strip() for line in table.strip().splitlines()[1:]}
    customers = "customer_id | signed_up_at" + "".join(f"\n{who} | 2024-01-01" for who in names)
    tables = {"customers": customers, "subscriptions": table}
    assert labels(tables, **definition) == answers(table)


def test_the_newest_version_of_a_subscription_tells_its_end(labels):
    table = """
    customer_id  | subscription_id | started_at | ended_at   | valid_from | answer
    was extended | a               | 2025-01-01 | 2025-03-10 |            |
    was extended | a               | 2025-01-01 | 2025-09-10 | 2025-02-15 | 0
    was ended    | b               | 2025-01-01 | 2025-03-10 | 2025-02-15 | 1
    was ended    | b               | 2025-01-01 |            | 2025-01-01 |
    """
    assert labels({"subscriptions": table}) == answers(table)


def test_subscriptions_without_an_end_column_run_on(labels):
    table = """
    customer_id | subscription_id | started_at
    a           | 1               | 2025-01-01
    """
    assert labels({"subscriptions": table}) == {"a": 0}


@pytest.mark.parametrize(
    ("observed_until", "known"),
    [
        (datetime(2025, 4, 11, 23, 59, 59), False),
        (datetime(2025, 4, 12), True),
        (date(2025, 4, 12), True),
    ],
)
def test_a_label_is_known_once_lead_horizon_and_grace_have_passed(observed_until, known, labels):
    """2025-03-01 + 7 + 30 + 5 days is 2025-04-12."""
    durations = {"lead_days": 7, "horizon_days": 30, "grace_days": 5}
    found = labels({"subscriptions": IN_THE_LEAD}, observed_until=observed_until, **durations)
    assert (-1 not in found.values()) == known
    # Who leaves in the lead is left out only where that can be known.
    assert ("end of the lead" in found) != known


PAYMENTS = """
customer_id        | occurred_at                | amount | status   | answer
stays              | 2025-02-10                 | 10     | paid     |
stays              | 2025-03-10                 | 10     | paid     | 0
goes               | 2025-02-10                 | 10     | paid     | 1
only failed        | 2025-02-10                 | 10     | paid     |
only failed        | 2025-03-10                 | 10     | failed   | 1
only refunded      | 2025-02-10                 | 10     | paid     |
only refunded      | 2025-03-10                 | 10     | refunded | 1
never paid         | 2025-02-10                 | 10     | failed   |
long ago           | 2024-11-30 23:59:59.999999 | 10     | paid     |
just active        | 2024-12-01                 | 10     | paid     | 1
at the cutoff      | 2025-02-10                 | 10     | paid     |
at the cutoff      | 2025-03-01                 | 10     | paid     | 0
last microsecond   | 2025-02-10                 | 10     | paid     |
last microsecond   | 2025-03-30 23:59:59.999999 | 10     | paid     | 0
the window is over | 2025-02-10                 | 10     | paid     |
the window is over | 2025-03-31                 | 10     | paid     | 1
begins later       | 2025-03-10                 | 10     | paid     |
"""


def test_who_leaves_by_inactivity(labels):
    assert labels({"payments": PAYMENTS}, kind="inactivity") == answers(PAYMENTS)


def test_activity_that_was_not_known_yet_makes_nobody_a_customer(labels):
    """Two acted before the cutoff, but of one nobody knew; what came later counts for the label."""
    usage = """
    customer_id | occurred_at | event | available_at
    known       | 2025-02-20  | login |
    unknown     | 2025-02-20  | login | 2025-03-05
    returns     | 2025-02-20  | login |
    returns     | 2025-03-10  | login | 2025-06-01
    """
    who = "".join(f"\n{name} | 2025-01-01" for name in ("known", "unknown", "returns"))
    tables = {"customers": "customer_id | signed_up_at" + who, "usage": usage}
    assert labels(tables, kind="inactivity") == {"known": 1, "returns": 0}


def test_inactivity_counts_use_and_payments_alike(labels):
    usage = """
    customer_id | occurred_at | event
    goes        | 2025-03-20  | login
    never paid  | 2025-02-20  | login
    """
    found = labels({"payments": PAYMENTS, "usage": usage}, kind="inactivity")
    assert found == answers(PAYMENTS) | {"goes": 0, "never paid": 1}
    only = labels({"payments": PAYMENTS, "usage": usage}, kind="inactivity", activity=("payments",))
    assert only == answers(PAYMENTS)


def test_inactivity_with_lead_and_grace_looks_at_the_window_after_the_lead(labels):
    table = """
    customer_id       | occurred_at | event | answer
    in the lead only  | 2025-02-10  | login |
    in the lead only  | 2025-03-07  | login | 1
    in the window     | 2025-02-10  | login |
    in the window     | 2025-03-08  | login | 0
    in the grace      | 2025-02-10  | login |
    in the grace      | 2025-04-11  | login | 0
    after the grace   | 2025-02-10  | login |
    after the grace   | 2025-04-12  | login | 1
    """
    found = labels({"usage": table}, kind="inactivity", lead_days=7, grace_days=5)
    assert found == answers(table)


CHURNED = """
customer_id       | churned_at                 | answer
before the cutoff | 2025-02-28 23:59:59.999999 |
at the cutoff     | 2025-03-01                 | 1
last microsecond  | 2025-03-30 23:59:59.999999 | 1
the window ends   | 2025-03-31                 | 0
"""
CUSTOMERS = """
customer_id       | signed_up_at
before the cutoff | 2025-01-01
at the cutoff     | 2025-01-01
last microsecond  | 2025-01-01
the window ends   | 2025-01-01
never             | 2025-01-01
not yet           | 2025-03-01
"""


def test_who_leaves_by_the_recorded_event(labels):
    tables = {"churned": CHURNED, "customers": CUSTOMERS}
    assert labels(tables, kind="event") == answers(CHURNED) | {"never": 0}


def test_the_event_needs_a_running_subscription_where_there_are_subscriptions(labels):
    subscriptions = """
    customer_id      | subscription_id | started_at | ended_at
    at the cutoff    | a               | 2025-01-01 |
    last microsecond | b               | 2025-01-01 | 2025-02-01
    never            | c               | 2025-03-02 |
    the window ends  | d               | 2025-01-01 | 2025-03-05
    """
    tables = {"churned": CHURNED, "customers": CUSTOMERS, "subscriptions": subscriptions}
    assert labels(tables, kind="event") == {"at the cutoff": 1, "the window ends": 0}


def test_the_first_of_several_recorded_events_counts(labels):
    churned = """
    customer_id | churned_at
    a           | 2025-03-15
    a           | 2025-05-15
    """
    assert labels(
        {"churned": churned, "customers": "customer_id | signed_up_at\na | 2025-01-01"},
        kind="event",
    ) == {"a": 1}


def reference(rows, cutoff, definition):
    """Label by subscription as the definition says it, minute by no formula: stay by stay."""
    at = datetime(cutoff.year, cutoff.month, cutoff.day)
    opens = at + definition.lead_days * DAY
    closes = opens + definition.horizon_days * DAY
    running = [r for r in rows if r["started_at"] < at and (r["ended_at"] or FAR) >= at]
    if not running:
        return None
    end = max(r["ended_at"] or FAR for r in running)
    grace = definition.grace_days * DAY
    while True:
        # Whatever overlaps or follows within the grace prolongs the stay.
        ends = [r["ended_at"] or FAR for r in rows if r["started_at"] <= end + grace]
        if max(ends) <= end:
            break
        end = max(ends)
    if end < opens:
        return None
    return int(end < closes)


@settings(max_examples=10)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "customer_id": st.integers(1, 12),
                "started_at": st.integers(0, 40),
                "lasts": st.none() | st.integers(0, 20),
            }
        ),
        min_size=1,
        max_size=40,
    ),
    grace=st.integers(0, 3),
    lead=st.integers(0, 5),
)
def test_labels_by_subscription_agree_with_loops_over_stays(rows, grace, lead, read):
    first = datetime(2025, 1, 1)
    for number, row in enumerate(rows):
        begin = first + row["started_at"] * DAY / 2
        lasts = row.pop("lasts")
        end = None if lasts is None else begin + lasts * DAY / 2
        row |= {"subscription_id": number, "started_at": begin, "ended_at": end}
    rows.append(
        dict(customer_id=0, subscription_id=-1, started_at=first, ended_at=datetime(2025, 2, 2))
    )
    definition = Definition(horizon_days=4, lead_days=lead, grace_days=grace)
    cutoffs = [date(2025, 1, 4), date(2025, 1, 5), date(2025, 1, 11)]
    histories = read({"subscriptions": rows}, observed_until=FAR)
    points = make_points(histories, definition, cutoffs)
    ids = histories.customer_ids().to_pylist()
    found = {
        (cutoffs[c], ids[who]): label
        for c, who, label in zip(
            points.points.cutoff, points.points.customer, points.churned.tolist(), strict=True
        )
    }
    expected = {
        (cutoff, who): reference([r for r in rows if r["customer_id"] == who], cutoff, definition)
        for cutoff in cutoffs
        for who in ids
    }
    assert found == {key: label for key, label in expected.items() if label is not None}
