"""Vectors see what was known strictly before the cutoff, and nothing else."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import BASE, MICROSECOND, histories_of, moments_near, world_of

from features.churn import Definition
from features.plan import make_plan
from features.points import make_points
from features.tables import TABLES
from features.vectors import KEYS, LABEL, build_vectors

CUTOFF = "2025-03-01"
AT = datetime(2025, 3, 1)
WINDOWS = (7, 30)


def as_bytes(vectors):
    """The old customers' rows, to the last bit."""
    frame = vectors.frame[vectors.frame["customer_id"].isin([1, 2, 3])]
    return frame.to_csv(index=False).encode()


@settings(max_examples=2)
@given(random=st.randoms(use_true_random=True))
def test_a_cutoff_gives_the_same_vectors_alone_and_among_others(random, vectors, read):
    cutoffs = ["2025-02-20", CUTOFF]
    edges = [datetime.fromisoformat(day) for day in cutoffs]
    drawn = histories_of(world_of(random, moments_near(edges, datetime(2025, 1, 1), AT)))
    histories = read({name: drawn[name] for name in ("customers", "usage", "payments", "tickets")})
    plan = make_plan(histories, windows=WINDOWS, known_before=date(2025, 3, 1))
    together = vectors(histories, cutoffs, plan=plan).frame
    for cutoff in cutoffs:
        alone = vectors(histories, [cutoff], plan=plan).frame
        among = together[together["cutoff"] == cutoff]
        assert among.to_csv(index=False) == alone.to_csv(index=False)


TIMES = [
    ("usage", "occurred_at"),
    ("usage", "available_at"),
    ("payments", "occurred_at"),
    ("payments", "available_at"),
    ("tickets", "opened_at"),
    ("tickets", "closed_at"),
    ("tickets", "available_at"),
    ("surveys", "occurred_at"),
    ("surveys", "available_at"),
    ("subscriptions", "started_at"),
    ("subscriptions", "ended_at"),
    ("subscriptions", "cancelled_at"),
    ("subscriptions", "valid_from"),
]
"""Each time that makes something known."""


@pytest.fixture(scope="module")
def by_moment(vectors):
    """Vectors of customers who differ in one time only: before, at or after the cutoff."""
    customers = [(table, column, off) for table, column in TIMES for off in (-1, 0, 1)]
    tables = {name: [] for name in BASE}
    for number, (changed, column, off) in enumerate(customers):
        for name, rows in BASE.items():
            row = rows[0] | {"customer_id": number} | dict.fromkeys(TABLES[name].row_id, number)
            row |= {"valid_from": None}
            tables[name].append(row | ({column: AT + off * MICROSECOND} if name == changed else {}))
    frame = vectors(histories_of(tables), [CUTOFF], windows=WINDOWS).frame
    lines = frame.drop(columns="customer_id").to_csv(index=False, header=False).splitlines()
    return dict(zip(customers, lines, strict=True))


@pytest.mark.parametrize(("table", "column"), TIMES)
def test_the_last_microsecond_before_the_cutoff_counts_and_the_cutoff_does_not(
    table, column, by_moment
):
    before, cutoff, after = (by_moment[table, column, off] for off in (-1, 0, 1))
    assert before != cutoff
    assert cutoff == after


def test_a_later_version_of_a_subscription_changes_nothing_before_it(vectors):
    """Notice was given by the cutoff; versions after it withdraw it, move the end, or upgrade."""
    notice = {"ended_at": datetime(2025, 4, 1), "cancelled_at": datetime(2025, 2, 1)}
    told = [
        BASE["subscriptions"][0] | notice | dict(customer_id=n, subscription_id=n)
        for n in (1, 2, 3)
    ]
    later = [
        told[0] | {"valid_from": AT, "ended_at": None, "cancelled_at": None},
        told[1] | {"valid_from": AT, "ended_at": datetime(2025, 9, 1)},
        told[2] | {"valid_from": AT, "price": 99.0, "plan": "pro"},
    ]

    def at_cutoff(rows):
        return vectors(histories_of({"subscriptions": rows}), [CUTOFF], windows=WINDOWS)

    assert as_bytes(at_cutoff([*told, *later])) == as_bytes(at_cutoff(told))
    assert at_cutoff(told).frame["subscriptions_days_to_known_end"].tolist() == [31, 31, 31]


def test_the_catalogue_describes_the_columns_in_their_order(vectors):
    found = vectors(histories_of(BASE), [CUTOFF], windows=WINDOWS)
    assert list(found.frame.columns) == [*KEYS, *found.names]
    assert len(set(found.names)) == len(found.names) > 100
    assert all(f.meaning and f.unit and f.group and f.table in TABLES for f in found.catalogue)
    texts = [f.name for f in found.catalogue if f.is_text]
    assert texts == ["subscriptions_plan"]
    others = found.frame[[name for name in found.names if name not in texts]]
    assert (others.dtypes == np.float64).all()


def test_labels_come_last_and_are_missing_where_they_are_not_known(read):
    histories = read(
        {
            "subscriptions": """
            customer_id | subscription_id | started_at | ended_at
            1           | a               | 2024-12-01 |
            2           | b               | 2024-12-01 | 2025-02-10
            """
        },
        observed_until=datetime(2025, 3, 31),
    )
    days = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1), date(2025, 3, 2)]
    points = make_points(histories, Definition(), days)
    plan = make_plan(histories, windows=(30,), known_before=days[0])
    found = build_vectors(histories, plan, points).frame
    assert found.columns[-1] == LABEL
    labels = found[LABEL].astype(object).where(found[LABEL].notna(), None)
    assert list(zip(found["cutoff"].dt.day, found["customer_id"], labels, strict=True)) == [
        (1, 1, 0),
        (1, 2, 0),
        (1, 1, 0),
        (1, 2, 1),
        (1, 1, 0),
        (2, 1, None),
    ]


def test_new_tables_columns_and_event_types_change_no_column(vectors, read):
    few = {name: histories_of(BASE)[name] for name in ("customers", "usage", "tickets")}
    few["tickets"] = few["tickets"].drop_columns(["priority", "csat"])
    few["subscriptions"] = histories_of(BASE)["subscriptions"].drop_columns(
        ["price", "plan", "auto_renew", "renews_at", "billing_period", "cancelled_at"]
    )
    histories = read(few)
    plan = make_plan(histories, windows=WINDOWS, known_before=date(2025, 3, 1))
    new = BASE["usage"][0] | {"event": "brand new"}
    more = BASE | {"usage": [*BASE["usage"], new]}
    assert vectors(histories_of(more), [CUTOFF], plan=plan).names == (
        vectors(histories, [CUTOFF], plan=plan).names
    )
