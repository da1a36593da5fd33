"""Why a customer has no score, for each definition of churn."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest

from features.churn import Definition
from features.errors import UsageError
from features.histories import read_histories
from features.sources import Source
from pipeline import absent
from pipeline.absent import index_of, no_customer

AT = date(2025, 6, 1)
IDS = ("gone", "later", "never", "stays")
SIGNED_UP = ("2025-01-01", "2025-06-10", "2025-01-02", "2025-01-03")


@pytest.fixture
def histories(tmp_path):
    """Customers, and tables of who, when and until when: ``histories(usage=[("gone", day)])``."""
    opened = []

    def read(ids=IDS, **tables):
        customers = pd.DataFrame({"customer_id": ids, "signed_up_at": SIGNED_UP[: len(ids)]})
        customers.to_csv(tmp_path / "customers.csv", index=False)
        for name, rows in tables.items():
            columns = {"usage": ["occurred_at"], "churned": ["churned_at"]}
            columns["subscriptions"] = ["started_at", "ended_at", "subscription_id"]
            frame = pd.DataFrame(rows, columns=["customer_id", *columns[name]])
            event = {"event": "x"} if name == "usage" else {}
            frame.assign(**event).to_csv(tmp_path / f"{name}.csv", index=False)
        source = Source(str(tmp_path))
        opened.append(
            read_histories(source, observed_until=datetime(2025, 7, 1), max_bad_share=1.0)
        )
        return opened[-1]

    yield read
    for each in opened:
        each.close()


def refusal(histories, definition, customer):
    index = index_of(histories, customer)
    return no_customer(histories, definition, customer, index, AT)


def said(error):
    assert (type(error), error.exit_status) == (UsageError, 2)
    assert str(AT) in error.what
    assert all([error.where, error.allowed, error.fix])
    return error.value, error.fix.removeprefix("ask for a date at which it is one").lstrip(": ")


SUBSCRIPTIONS = [
    ("gone", "2025-01-01", "2025-03-01", 1),
    ("gone", "2025-02-01", "2025-04-05", 2),
    ("later", "2025-06-10", None, 3),
    ("stays", "2025-01-03", None, 4),
]


def test_one_whose_subscription_ended(histories):
    """Of long ago, too: more than what a screen shows."""
    found = histories(subscriptions=SUBSCRIPTIONS)
    definition = Definition(kind="subscription")
    told = "gone: its last subscription ended on 2025-04-05", "--as-of 2025-04-05"
    assert said(refusal(found, definition, "gone")) == told
    far = no_customer(found, definition, "gone", 0, date(2027, 1, 1))
    assert "2025-04-05" in far.value


def test_one_who_signs_up_later_or_never_had_a_subscription(histories):
    found = histories(subscriptions=SUBSCRIPTIONS)
    definition = Definition(kind="subscription")
    assert said(refusal(found, definition, "later")) == (
        "later: it signed up on 2025-06-10",
        "--as-of 2025-06-11",
    )
    assert said(refusal(found, definition, "never")) == (
        "never: it has no subscription that began before 2025-06-01",
        "",
    )


def test_one_whose_subscription_begins_later(histories):
    rows = [*SUBSCRIPTIONS, ("never", "2025-06-20 12:00:00", None, 5)]
    error = refusal(histories(subscriptions=rows), Definition(kind="subscription"), "never")
    assert said(error)[1] == "--as-of 2025-06-21"


def test_one_who_was_inactive(histories):
    days = [("gone", "2025-04-01"), ("gone", "2025-04-30"), ("stays", "2025-05-20")]
    found = histories(usage=days)
    definition = Definition(kind="inactivity", active_days=30, activity=("usage", "payments"))
    assert said(refusal(found, definition, "gone")) == (
        "gone: it was last active on 2025-04-30: no payments or usage in the 30 days before "
        "2025-06-01",
        "--as-of 2025-05-01",
    )
    assert said(refusal(found, definition, "never")) == (
        "never: it signed up on 2025-01-02, and no payments or usage of it are known since",
        "",
    )


def test_one_whom_the_business_recorded_as_gone(histories):
    churned = [("gone", "2025-05-11 10:00:00"), ("gone", "2025-05-12"), ("stays", "2025-06-01")]
    found = histories(churned=churned)
    definition = Definition(kind="event")
    assert said(refusal(found, definition, "gone")) == (
        "gone: it left on 2025-05-11, as the histories record",
        "--as-of 2025-05-11",
    )
    assert said(refusal(found, definition, "later"))[0] == "later: it signed up on 2025-06-10"


def test_one_without_a_subscription_where_leaving_is_recorded(histories):
    found = histories(churned=[("stays", "2025-06-20")], subscriptions=SUBSCRIPTIONS)
    definition = Definition(kind="event")
    assert "its last subscription ended on 2025-04-05" in refusal(found, definition, "gone").value


def test_no_date_after_the_histories_is_named(histories):
    found = histories(subscriptions=[*SUBSCRIPTIONS, ("never", "2025-07-20", None, 5)])
    error = refusal(found, Definition(kind="subscription"), "never")
    assert said(error)[1] == ""


def test_one_whom_nobody_knows(histories):
    found = histories(subscriptions=SUBSCRIPTIONS)
    with pytest.raises(UsageError) as caught:
        index_of(found, "Stays ")
    error = caught.value
    assert (error.what, error.value) == ("Nobody knows this customer.", "'Stays '")
    assert error.allowed == "one of the 4 customers of the histories, such as stays"
    assert "quarantine" not in error.fix


def test_rows_set_aside_are_spoken_of_where_there_are_any(histories):
    found = histories(subscriptions=[*SUBSCRIPTIONS, ("unheard of", "2025-01-01", None, 9)])
    with pytest.raises(UsageError, match="Nobody knows") as caught:
        index_of(found, "unheard of")
    assert "quarantine" in caught.value.fix


@pytest.mark.parametrize("wanted", ["", "nothing alike", "\x1b[31m", "7"])
def test_without_anything_alike_some_ids_are_shown(histories, wanted):
    with pytest.raises(UsageError) as caught:
        index_of(histories(subscriptions=SUBSCRIPTIONS), wanted)
    assert caught.value.allowed.endswith("such as gone, later, never")
    assert "\x1b" not in str(caught.value)


def test_whole_numbers_are_found_by_how_they_are_written(histories):
    found = histories(ids=("3", "20", "100"), usage=[("3", "2025-05-01")])
    assert [index_of(found, each) for each in ("3", "20", "100")] == [0, 1, 2]
    with pytest.raises(UsageError):
        index_of(found, "003")


def test_among_many_ids_only_some_are_compared(monkeypatch):
    ids = [f"{letter}{n}" for letter in "ab" for n in range(100)]
    monkeypatch.setattr(absent, "MOST_COMPARED", 150)
    assert absent._near("B1", ids)[0] == "b1"
    assert all(each.startswith("a1") for each in absent._near("a1x", ids))
