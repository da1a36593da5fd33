"""Another future: what is altered from a cutoff on, and that the past stays as it was."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import pyarrow as pa
import pytest
from worlds import histories_of, moments_near, world_of

from features.alterations import ALTERATIONS, altered, spared_at
from features.contract import known_at
from features.tables import TABLES

CUTOFF = date(2025, 3, 1)
AT = datetime(2025, 3, 1)
FILLED_IN = {
    column.name for table in TABLES.values() for column in table.columns if column.known_from
}


@pytest.fixture
def rows_of(read):
    """A table altered: ``rows_of(tables, "usage", "deleted")``, as Python values."""

    def of(tables, name, how, **options):
        histories = read(tables, **options)
        timezone = options.get("timezone", "UTC")
        found = altered(histories, name, how, CUTOFF, timezone=timezone)
        return histories.engine.to_pyarrow(found.rows).to_pylist()

    return of


TICKETS = {
    "tickets": """
    customer_id | ticket_id | opened_at  | closed_at  | csat | available_at
    1           | a         | 2025-02-01 | 2025-02-28 | 2    |
    1           | b         | 2025-02-01 | 2025-03-01 | 3    | 2025-02-02
    1           | c         | 2025-02-01 | some day   | 4    |
    1           | d         | 2025-02-01 |            |      | 2025-03-01
    1           | e         | 2025-03-01 |            |      |
    """
}


def test_what_is_known_from_the_cutoff_on_is_deleted(rows_of):
    found = rows_of(TICKETS, "tickets", "deleted")
    assert [row["ticket_id"] for row in found] == ["a", "b", "c"]
    assert found[1]["closed_at"] == "2025-03-01"


def test_what_was_filled_in_from_the_cutoff_on_is_masked(rows_of):
    """What does not parse was given, and nobody knows when; its score is known from a close."""
    found = rows_of(TICKETS, "tickets", "masked")
    assert [(row["closed_at"], row["csat"]) for row in found] == [
        ("2025-02-28", "2"),
        (None, None),
        ("some day", None),
        (None, None),
        (None, None),
    ]


def test_an_end_of_which_notice_was_given_is_known(rows_of):
    tables = {
        "subscriptions": """
        customer_id | subscription_id | started_at | ended_at   | cancelled_at
        1           | a               | 2025-01-01 | 2025-04-01 | 2025-02-28
        1           | b               | 2025-01-01 | 2025-04-01 | 2025-03-01
        1           | c               | 2025-01-01 | 2025-02-01 |
        """
    }
    for how, expected in [("masked", [None]), ("deleted", ["2025-04-01"])]:
        found = [row["ended_at"] for row in rows_of(tables, "subscriptions", how)]
        assert found == ["2025-04-01", *expected, "2025-02-01"]


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.date32()])
def test_added_rows_are_known_from_the_cutoff_on_whatever_the_type_of_their_times(kind, rows_of):
    zone = "America/Santiago"
    days = [datetime(2025, 2, day) for day in range(1, 29)] * 5
    usage = {"customer_id": range(140), "occurred_at": pa.array(days).cast(kind)}
    usage = pa.table(usage | {"event": ["login"] * 140})
    found = rows_of({"usage": usage}, "usage", "added", timezone=zone)[140:]
    late = [row for row in found if row["available_at"] is not None]
    assert 0 < len(late) < len(found)
    assert min(row["available_at"] for row in late) >= AT
    if kind == pa.timestamp("us"):
        assert min(row["occurred_at"] for row in found if row not in late) >= AT


def test_the_past_stays_as_it_was(read):
    """Rows known before the cutoff, but for what is filled in later, in every table."""
    moment = moments_near([AT, AT - timedelta(days=30)], datetime(2025, 1, 1), AT + timedelta(30))
    given = read(histories_of(world_of(Random(5), moment)))
    for name, table in TABLES.items():
        raw = given.raw[name].rows
        columns = [c for c in raw.columns if c not in FILLED_IN]
        for how in ALTERATIONS:
            other = altered(given, name, how, CUTOFF, timezone="UTC")
            before = [rows.filter(known_at(table, rows) < AT) for rows in (raw, other.rows)]
            known, still = (given.engine.to_pyarrow(rows.select(columns)) for rows in before)
            assert known.to_pylist() == still.to_pylist(), (name, how)
            if name == "usage":
                touched = given.engine.to_pyarrow(other.touched).as_py()
                assert bool(touched) == (how != "masked")


def test_a_table_of_which_nothing_is_known_yet_keeps_its_last_customer(read):
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-01-01\n2 | 2025-04-01\n3 | 2025-04-01",
        "subscriptions": """
        customer_id | subscription_id | started_at
        1           | a               | 2025-01-01
        2           | b               | 2025-04-01
        3           | c               | 2025-04-01
        """,
        "usage": """
        subscription_id | occurred_at | event
        b               | 2025-04-03  | login
        c               | 2025-04-02  | login
        """,
    }
    histories = read(tables)
    spared = spared_at(histories, CUTOFF)
    assert spared == ["2"]
    for name in tables:
        found = altered(histories, name, "deleted", CUTOFF, timezone="UTC", spared=spared)
        left = histories.engine.to_pyarrow(found.rows).to_pylist()
        ids = [row.get("customer_id") or row["subscription_id"] for row in left]
        assert ids == (["b"] if name == "usage" else ["1", "2"])
