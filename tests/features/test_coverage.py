"""Histories end where things happened last, whatever a few wrong clocks say."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from features.contract import Daily
from features.coverage import core_of, pool
from features.points import refuse_future


def daily(rows_by_day):
    """Days as numbers, with how many rows each has."""
    days = np.array(sorted(rows_by_day), dtype=np.int64)
    rows = np.array([rows_by_day[day] for day in days], dtype=np.int64)
    return Daily(days, rows, days.astype("datetime64[D]").astype("datetime64[us]"))


def every(step, stop, rows=2):
    return dict.fromkeys(range(0, stop, step), rows)


@pytest.mark.parametrize(
    ("rows_by_day", "first", "last"),
    [
        (every(1, 100), 0, 99),
        # A few rows beyond a silence much longer than any other are strays …
        (every(1, 100) | {130: 3}, 0, 99),
        (every(1, 100) | {-9000: 1, 30_000: 1}, 0, 99),
        # … but neither many, nor those that are near,
        (every(1, 100) | {130: 4}, 0, 130),
        (every(1, 100) | {129: 3}, 0, 129),
        # nor those beyond a silence such as there are in between,
        (every(20, 2000) | {2080: 3}, 0, 2080),
        (every(20, 2000) | {2081: 3}, 0, 1980),
        # nor any where there are few rows at all.
        ({0: 50, 1000: 49}, 0, 1000),
        ({7: 1}, 7, 7),
    ],
)
def test_strays_are_few_and_far_off(rows_by_day, first, last):
    core = core_of(daily(rows_by_day))
    assert (core.first, core.last) == (first, last)


def test_tables_are_pooled_by_day_with_the_last_moment_of_each():
    early, late = datetime(2025, 1, 1, 8), datetime(2025, 1, 1, 9)
    parts = [
        Daily(np.array([5]), np.array([rows]), np.array([last], dtype="datetime64[us]"))
        for rows, last in ((1, late), (2, early))
    ]
    pooled = pool(parts)
    assert (pooled.days.tolist(), pooled.rows.tolist()) == ([5], [3])
    assert pooled.last.astype(datetime).tolist() == [late]


START = datetime(2025, 1, 1, 6)


def usage(*more, days=120):
    usual = [START + timedelta(days=n) for n in range(days)]
    return [{"customer_id": 1, "occurred_at": at, "event": "a"} for at in (*usual, *more)]


WRONG = {"future": datetime(2099, 1, 1), "past": datetime(1970, 1, 1)}


@pytest.mark.parametrize("wrong", [(), ("future",), ("past",), ("future", "past")])
def test_a_wrong_clock_moves_neither_the_begin_nor_the_end(wrong, read):
    histories = read({"usage": usage(*(WRONG[each] for each in wrong))})
    assert histories.observed_from == datetime(2025, 1, 1)
    assert histories.observed_until == START + timedelta(days=119)
    assert histories.accounts["usage"].used == 120 + len(wrong)


def test_a_feed_that_stops_does_not_end_the_histories(read):
    payments = [
        {"customer_id": 1, "occurred_at": START + timedelta(days=n), "amount": 1.0}
        for n in range(150)
    ]
    histories = read({"usage": usage(), "payments": payments})
    assert histories.observed_until == START + timedelta(days=149)


def test_what_is_booked_ahead_does_not_count_beside_what_happened(read):
    """Many rows: none of them is a stray."""
    contacts = "customer_id | occurred_at | campaign | action | group\n"
    contacts += "1 | 2025-06-01 | summer | call | treated\n" * 50
    customers = "customer_id | signed_up_at\n" + "".join(f"{n} | 2025-06-02\n" for n in range(50))
    histories = read({"usage": usage(), "contacts": contacts, "customers": customers})
    assert histories.observed_until == START + timedelta(days=119)


def test_the_last_date_there_is_ends_histories_like_any_other(read):
    """Without enough rows to tell strays from others."""
    rows = "customer_id | occurred_at | event\n1 | 9999-12-31 23:00 | a\n1 | 1066-10-14 | a"
    histories = read({"usage": rows})
    assert histories.observed_from == datetime(1066, 10, 14)
    assert histories.observed_until == datetime(9999, 12, 31, 23)
    refuse_future(histories, [date(2025, 1, 1), date(9999, 12, 31)])
