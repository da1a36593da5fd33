"""Vectors see what was known strictly before the cutoff, and nothing else."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.churn import Definition
from features.plan import make_plan
from features.points import make_points
from features.tables import TABLES
from features.vectors import KEYS, LABEL, build_vectors

CUTOFF = "2025-03-01"
AT = datetime(2025, 3, 1)
WINDOWS = (7, 30)
MICROSECOND = timedelta(microseconds=1)
KINDS = {
    "id": pa.int64(),
    "time": pa.timestamp("us"),
    "number": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}
OLD = datetime(2024, 12, 1)
BASE = {
    "customers": [{"customer_id": c, "signed_up_at": OLD} for c in (1, 2, 3)],
    "subscriptions": [
        {"customer_id": 1, "subscription_id": 0, "started_at": OLD, "plan": "basic", "price": 9.5}
    ],
    "usage": [{"customer_id": 1, "occurred_at": OLD, "event": "login", "value": 1.5}],
    "payments": [
        {"customer_id": 1, "occurred_at": OLD, "amount": 9.5, "status": "paid", "method": "card"}
    ],
    "tickets": [{"customer_id": 1, "ticket_id": 0, "opened_at": OLD, "category": "bill"}],
    "surveys": [{"customer_id": 1, "occurred_at": OLD, "kind": "nps", "score": 8.0}],
    "contacts": [
        dict(customer_id=1, occurred_at=OLD, campaign="c", action="a", group="treated", cost=1.0)
    ],
    "churned": [{"customer_id": 3, "churned_at": datetime(2025, 6, 1)}],
}
"""A row in each table from long ago, so that no table is ever empty."""


def histories_of(tables):
    """Rows as Arrow tables with every declared column, whichever of them the rows give."""
    return {
        name: pa.Table.from_pylist(
            rows, pa.schema({c.name: KINDS[c.kind] for c in TABLES[name].columns})
        )
        for name, rows in tables.items()
    }


def known_at(tables, cutoff):
    """The tables as they would have been written at the cutoff."""
    return {
        name: [_row_known_at(row, name, cutoff) for row in rows if _is_known(row, name, cutoff)]
        for name, rows in tables.items()
    }


def _is_known(row, name, cutoff):
    times = [row[TABLES[name].time], row.get("available_at"), row.get("valid_from")]
    return all(time is None or time < cutoff for time in times)


def _row_known_at(row, name, cutoff):
    def later(column):
        return row.get(column) is not None and row[column] >= cutoff

    hidden = set()
    if name == "tickets" and later("closed_at"):
        hidden |= {"closed_at", "csat", "reopened"}
    if later("first_response_at"):
        hidden.add("first_response_at")
    if later("cancelled_at"):
        hidden.add("cancelled_at")
    noticed = row.get("cancelled_at") is not None and row["cancelled_at"] < cutoff
    if name == "subscriptions" and later("ended_at") and not noticed:
        hidden.add("ended_at")
    return {column: None if column in hidden else value for column, value in row.items()}


def _after(row, start, end):
    """The row without its end where that lies before its start, which is a fault."""
    return row | {end: None} if row[end] is not None and row[end] < row[start] else row


@st.composite
def worlds(draw, moments):
    """Rows of every table, many of them near the cutoff and the edges of windows."""
    moment = moments([CUTOFF], WINDOWS)
    customer, cents = st.sampled_from([1, 2, 3]), st.integers(1, 5000).map(lambda n: n / 100)
    maybe, text = st.none() | moment, st.sampled_from(["login", "bill", "card"])

    def rows(most=20, **columns):
        row = st.fixed_dictionaries({"customer_id": customer, **columns})
        return draw(st.lists(row, min_size=5, max_size=most))

    event = {"occurred_at": moment, "available_at": maybe}
    tickets = rows(
        opened_at=moment,
        closed_at=maybe,
        category=text,
        priority=st.sampled_from(["high", "low"]),
        csat=st.none() | st.integers(1, 5).map(float),
        first_response_at=maybe,
        reopened=st.booleans(),
        available_at=maybe,
    )
    drawn = {
        "usage": rows(**event, event=text, value=st.none() | cents),
        "payments": rows(
            **event,
            amount=cents,
            status=st.sampled_from(["paid", "paid", "failed", "refunded"]),
            due_at=maybe,
            method=text,
        ),
        "tickets": [
            _after(row, "opened_at", "closed_at") | {"ticket_id": n}
            for n, row in enumerate(tickets, 1)
        ],
        "surveys": rows(**event, kind=st.sampled_from(["nps", "csat"]), score=cents),
        "subscriptions": [row for n in range(1, 9) for row in draw(versions(n, customer, moment))],
    }
    return {name: rows + drawn.get(name, []) for name, rows in BASE.items()}


@st.composite
def versions(draw, number, customer, moment):
    """A subscription in up to three versions; an end may be moved or withdrawn until it has come.

    What a version says of the future was known from its `valid_from` on.
    """
    valid_from = sorted(draw(st.sets(moment, min_size=1, max_size=3)))
    row = {"customer_id": draw(customer), "subscription_id": number, "started_at": valid_from[0]}
    found = []
    for since in valid_from:
        if found and found[-1]["ended_at"] is not None and found[-1]["ended_at"] < since:
            break
        noticed = draw(st.booleans())
        ended_at = draw(moment | st.none())
        found.append(
            row
            | {
                "valid_from": since if found else draw(st.sampled_from([None, since])),
                "ended_at": ended_at if ended_at is not None and ended_at >= since else None,
                "cancelled_at": since if noticed else None,
                "price": draw(st.sampled_from([9.5, 19.5, 29.99])),
                "plan": draw(st.sampled_from(["basic", "pro"])),
                "billing_period": draw(st.sampled_from(["month", "year", None])),
                "auto_renew": draw(st.booleans()),
                "renews_at": draw(moment | st.none()),
            }
        )
    return found


def later_rows(draw, moments):
    """What may happen at the cutoff and after it, to old customers and to new ones."""
    at = draw(st.sampled_from([AT, AT + MICROSECOND, AT + timedelta(days=9)]))
    found = {"customers": [{"customer_id": c, "signed_up_at": at} for c in (0, 9)]}
    for name, rows in draw(worlds(moments)).items():
        if name != "customers":
            ids = TABLES[name].row_id[:1]
            found[name] = [
                row
                | {TABLES[name].time: at, "closed_at": None, "ended_at": None}
                | {column: 100 + number for column in ids}
                for number, row in enumerate(rows)
            ]
    return found


def as_bytes(vectors):
    """The old customers' rows, to the last bit."""
    frame = vectors.frame[vectors.frame["customer_id"].isin([1, 2, 3])]
    return frame.to_csv(index=False).encode()


@pytest.fixture(scope="session")
def seen_by(vectors, read):
    """Vectors at the cutoff, with the plan of these tables, as bytes."""

    def of(tables):
        histories = read(histories_of(tables))
        assert all(account.bad == 0 for account in histories.accounts.values())
        return as_bytes(vectors(histories, [CUTOFF], windows=WINDOWS))

    return of


@settings(max_examples=2)
@given(data=st.data())
def test_what_is_hidden_at_the_cutoff_or_comes_after_it_changes_nothing(data, seen_by, moments):
    tables = data.draw(worlds(moments))
    known = known_at(tables, AT)
    later = later_rows(data.draw, moments)
    other_future = {name: [*later.get(name, []), *rows] for name, rows in known.items()}
    expected = seen_by(known)
    assert seen_by(tables) == expected
    assert seen_by(other_future) == expected


@settings(max_examples=2)
@given(data=st.data())
def test_a_cutoff_gives_the_same_vectors_alone_and_among_others(data, vectors, read, moments):
    cutoffs = ["2025-02-20", CUTOFF]
    drawn = histories_of(data.draw(worlds(moments)))
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
