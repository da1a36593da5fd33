"""Leaks are suspected by name, by what a column tells, and by what a table lacks."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pyarrow as pa
import pytest

from features.churn import Definition
from features.leaks import suspects

N = 400
"""Customers; every fourth one has left."""
LEFT = [n % 4 == 0 for n in range(N)]
START = datetime(2024, 1, 1)
SIGNED_UP = [START + timedelta(days=n) for n in range(N)]
END = START + timedelta(days=N + 100)


def noise(n, seed=1):
    return Random(f"{seed} {n}").random()


def customers(**attributes):
    return pa.table({"customer_id": range(N), "signed_up_at": SIGNED_UP, **attributes})


def subscriptions(**more):
    ends = [END - timedelta(days=20) if gone else None for gone in LEFT]
    ids = list(range(N))
    return pa.table(
        {
            "customer_id": ids,
            "subscription_id": ids,
            "started_at": SIGNED_UP,
            "ended_at": pa.array(ends, pa.timestamp("us")),
            **more,
        }
    )


def usage(last_of, **more):
    """One row per customer; those who stay use it on the last day."""
    at = [last_of(n) if LEFT[n] else END for n in range(N)]
    ids = list(range(N))
    return pa.table({"customer_id": ids, "occurred_at": at, "event": ["a"] * N, **more})


CHURNED = pa.table(
    {
        "customer_id": [n for n in range(N) if LEFT[n]],
        "churned_at": [END - timedelta(days=20)] * sum(LEFT),
    }
)
BEFORE = usage(lambda n: END - timedelta(days=40))
TABLES = {
    "subscription": {"subscriptions": subscriptions(), "usage": BEFORE},
    "event": {"churned": CHURNED, "usage": BEFORE},
    "inactivity": {"usage": BEFORE},
}


@pytest.fixture
def suspected(read):
    """Suspected columns with the evidence: ``suspected(tables, "event")``."""

    def of(tables, kind="subscription"):
        found = suspects(read(tables), Definition(kind=kind))
        return {f"{each.table}.{each.column}": each.evidence for each in found}

    return of


HARMLESS = {
    "region": ["north" if noise(n) < 0.5 else "south" for n in range(N)],
    "seats": [int(noise(n) * 50) for n in range(N)],
    "company": [f"company {n}" for n in range(N)],
    "constant": ["x"] * N,
    "empty": pa.array([None] * N, pa.string()),
    # It tells much, and may well be known at sign-up.
    "segment": ["risky" if LEFT[n] == (noise(n) < 0.8) else "safe" for n in range(N)],
    # The oldest customers left most often: no leak of theirs.
    "signed_up_in": [str(day.year) for day in SIGNED_UP],
}


@pytest.mark.parametrize("kind", TABLES)
def test_what_was_known_at_sign_up_is_not_suspected(kind, suspected):
    assert suspected({"customers": customers(**HARMLESS), **TABLES[kind]}, kind) == {}


SPEAKING = ("churn_flag", "isChurned", "cancelled_on", "Last Login", "days_since_login", "LTV")
SILENT = ("lasting", "channel", "plasticity", "totally", "interactive", "last_name", "since_days")


def test_names_that_speak_of_leaving_or_of_later_are_suspected(suspected):
    """Whole words do; what only contains such a word does not."""
    named = dict.fromkeys((*SPEAKING, *SILENT), HARMLESS["region"])
    found = suspected({"customers": customers(**named), **TABLES["event"]}, "event")
    assert sorted(found) == sorted(f"customers.{name}" for name in SPEAKING)
    assert all("its name speaks of" in evidence for evidence in found.values())


LEAKS = {
    "state": ["closed" if gone else "open" for gone in LEFT],
    # Only some of those who left have it, and nobody else.
    "why": ["price" if gone and noise(n) < 0.5 else None for n, gone in enumerate(LEFT)],
    "logins": [noise(n) * 10 + (0 if gone else 9.9) for n, gone in enumerate(LEFT)],
    "until": [f"day {n}" if gone else None for n, gone in enumerate(LEFT)],
    "flag": [not gone for gone in LEFT],
}


@pytest.mark.parametrize("kind", TABLES)
def test_columns_that_tell_who_left_are_suspected(kind, suspected):
    found = suspected({"customers": customers(**LEAKS, **HARMLESS), **TABLES[kind]}, kind)
    assert sorted(found) == sorted(f"customers.{name}" for name in LEAKS)
    assert all("left" in evidence for evidence in found.values())


def test_a_handful_of_customers_tells_nothing(suspected):
    few = {
        "subscriptions": subscriptions().slice(0, 40),
        "customers": customers(**LEAKS).slice(0, 40),
    }
    assert suspected(few) == {}


def test_evidence_shows_no_value_that_few_customers_have(suspected):
    mails = [f"{n}@example.com" if gone else None for n, gone in enumerate(LEFT)]
    found = suspected({"customers": customers(mail=mails), **TABLES["event"]}, "event")
    assert "customers.mail" in found
    assert "@" not in found["customers.mail"]


RENEWING = [not gone for gone in LEFT]


def test_what_holds_today_is_suspected_where_there_are_no_versions(suspected):
    table = subscriptions(plan=["basic"] * N, auto_renew=RENEWING)
    found = suspected({"subscriptions": table})
    assert sorted(found) == ["subscriptions.auto_renew", "subscriptions.plan"]
    assert "on for 100% of those that run, 0% of the ended" in found["subscriptions.auto_renew"]


def test_versions_tell_what_held_then(suspected):
    table = subscriptions(plan=["basic"] * N, auto_renew=RENEWING, valid_from=SIGNED_UP)
    assert suspected({"subscriptions": table}) == {}


@pytest.mark.parametrize(("days", "late"), [(0, False), (2, True)])
def test_use_after_the_end_is_suspected(days, late, suspected):
    after = usage(lambda n: END - timedelta(days=20 - days))
    found = suspected({"subscriptions": subscriptions(), "usage": after})
    assert ("usage.occurred_at" in found) == late
    if late:
        assert "100 rows of 100 customers" in found["usage.occurred_at"]


@pytest.mark.parametrize(("days", "late"), [(30, False), (31, True)])
def test_rows_that_became_known_late_are_suspected(days, late, suspected):
    known = [at + timedelta(days=days) for at in BEFORE["occurred_at"].to_pylist()]
    found = suspected({"usage": BEFORE.append_column("available_at", [known])}, "inactivity")
    assert ("usage.available_at" in found) == late
    if late:
        assert "400 of 400 rows (100%)" in found["usage.available_at"]
