"""What is on record of one customer, as it was known at a date: for people who want to see it.

The rules are those of the vectors: a row counts from when it became known, a value that is filled
in later is unknown until then. Days are days on the histories' clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from features.churn import activity as acts_of
from features.contract import known_at
from features.histories import Histories
from features.tables import CUSTOMER, TABLES

if TYPE_CHECKING:
    import ibis

Row = Mapping[str, Any]
DAYS_SHOWN = 365
MOST_ROWS = 10_000
"""Of a table that only people read; the newest are kept, and no more are counted."""


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
        Of the last weeks, oldest first: the first day and how often the product was used. They
        begin with the customer, or with the table of usage; without one there are none.
    """

    happenings: tuple[Happening, ...]
    used: tuple[tuple[date, int], ...]


def chronicle(
    histories: Histories, customer: int, before: date, *, days: int = DAYS_SHOWN
) -> Chronicle:
    """What is on record of a customer (its index) of the days before a date."""
    moment = _midnight(before)
    since = before - timedelta(days=min(days, (before - date.min).days))
    found = [
        one
        for name, tell in TELLERS.items()
        if name in histories.tables
        for one in tell(_known(histories, name, customer, moment), moment)
    ]
    # Those of one day stay in the order of their tables: first who it is, last what was done.
    found.sort(key=lambda one: one.day)
    shown = tuple(one for one in found if since <= one.day)
    signed_up = next((one.day for one in found if one.what == "signed_up"), before)
    return Chronicle(shown, _used(histories, customer, before, days // 7, signed_up))


def last_active(
    histories: Histories, activity: Sequence[str], customer: int, before: date
) -> date | None:
    """The last day before a date on which a customer did what counts as activity, if any."""
    import ibis

    acts = acts_of(histories, activity)
    acts = acts.filter(acts[CUSTOMER] == customer)
    known = ibis.greatest(acts["occurred_at"], acts["available_at"])
    last = acts.filter(known < _midnight(before))["occurred_at"].max()
    moment = histories.engine.to_pyarrow(last).as_py()
    return None if moment is None else moment.date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _rows(histories: Histories, name: str, customer: int, moment: datetime) -> ibis.Table:
    """The customer's rows that were known before the moment."""
    rows = histories.tables[name]
    rows = rows.filter(rows[CUSTOMER] == customer)
    return rows.filter(known_at(TABLES[name], rows) < moment)


def _known(histories: Histories, name: str, customer: int, moment: datetime) -> list[Row]:
    """Oldest first, at most `MOST_ROWS`; what is yet to be known is None."""
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
    histories: Histories, customer: int, before: date, weeks: int, signed_up: date
) -> tuple[tuple[date, int], ...]:
    """How often the product was used in each week up to a date: whole weeks, the last one full."""
    if "usage" not in histories.tables:
        return ()
    rows = _rows(histories, "usage", customer, _midnight(before))
    by_day = rows.group_by(day=rows["occurred_at"].date()).agg(n=rows.count())
    found = {row["day"]: row["n"] for row in histories.engine.to_pyarrow(by_day).to_pylist()}
    counts: Counter[int] = Counter()
    for day, count in found.items():
        counts[((before - day).days - 1) // 7] += count
    # Nobody uses what it does not have, and nothing is known from before the table begins.
    first = str(histories.accounts["usage"].first or before)
    begin = max(min([signed_up, *found]), date.fromisoformat(first[:10]))
    last = min(weeks, ((before - begin).days + 6) // 7)
    return tuple((before - timedelta(days=7 * n), counts[n - 1]) for n in range(last, 0, -1))


def _of_customer(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        yield Happening(row["signed_up_at"].date(), "signed_up")


def _of_subscriptions(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    """Starts, changes from version to version; notices and ends as the newest version has them."""
    before: dict[Any, Row] = {}
    for row in sorted(rows, key=_since_when):
        known = _since_when(row)[0]
        last = before.get(row["subscription_id"])
        if last is None:
            named = {"plan": row.get("plan"), "price": row.get("price")}
            yield Happening(row["started_at"].date(), "subscribed", named)
        else:
            yield from _changed(last, row, known.date())
        before[row["subscription_id"]] = row
    for row in before.values():
        ended, notice = row.get("ended_at"), row.get("cancelled_at")
        if notice:
            yield Happening(notice.date(), "notice", {"until": ended and ended.date()})
        if ended and ended < moment:
            yield Happening(ended.date(), "ended", {"plan": row.get("plan")})


def _since_when(row: Row) -> tuple[datetime, bool]:
    """When a version of a subscription became known; without a date of its own it is the first."""
    since = row.get("valid_from")
    return since or row["started_at"], since is not None


def _changed(last: Row, row: Row, day: date) -> Iterator[Happening]:
    """What differs; what one of the versions does not tell has not changed."""
    for name, what in (("price", "price_changed"), ("plan", "plan_changed"), ("auto_renew", "")):
        old, new = last.get(name), row.get(name)
        if old is None or new is None or old == new:
            continue
        if name == "auto_renew":
            yield Happening(day, "renewal_on" if new else "renewal_off")
            continue
        change = {"change": new / old - 1 if old > 0 else None} if name == "price" else {}
        yield Happening(day, what, {"old": old, "new": new, **change})


def _of_payments(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        # Without a status, what goes back to the customer is a negative payment.
        back = row["status"] == "paid" and row["amount"] < 0
        values = {"amount": abs(row["amount"]), "method": row.get("method")}
        status = "refunded" if back else row["status"]
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


def _of_churned(rows: Sequence[Row], moment: datetime) -> Iterator[Happening]:
    for row in rows:
        yield Happening(row["churned_at"].date(), "left", {"reason": row.get("reason")})


TELLERS: dict[str, Callable[[Sequence[Row], datetime], Iterator[Happening]]] = {
    "customers": _of_customer,
    "subscriptions": _of_subscriptions,
    "payments": _of_payments,
    "tickets": _of_tickets,
    "surveys": _of_surveys,
    "contacts": _of_contacts,
    "churned": _of_churned,
}
"""By table, what its rows tell people."""
