"""Small worlds for properties: rows of every table, many at cutoffs and edges of windows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa

from features.tables import TABLES

KINDS = {
    "id": pa.int64(),
    "time": pa.timestamp("us"),
    "number": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}
OLD = datetime(2024, 12, 1)
MICROSECOND = timedelta(microseconds=1)
CUSTOMERS = (1, 2, 3, 4)
MOST_ROWS = 60
BASE = {
    "customers": [{"customer_id": c, "signed_up_at": OLD} for c in CUSTOMERS],
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


def histories_of(tables, *, timezone=None):
    """Rows as Arrow tables with every declared column, whichever of them the rows give.

    With a time zone their times are instants.
    """
    kinds = KINDS | {"time": pa.timestamp("us", timezone)}
    return {
        name: pa.Table.from_pylist(
            rows, pa.schema({c.name: kinds[c.kind] for c in TABLES[name].columns})
        )
        for name, rows in tables.items()
    }


def _after(row, start, end):
    """The row without its end where that lies before its start, which is a fault."""
    return row | {end: None} if row[end] is not None and row[end] < row[start] else row


def moments_near(edges, first, last):
    """Draws moments: on an edge, a microsecond off it, or anywhere from the first to the last."""

    def draw(random):
        if random.random() < 0.6:
            return random.choice(edges) + random.choice((-1, 0, 1)) * MICROSECOND
        return first + random.random() * (last - first)

    return draw


def world_of(random, moment):
    """Rows of every table, their times drawn by `moment`; some rows were known later."""

    def rows(most, **columns):
        return [
            {"customer_id": random.choice(CUSTOMERS)}
            | {name: draw() for name, draw in columns.items()}
            for _ in range(random.randint(1, most))
        ]

    def at():
        return moment(random)

    def maybe(draw=at):
        return draw() if random.random() < 0.5 else None

    def one_of(*values):
        return lambda: random.choice(values)

    def cents():
        return random.randint(1, 5000) / 100

    text = one_of("login", "bill", "card")
    event = {"occurred_at": at, "available_at": maybe}
    tickets = rows(
        MOST_ROWS,
        opened_at=at,
        closed_at=maybe,
        category=text,
        priority=one_of("high", "low", None),
        csat=one_of(None, 1.0, 2.0, 5.0),
        first_response_at=maybe,
        reopened=one_of(True, False, None),
        available_at=maybe,
    )
    drawn = {
        "usage": rows(MOST_ROWS, **event, event=text, value=lambda: maybe(cents)),
        "payments": rows(
            MOST_ROWS,
            **event,
            amount=cents,
            status=one_of("paid", "paid", "failed", "refunded"),
            due_at=maybe,
            method=text,
        ),
        "tickets": [
            _after(row, "opened_at", "closed_at") | {"ticket_id": n}
            for n, row in enumerate(tickets, 1)
        ],
        "surveys": rows(MOST_ROWS, **event, kind=one_of("nps", "csat"), score=cents),
        "subscriptions": [row for n in range(1, 15) for row in versions(random, n, at)],
        "contacts": rows(
            MOST_ROWS,
            **event,
            campaign=text,
            action=text,
            group=one_of("treated", "holdout"),
            cost=cents,
        ),
    }
    return {name: rows + drawn.get(name, []) for name, rows in BASE.items()}


def versions(random, number, at):
    """A subscription in up to three versions: later ones may date an end or a start back."""
    valid_from = sorted({at() for _ in range(random.randint(1, 3))})
    first = {"customer_id": random.choice(CUSTOMERS), "subscription_id": number}
    found = []
    for since in valid_from:
        started_at = random.choice((valid_from[0], valid_from[0], at()))
        row = first | {
            "valid_from": since if found else random.choice((None, since)),
            "started_at": started_at,
            "ended_at": random.choice((None, at())),
            "cancelled_at": random.choice((None, at())),
            "price": random.choice((9.5, 19.5, 29.99, None)),
            "plan": random.choice(("basic", "pro")),
            "billing_period": random.choice(("month", "year", None)),
            "auto_renew": random.choice((True, False, None)),
            "renews_at": random.choice((None, at())),
        }
        found.append(_after(row, "started_at", "ended_at"))
    return found
