"""Recurring revenue: movements by hand, and reconciled over random histories."""

from __future__ import annotations

import random as randoms
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kpi_parts import parts_of
from pipeline.kpi_periods import periods_of
from pipeline.kpi_revenue import basis_of

WAYS = ("start", "new", "expansion", "contraction", "churned", "reactivated", "end")


def february(business, tables, currency=None, **options):
    """The movements of February 2025, in money."""
    asked = business(tables, observed_until=date(2025, 5, 1), **options)
    one = next(f for f in periods_of(asked).figures if f.period.start == date(2025, 2, 1))
    (found,) = [r for r in one.revenue if r.currency == currency]
    values = found.as_json()
    return {way: values[way] for way in WAYS}, found.movements


SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | price | billing_period | valid_from
stays       | 1               | 2025-01-01 |            | 10    | month          |
upgrades    | 2               | 2025-01-01 |            | 10    | month          | 2025-01-01
upgrades    | 2               | 2025-01-01 |            | 15.50 | month          | 2025-02-10
adds        | 3               | 2025-01-01 |            | 10    | month          |
adds        | 4               | 2025-02-10 |            | 100   | year           |
drops       | 5               | 2025-01-01 |            | 10    | month          |
drops       | 6               | 2025-01-01 | 2025-02-10 | 4     | month          |
leaves      | 7               | 2025-01-01 | 2025-02-10 | 7     | month          |
comes       | 8               | 2025-02-10 |            | 9     | month          |
comes_back  | 9               | 2024-12-01 | 2025-01-10 | 9     | month          |
comes_back  | 10              | 2025-02-10 |            | 11    | month          |
changes     | 11              | 2025-01-01 | 2025-02-10 | 20    | month          |
changes     | 12              | 2025-02-10 |            | 30    | month          |
"""


def test_every_way_by_hand(business):
    """Start 10 + 10 + 10 + 14 + 7 + 20; grown by 5.50, 8.33 and 10, shrunk by 4, lost 7."""
    found, exact = february(business, {"subscriptions": SUBSCRIPTIONS})
    assert found == {
        "start": 71.0,
        "new": 9.0,
        "expansion": 23.83,
        "contraction": 4.0,
        "churned": 7.0,
        "reactivated": 11.0,
        "end": 103.83,
    }
    assert exact.gross_retention == (71 - 11) / 71
    assert round(exact.net_retention, 9) == round((71 - 11 + 23.83) / 71, 9)


def test_a_pause_is_no_churn_within_the_grace_and_brings_nothing_in_it(business):
    paused = """
    customer_id | subscription_id | started_at | ended_at   | price
    a           | 1               | 2025-01-01 | 2025-02-20 | 10
    a           | 2               | 2025-03-10 |            | 12
    """
    found, _ = february(business, {"subscriptions": paused}, grace_days=30)
    assert (found["churned"], found["contraction"], found["end"]) == (0, 10, 0)
    found, _ = february(business, {"subscriptions": paused}, grace_days=10)
    assert (found["churned"], found["contraction"], found["end"]) == (10, 0, 0)


def test_currencies_are_never_added_up(business):
    rows = """
    customer_id | subscription_id | started_at | ended_at   | price | currency
    a           | 1               | 2025-01-01 |            | 10    | EUR
    a           | 2               | 2025-01-01 | 2025-02-10 | 20    | USD
    b           | 3               | 2025-01-01 | 2025-02-10 | 40    | USD
    """
    euros, _ = february(business, {"subscriptions": rows}, "EUR")
    dollars, _ = february(business, {"subscriptions": rows}, "USD")
    assert (euros["start"], euros["end"]) == (10, 10)
    # Who stays with euros has given up its dollars, and has not left.
    assert (dollars["start"], dollars["contraction"], dollars["churned"]) == (60, 20, 40)


def test_retention_that_is_no_share_is_told(business):
    """Of 10 - 4 a month the discount leaves: 10 of 6 are kept, 167 %; by plan of 10 all are."""
    rows = """
    customer_id | subscription_id | started_at | ended_at   | price | plan
    a           | 1               | 2025-01-01 |            | 10    | full
    b           | 2               | 2025-01-01 | 2025-02-10 | -4    | full
    """
    found, exact = february(business, {"subscriptions": rows})
    assert (found["start"], found["churned"], found["end"]) == (6, -4, 10)
    assert exact.gross_retention == 10 / 6
    asked = business({"subscriptions": rows}, observed_until=date(2025, 5, 1), by=("plan",))
    assert periods_of(asked).notes[-1].startswith("Gross retention is above 100 % or below 0 in 1 ")
    assert "(the first: 2025-02-01)" in periods_of(asked).notes[-1]
    assert parts_of(asked).notes[0].startswith("By plan: Gross retention is above")
    usual = rows.replace("-4", "4")
    asked = business({"subscriptions": usual}, observed_until=date(2025, 5, 1), by=("plan",))
    assert not any("Gross retention" in note for note in periods_of(asked).notes)
    assert parts_of(asked).notes == ()


PLAIN = "customer_id | subscription_id | started_at\na | 1 | 2024-12-01\nb | 2 | 2024-12-01"
PAYMENTS = """
customer_id | occurred_at | amount | status
a           | 2025-01-05  | 10     | paid
a           | 2025-02-05  | 12     | paid
a           | 2025-02-06  | 5      | refunded
b           | 2025-01-05  | 10     | paid
b           | 2025-02-05  | 10     | failed
c           | 2025-02-05  | 8      | paid
d           | 2024-12-05  | 3      | paid
d           | 2025-02-05  | 4      | paid
e           | 2025-01-05  | -6     | paid
f           | 2025-03-20  | 1      | paid
"""


def test_without_prices_what_was_collected_counts(business):
    """a pays 12 and gets 5 back after 10; b's attempt fails; c is new, d is back, e got money."""
    tables = {"subscriptions": PLAIN, "payments": PAYMENTS}
    tables["customers"] = "customer_id | signed_up_at\n" + "\n".join(
        f"{who} | 2024-12-01" for who in "abcdef"
    )
    found, _ = february(business, tables)
    assert found == {
        "start": 14.0,  # 10 + 10 - 6
        "new": 8.0,
        "expansion": 6.0,
        "contraction": 3.0,
        "churned": 10.0,
        "reactivated": 4.0,
        "end": 19.0,
    }


