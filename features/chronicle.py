"""What is on record of one customer, as it was known at a date: for people who want to see it.

The rules are those of the vectors: a row counts from when it became known, a value that is filled
in later is unknown until then. Days are days on the histories' clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from features.contract import known_at
from features.histories import Histories
from features.tables import CUSTOMER, TABLES

if TYPE_CHECKING:
    import ibis

Row = Mapping[str, Any]
DAYS_SHOWN = 365
MOST_ROWS = 10_000
"""Of a table that only people read; the newest are kept."""


@dataclass(frozen=True)
class Happening:
    """Something on record.

    Attributes
    ----------
    day
        When it happened.
    what
        A key of the texts, without its ``happened_``.
    values
        What the text tells: texts and numbers.
    """

    day: date
    what: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chronicle:
    """What is known of a customer before a date.

    Attributes
    ----------
    happenings
        Oldest first; use is not among them.
    used
        Of the last weeks, oldest first: the first day and how often the product was used; empty
        without a table of usage.
    rows
        By table, how many rows the customer has, however old.
    """

    happenings: tuple[Happening, ...]
    used: tuple[tuple[date, int], ...]
    rows: Mapping[str, int]


def chronicle(
    histories: Histories, customer: int, before: date, *, days: int = DAYS_SHOWN
) -> Chronicle:
    """What is on record of a customer (its index) of the days before a date."""
    moment = datetime(before.year, before.month, before.day)
    since = moment - timedelta(days=days)
    found: list[Happening] = []
    counts: dict[str, int] = {}
    for name, tell in TELLERS.items():
        if name in histories.tables:
            rows = _known(histories, name, customer, moment)
            counts[name] = len(rows)
            found += [one for one in tell(rows, moment) if since.date() <= one.day]
    used: tuple[tuple[date, int], ...] = ()
    if "usage" in histories.tables:
        used, counts["usage"] = _used(histories, customer, moment, days)
    order = sorted(range(len(found)), key=lambda i: (found[i].day, i))
    return Chronicle(tuple(found[i] for i in order), used, counts)


def _rows(histories: Histories, name: str, customer: int, moment: datetime) -> ibis.Table:
    """The customer's rows that were known before the moment."""
    rows = histories.tables[name]
    rows = rows.filter(rows[CUSTOMER] == customer)
    return rows.filter(known_at(TABLES[name], rows) < moment)


def _known(histories: Histories, name: str, customer: int, moment: datetime) -> list[Row]:
    """Oldest first, at most `MOST_ROWS`; a time that is yet to be known is None."""
    import ibis

    rows = _rows(histories, name, customer, moment)
    columns = [c.name for c in TABLES[name].columns if c.name in rows.columns]
    newest = rows.select(*columns).order_by(ibis.desc(TABLES[name].time)).limit(MOST_ROWS)
    found = histories.engine.to_pyarrow(newest).to_pylist()
    found.sort(key=lambda row: (row[TABLES[name].time], str(row)))
    late = [c for c in TABLES[name].columns if c.known_from and c.name in columns]
    hidden = {c.name: c.known_from for c in late}
    return [{key: _as_known(row, key, hidden.get(key), moment) for key in columns} for row in found]


def _as_known(row: Row, key: str, known_from: str | None, moment: datetime) -> Any:
    """A value that is filled in later, as it was known then."""
    value = row[key]
    if known_from is None:
        return value
    since = row.get(known_from)
    if since is not None and since < moment:
        return value
    # Who gave notice has told when the end will be.
    notice = row.get("cancelled_at")
    told = key == "ended_at" and notice is not None and notice < moment
    return value if told else None


def _used(
    histories: Histories, customer: int, moment: datetime, days: int
) -> tuple[tuple[tuple[date, int], ...], int]:
    """Uses a week up to the moment, and of all time."""
    rows = _rows(histories, "usage", customer, moment)
    by_day = rows.group_by(day=rows["occurred_at"].date()).agg(n=rows.count())
    found = histories.engine.to_pyarrow(by_day).to_pylist()
    weeks = days // 7
    counts = [0] * weeks
    for row in found:
        place = weeks - 1 - ((moment.date() - row["day"]).days - 1) // 7
        if 0 <= place < weeks:
            counts[place] += row["n"]
    first = moment.date() - timedelta(days=7 * weeks)
    used = tuple((first + timedelta(days=7 * n), count) for n, count in enumerate(counts))
    return used, sum(row["n"] for row in found)


def _of_customer(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        yield Happening(row["signed_up_at"].date(), "signed_up")


def _of_subscriptions(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    """Starts, changes from version to version, notices and ends."""
    before: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: row.get("valid_from") or row["started_at"]):
        known = row.get("valid_from") or row["started_at"]
        if known >= moment:
            continue
        last = before.get(row["subscription_id"])
        if last is None:
            named = {"plan": row.get("plan"), "price": row.get("price")}
            yield Happening(row["started_at"].date(), "subscribed", named)
        else:
            yield from _changed(last, row, known.date())
        before[row["subscription_id"]] = row
    for row in before.values():
        if row.get("cancelled_at"):
            yield Happening(row["cancelled_at"].date(), "notice", {"until": row.get("ended_at")})
        if row.get("ended_at") and row["ended_at"] < moment:
            yield Happening(row["ended_at"].date(), "ended", {"plan": row.get("plan")})


def _changed(last: Row, row: Row, day: date) -> Iterator[Happening]:
    old, new = last.get("price"), row.get("price")
    if old is not None and new is not None and old != new:
        change = float(new) / float(old) - 1 if old else None
        yield Happening(day, "price_changed", {"old": old, "new": new, "change": change})
    if last.get("plan") != row.get("plan"):
        yield Happening(day, "plan_changed", {"old": last.get("plan"), "new": row.get("plan")})
    if last.get("auto_renew") != row.get("auto_renew"):
        what = "renewal_on" if row.get("auto_renew") else "renewal_off"
        yield Happening(day, what)


def _of_payments(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        status = row.get("status") or "paid"
        values = {"amount": abs(row["amount"]), "method": row.get("method")}
        yield Happening(row["occurred_at"].date(), f"payment_{status}", values)


def _of_tickets(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        named = {"category": row.get("category"), "priority": row.get("priority")}
        opened, closed = row["opened_at"], row.get("closed_at")
        if closed is None:
            waits = (moment - opened).total_seconds() / 86_400
            yield Happening(opened.date(), "ticket_open", {**named, "days": waits})
            continue
        yield Happening(opened.date(), "ticket_opened", named)
        took = {"hours": (closed - opened).total_seconds() / 3600, "csat": row.get("csat")}
        yield Happening(closed.date(), "ticket_closed", {**named, **took})


def _of_surveys(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        values = {"kind": row["kind"], "score": row["score"]}
        yield Happening(row["occurred_at"].date(), "survey", values)


def _of_contacts(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        if row["group"] == "treated":
            values = {"campaign": row["campaign"], "action": row["action"]}
            yield Happening(row["occurred_at"].date(), "contacted", values)


TELLERS: dict[str, Callable[[Sequence[Row], datetime], Iterator[Happening]]] = {
    "customers": _of_customer,
    "subscriptions": _of_subscriptions,
    "payments": _of_payments,
    "tickets": _of_tickets,
    "surveys": _of_surveys,
    "contacts": _of_contacts,
}
"""By table, what its rows tell people."""
