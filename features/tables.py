"""The input tables, each declared once: what checks them, documents them and tests them.

A `Column` says of what kind its values are and whether a table may lack it; a `Table` says how rows
are identified, which times are in order and when a row happened. Everything that reads histories
(`histories`, `contract`, the builders) goes by these declarations and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FIRST_DAYS = 30
FIRST_DAYS_BEGIN, FIRST_DAYS_END = "first_days_begin", "first_days_end"
"""The customer's day of sign-up, and when its first days are over: in the rows of every table."""

CUSTOMER = "customer_index"
"""The column with a customer's index in every checked table: 0 … customers - 1, in id order."""

CURRENCY = ("currency", "currency_code", "iso_currency_code")
"""Names of a column of payments that tells their currency: they are looked at by the check."""

Kind = Literal["id", "time", "number", "text", "bool"]


@dataclass(frozen=True)
class Column:
    """A column of an input table.

    ``known_from`` names the column whose time makes this value known, where that is later than the
    row itself: a ticket's ``csat`` is unknown before its ``closed_at``. An optional column that is
    ``never_null`` may be absent, but where it is there, a row without a value is bad. ``synonyms``
    are other words for an allowed value: theirs, ours. A time that is ``open_ended`` is null as
    long as it has not come; some write a date that never comes.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    allowed: tuple[str, ...] = ()
    known_from: str | None = None
    never_null: bool = False
    synonyms: tuple[tuple[str, str], ...] = ()
    open_ended: bool = False

    @property
    def accepted(self) -> tuple[str, ...]:
        """The values that are read: the allowed ones, and other words for them."""
        return (*self.allowed, *(theirs for theirs, _ in self.synonyms))


@dataclass(frozen=True)
class Table:
    """An input table: its columns, its row id, its time and which of its times come in order."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    time: str
    row_id: tuple[str, ...] = ()
    in_order: tuple[tuple[str, str], ...] = ()
    attributes: bool = False

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


def _customer_id() -> Column:
    return Column("customer_id", "id", "whose row it is")


def _currency() -> Column:
    meaning = "of which currency it is: key figures keep them apart, nothing else looks at it"
    return Column("currency", "text", meaning, required=False)


def _available_at() -> Column:
    return Column("available_at", "time", "when the row became known, if later", required=False)


CUSTOMERS = Table(
    "customers",
    "One row per customer, with what was known of it at sign-up.",
    (
        Column("customer_id", "id", "the customer"),
        Column("signed_up_at", "time", "when it became a customer"),
        Column("contact_allowed", "bool", "whether it may be contacted", required=False),
    ),
    time="signed_up_at",
    row_id=("customer_id",),
    attributes=True,
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    "One row per subscription, or per version of it where valid_from is given.",
    (
        _customer_id(),
        Column("subscription_id", "id", "the subscription"),
        Column("started_at", "time", "its first moment"),
        Column(
            "ended_at",
            "time",
            "its end; null: running",
            required=False,
            known_from="ended_at",
            open_ended=True,
        ),
        Column("plan", "text", "what was bought", required=False),
        Column("price", "number", "price per billing period", required=False),
        Column(
            "billing_period",
            "text",
            "how often it is billed",
            required=False,
            allowed=("month", "year"),
            synonyms=(("monthly", "month"), ("yearly", "year"), ("annual", "year")),
        ),
        _currency(),
        Column("auto_renew", "bool", "whether the term renews itself", required=False),
        Column("renews_at", "time", "when the running term ends", required=False),
        Column(
            "cancelled_at",
            "time",
            "when notice was given",
            required=False,
            known_from="cancelled_at",
            open_ended=True,
        ),
        Column("valid_from", "time", "since when this version of the row holds", required=False),
    ),
    time="started_at",
    row_id=("subscription_id", "valid_from"),
    in_order=(("started_at", "ended_at"),),
)

USAGE = Table(
    "usage",
    "One row per thing a customer did.",
    (
        _customer_id(),
        Column("occurred_at", "time", "when"),
        Column("event", "text", "what was done"),
        Column("value", "number", "how much: minutes, clicks, calls", required=False),
        _available_at(),
    ),
    time="occurred_at",
)

PAYMENTS = Table(
    "payments",
    "One row per attempt to collect, or per refund.",
    (
        _customer_id(),
        Column("occurred_at", "time", "when it was attempted"),
        Column("amount", "number", "how much, in one currency"),
        Column(
            "status",
            "text",
            "how it went; where the column is absent every row is paid",
            required=False,
            allowed=("paid", "failed", "refunded"),
            never_null=True,
        ),
        Column("invoice_id", "id", "the invoice it settles", required=False),
        Column("due_at", "time", "when it was due", required=False),
        Column("method", "text", "card, direct debit, invoice …", required=False),
        _currency(),
        _available_at(),
    ),
    time="occurred_at",
)

TICKETS = Table(
    "tickets",
    "One row per support ticket.",
    (
        _customer_id(),
        Column("ticket_id", "id", "the ticket"),
        Column("opened_at", "time", "when it was opened"),
        Column(
            "closed_at",
            "time",
            "when it was closed; null: open",
            required=False,
            known_from="closed_at",
            open_ended=True,
        ),
        Column("category", "text", "what it is about", required=False),
        Column("priority", "text", "how urgent it is", required=False),
        Column("csat", "number", "satisfaction", required=False, known_from="closed_at"),
        Column(
            "first_response_at",
            "time",
            "when somebody answered",
            required=False,
            known_from="first_response_at",
        ),
        Column("reopened", "bool", "opened again", required=False, known_from="closed_at"),
        _available_at(),
    ),
    time="opened_at",
    row_id=("ticket_id",),
    in_order=(("opened_at", "closed_at"),),
)

SURVEYS = Table(
    "surveys",
    "One row per answered survey.",
    (
        _customer_id(),
        Column("occurred_at", "time", "when it was answered"),
        Column("kind", "text", "nps, csat …"),
        Column("score", "number", "the answer"),
        Column("comment", "text", "free text; not read", required=False),
        _available_at(),
    ),
    time="occurred_at",
)

CONTACTS = Table(
    "contacts",
    "One row per customer and campaign: contacted, or held out to compare.",
    (
        _customer_id(),
        Column("occurred_at", "time", "when"),
        Column("campaign", "text", "which campaign"),
        Column("action", "text", "what was done"),
        Column("group", "text", "contacted or held out", allowed=("treated", "holdout")),
        Column("cost", "number", "what it cost", required=False),
        _available_at(),
    ),
    time="occurred_at",
)

CHURNED = Table(
    "churned",
    'One row per customer that left (definition "event").',
    (
        _customer_id(),
        Column("churned_at", "time", "when it left"),
        Column("reason", "text", "why, in the customer's words", required=False),
    ),
    time="churned_at",
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS,
        SUBSCRIPTIONS,
        USAGE,
        PAYMENTS,
        TICKETS,
        SURVEYS,
        CONTACTS,
        CHURNED,
    )
}
"""All input tables by name, in reading order: customers first, since the others refer to it."""