def test_a_running_period_has_no_collected_money_yet(business):
    asked = business(
        {"subscriptions": PLAIN, "payments": PAYMENTS}, observed_until=date(2025, 2, 10)
    )
    answer = periods_of(asked)
    assert basis_of(asked) == "collected"
    assert answer.figures[-1].revenue == ()
    assert any("collected" in note for note in answer.notes)


def test_without_prices_and_payments_it_is_said_what_lacks(business):
    asked = business({"subscriptions": PLAIN}, observed_until=date(2025, 2, 10))
    answer = periods_of(asked)
    assert basis_of(asked) is None
    assert all(one.revenue == () for one in answer.figures)
    note = "No revenue is told: it needs subscriptions.price, or a table payments."
    assert note in answer.notes


def test_what_runs_without_a_price_or_a_customer_is_told(business):
    tables = {
        "customers": "customer_id | signed_up_at\na | 2025-01-01\nb | 2025-01-01\nc | 2025-01-01",
        "subscriptions": """
        customer_id | subscription_id | started_at | price
        a           | 1               | 2025-01-01 | 10
        b           | 2               | 2025-01-01 | 20
        c           | 3               | 2025-01-01 |
        """,
        "churned": "customer_id | churned_at\nb | 2025-01-20",
    }
    answer = periods_of(business(tables, kind="event", observed_until=date(2025, 3, 1)))
    notes, february = answer.notes, answer.figures[-1].revenue[0].movements
    assert (february.start, february.end) == (1000, 1000)
    assert any(note.startswith("1 subscriptions that run at 2025-03-01") for note in notes)
    assert any("of 20.00 a month run for people who are no customers" in note for note in notes)


