"""Why a customer has no score: nobody knows it, it is not there yet, or it has left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from features.chronicle import chronicle, last_active
from features.churn import Definition, Standings
from features.errors import UsageError
from features.histories import Histories
from features.points import newest_cutoff
from features.tables import CUSTOMER

MOST_COMPARED = 20_000
"""Ids that a mistyped one is compared with: of more, those that begin as it does."""
WHERE = "churn explain CUSTOMER_ID --as-of"
ALL_DAYS = 1_000_000


def index_of(histories: Histories, customer_id: str) -> int:
    """The index of a customer, by its id as it is written.

    Raises
    ------
    UsageError
        When nobody knows it.
    """
    ids = [str(each) for each in histories.customer_ids().to_pylist()]
    if customer_id in ids:
        return ids.index(customer_id)
    such = ", ".join(_near(customer_id, ids) or ids[:3])
    set_aside = "; rows that were set aside are in the quarantine" if histories.quarantined else ""
    raise UsageError(
        "Nobody knows this customer.",
        where="churn explain CUSTOMER_ID",
        value=repr(customer_id),
        allowed=f"one of the {len(ids):,} customers of the histories, such as {such}",
        fix=f"check the id{set_aside}",
    )


def _near(customer_id: str, ids: Sequence[str]) -> list[str]:
    """Ids that may have been meant; those that differ in case or spaces alone before all others."""
    plain = customer_id.strip().casefold()
    alike = [each for each in ids if each.strip().casefold() == plain]
    if len(ids) > MOST_COMPARED:
        ids = [each for each in ids if each[:2] == customer_id[:2]][:MOST_COMPARED]
    near = get_close_matches(customer_id, ids, n=3, cutoff=0.6)
    return list(dict.fromkeys([*alike, *near]))[:3]


def no_customer(
    histories: Histories, definition: Definition, customer_id: str, index: int, cutoff: date
) -> UsageError:
    """The message for somebody who is no customer at a cutoff, with a date at which it is one."""
    absence = _Absence(histories, definition, index, cutoff)
    why, days = absence.why()
    day = next((day for day in days if absence.is_customer(day)), None)
    return UsageError(
        f"This is no customer at {cutoff}, so there is no score to explain.",
        where=WHERE,
        value=f"{customer_id}: {why}",
        allowed=f"who is a customer at the date, by [churn] definition = {definition.kind!r}",
        fix="ask for a date at which it is one" + (f": --as-of {day}" if day else ""),
    )


@dataclass(frozen=True)
class _Absence:
    """Why somebody is no customer at a cutoff, as it was known then."""

    histories: Histories
    definition: Definition
    index: int
    cutoff: date

    def why(self) -> tuple[str, list[date]]:
        """The reason, and days at which it may have been a customer."""
        signed_up = self._signed_up()
        if signed_up >= self.cutoff:
            return f"it signed up on {signed_up}", [signed_up + timedelta(days=1)]
        if self.definition.kind == "inactivity":
            return self._inactive(signed_up)
        left = min(self._days("left"), default=None)
        if self.definition.kind == "event" and left is not None:
            return f"it left on {left}, as the histories record", [left]
        ended = max(self._days("ended"), default=None)
        if ended is not None:
            return f"its last subscription ended on {ended}", [ended]
        return f"it has no subscription that began before {self.cutoff}", list(self._begins())

    def _inactive(self, signed_up: date) -> tuple[str, list[date]]:
        wanted = " or ".join(sorted(self.definition.activity))
        last = last_active(self.histories, self.definition.activity, self.index, self.cutoff)
        if last is None:
            why = f"it signed up on {signed_up}, and no {wanted} of it are known since"
            return why, []
        days = self.definition.active_days
        why = f"it was last active on {last}: no {wanted} in the {days} days before {self.cutoff}"
        return why, [last + timedelta(days=1)]

    def is_customer(self, day: date) -> bool:
        if day > newest_cutoff(self.histories) + timedelta(days=1):
            return False
        standing = Standings(self.histories, self.definition, [day]).at(0)
        return bool(standing.active[self.index])

    def _days(self, what: str) -> list[date]:
        found = chronicle(self.histories, self.index, self.cutoff, days=ALL_DAYS)
        return [one.day for one in found.happenings if one.what == what]

    def _signed_up(self) -> date:
        return self._first("customers", "signed_up_at")[0]

    def _begins(self) -> Iterator[date]:
        """The days after subscriptions that begin later began."""
        if "subscriptions" in self.histories.tables:
            for day in self._first("subscriptions", "started_at"):
                yield day + timedelta(days=1)

    def _first(self, table: str, column: str) -> list[date]:
        rows = self.histories.tables[table]
        own = rows.filter(rows[CUSTOMER] == self.index).order_by(column).select(column)
        return [each.date() for each in self.histories.engine.to_pyarrow(own)[column].to_pylist()]