FIRST = datetime(2025, 1, 1)


def histories(random):
    """Subscriptions in versions, with upgrades, pauses, overlaps, odd prices; and payments."""

    def day(most=150):
        return FIRST + timedelta(days=random.randint(0, most), hours=random.choice((0, 0, 13)))

    lines, payments = [], []
    for number in range(60):
        who, start = random.randint(0, 24), day()
        end = random.choice((None, start + timedelta(days=random.randint(0, 90))))
        currency = random.choice(("EUR", "EUR", "USD", ""))
        for version in range(random.randint(1, 3)):
            since = start + timedelta(days=version * random.randint(1, 40))
            price = random.choice(("9.99", "100", "0.005", "33.333", "-4.5", "", "1e9"))
            period = random.choice(("month", "year", ""))
            cells = (who, number, start, end or "", price, period, currency, since)
            lines.append(" | ".join(map(str, cells)))
        for _ in range(3):
            amount = random.choice(("9.99", "0.015", "-3", "1e9"))
            status = random.choice(("paid", "paid", "failed", "refunded"))
            payments.append(f"{who} | {day()} | {amount} | {status} | {currency}")
    head = "customer_id | subscription_id | started_at | ended_at | price | billing_period"
    return {
        "subscriptions": f"{head} | currency | valid_from\n" + "\n".join(lines),
        "payments": "customer_id | occurred_at | amount | status | currency\n"
        + "\n".join(payments),
    }


@pytest.mark.parametrize("basis", ["mrr", "collected"])
@settings(max_examples=2, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**20))
def test_movements_reconcile_to_the_cent_over_random_histories(basis, business, seed):
    """In each period and currency; each begins where the one before ended; parts are the whole."""
    tables = histories(randoms.Random(seed))
    if basis == "collected":
        tables["subscriptions"] = tables["subscriptions"].replace("| price |", "| cost |")
    options = {"observed_until": date(2025, 6, 10), "grace_days": seed % 3 * 7, "by": ("tenure",)}
    asked = business(tables, **options)
    assert basis_of(asked) == basis
    figures, last = periods_of(asked).figures, {}
    for one in figures:
        for money in one.revenue:
            m = money.movements
            gained = m.new + m.expansion + m.reactivated
            assert m.start + gained - m.contraction - m.churned == m.end
            assert last.get(money.currency, m.start) == m.start
            last[money.currency] = m.end
            values = money.as_json()
            told = values["start"] + values["new"] + values["expansion"] + values["reactivated"]
            assert round(told - values["contraction"] - values["churned"], 2) == values["end"]
    assert any(last.values())
    parts = parts_of(asked).figures["tenure"]
    for way in WAYS:
        assert _summed(parts, way) == _summed(figures, way)
    if basis == "mrr":
        assert last == _running(tables["subscriptions"], datetime(2025, 6, 10))


def _summed(figures, way):
    return sum(getattr(r.movements, way) for one in figures for r in one.revenue)


def _running(text, at):
    """Cents a month by currency at a day, row by row: the end of the newest version counts."""
    names, *lines = [[c.strip() for c in line.split("|")] for line in text.split("\n")]
    rows = [dict(zip(names, line, strict=True)) for line in lines]
    found = {row["currency"] or None: 0 for row in rows}
    for number in {row["subscription_id"] for row in rows}:
        versions = {}
        for row in rows:  # of two versions of one moment the first one counts
            if row["subscription_id"] == number:
                versions.setdefault(datetime.fromisoformat(row["valid_from"]), row)
        begun = [row for since, row in sorted(versions.items()) if _day(since) < _day(at)]
        if not begun or (row := begun[-1])["price"] == "":
            continue
        if row["ended_at"] and _day(datetime.fromisoformat(row["ended_at"])) < _day(at):
            continue
        cents = float(row["price"]) * 100 / (12 if row["billing_period"] == "year" else 1)
        whole = int(np.floor(abs(round(cents, 6)) + 0.5))
        found[row["currency"] or None] += whole if cents > 0 else -whole
    return found


def _day(moment):
    return moment.date()
