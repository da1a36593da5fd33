"""Who is a customer at a cutoff, and who has churned after it: the three definitions of churn.

- subscription: active with a running subscription; churned when the last running one ends inside
  the label window and no other starts within the grace.
- inactivity: active in the `active_days` before the cutoff; churned without any activity inside
  the window (or within the grace after it).
- event: active until the churn the business itself recorded (and with a running subscription,
  where there is a subscriptions table).

Running at a cutoff means: started before it, and not ended before it, as the version of the
subscription tells that was known then. The label window is
[cutoff + lead, cutoff + lead + horizon); all edges are midnights, so whole days decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from features.arrays import days, indices
from features.catalogue import Feature
from features.compute import Column, Family, compute
from features.cut import Points
from features.departures import (
    KNOWN_FROM,
    KNOWN_UNTIL,
    departures_of,
    latest_versions,
    versions_of,
)
from features.histories import Histories
from features.past import Past, Present
from features.plan import NO_PLAN
from features.reads import Read, Roll, count
from features.tables import CUSTOMER
from features.timeline import Span, Timeline, day_number

if TYPE_CHECKING:
    import ibis

NEVER = 2**40
"""The day number of what has not happened."""


@dataclass(frozen=True)
class Definition:
    """What churn is here; all durations in days."""

    kind: Literal["subscription", "inactivity", "event"] = "subscription"
    horizon_days: int = 30
    lead_days: int = 0
    grace_days: int = 0
    active_days: int = 90
    activity: tuple[str, ...] = ("usage", "payments")

    @property
    def needed(self) -> tuple[str, ...]:
        """The tables without which this definition cannot be computed."""
        return {"subscription": ("subscriptions",), "inactivity": (), "event": ("churned",)}[
            self.kind
        ]

    @property
    def needed_any(self) -> tuple[str, ...]:
        return self.activity if self.kind == "inactivity" else ()

    def as_dict(self) -> dict[str, Any]:
        """The definition as JSON values, without what does not apply to its kind."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "horizon_days": self.horizon_days,
            "lead_days": self.lead_days,
            "grace_days": self.grace_days,
        }
        if self.kind == "inactivity":
            values["active_days"] = self.active_days
            values["activity"] = sorted(self.activity)
        return values

    @property
    def days_until_known(self) -> int:
        """Days from the cutoff until the label is certain: lead, horizon and grace."""
        return self.lead_days + self.horizon_days + self.grace_days


@dataclass(frozen=True)
class Standing:
    """How all customers stand at one cutoff; masks over the customers' indices.

    ``known``: signed up before it. ``active``: a customer then, for all that was known.
    ``left_in_lead`` and ``churned`` were not known at the cutoff: who left in the lead, or had left
    before without anybody knowing it, and who left in the window; ``churned`` is None where the
    histories do not reach far enough.
    """

    known: np.ndarray
    active: np.ndarray
    left_in_lead: np.ndarray
    churned: np.ndarray | None
    signed_up: np.ndarray


class Standings:
    """How customers stand at any cutoff, by a churn definition."""

    def __init__(
        self, histories: Histories, definition: Definition, cutoffs: Sequence[date]
    ) -> None:
        self.definition = definition
        self.cutoffs = tuple(cutoffs)
        self.observed_until = histories.observed_until
        customers = _fetch(histories, histories.tables["customers"].order_by(CUSTOMER))
        self.signed_up = days(customers["signed_up_at"], null=NEVER)
        self._judge = _JUDGES[definition.kind](histories, definition, self.cutoffs)

    def at(self, index: int) -> Standing:
        """The standing at the cutoff of this index."""
        cutoff = self.cutoffs[index]
        known = self.signed_up < day_number(cutoff)
        active, left_in_lead, churned = self._judge.at(index)
        return Standing(
            known=known,
            active=active & known,
            left_in_lead=left_in_lead & known,
            churned=churned if self.label_known(cutoff) else None,
            signed_up=self.signed_up,
        )

    def label_known(self, cutoff: date) -> bool:
        """Whether window and grace lie before the end of the histories."""
        begin = datetime(cutoff.year, cutoff.month, cutoff.day)
        return timedelta(days=self.definition.days_until_known) <= self.observed_until - begin


Judgement = tuple[np.ndarray, np.ndarray, np.ndarray]


class _BySubscription:
    def __init__(self, histories: Histories, definition: Definition, cutoffs: Sequence[date]):
        self.definition = definition
        self.days = [day_number(cutoff) for cutoff in cutoffs]
        self.customers = histories.customers
        rows = histories.tables["subscriptions"]
        columns = (CUSTOMER, "started_at", "ended_at", KNOWN_FROM, KNOWN_UNTIL)
        spans = _fetch(histories, versions_of(rows).select(*columns))
        self.owner = indices(spans[CUSTOMER])
        self.started = days(spans["started_at"], null=NEVER)
        self.ended = days(spans["ended_at"], null=NEVER)
        self.known_from = days(spans[KNOWN_FROM], null=NEVER)
        self.known_until = days(spans[KNOWN_UNTIL], null=NEVER)
        departures = _fetch(histories, departures_of(latest_versions(rows), definition.grace_days))
        self.leaver = indices(departures[CUSTOMER])
        self.left = days(departures["left_at"], null=NEVER)

    def at(self, index: int) -> Judgement:
        day = self.days[index]
        opens = day + self.definition.lead_days
        closes = opens + self.definition.horizon_days
        runs = (self.started < day) & (self.ended >= day)
        known = (self.known_from < day) & (self.known_until >= day)
        active = self._mask(self.owner[runs & known])
        # Who had left by an end that was dated back later is no example of somebody who stays.
        unknown = active & ~self._mask(self.owner[runs & (self.known_until == NEVER)])
        in_lead = self._mask(self.leaver[(self.left >= day) & (self.left < opens)])
        left = self._mask(self.leaver[(self.left >= opens) & (self.left < closes)])
        return active, in_lead | unknown, left

    def _mask(self, customers: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.customers, dtype=bool)
        mask[customers] = True
        return mask


class _ByEvent:
    def __init__(self, histories: Histories, definition: Definition, cutoffs: Sequence[date]):
        self.definition = definition
        self.days = [day_number(cutoff) for cutoff in cutoffs]
        churned = histories.tables["churned"]
        first = churned.group_by(CUSTOMER).agg(left_at=churned["churned_at"].min())
        rows = _fetch(histories, first)
        self.left = np.full(histories.customers, NEVER)
        self.left[indices(rows[CUSTOMER])] = days(rows["left_at"], null=NEVER)
        self.running = (
            _BySubscription(histories, definition, cutoffs)
            if "subscriptions" in histories.tables
            else None
        )

    def at(self, index: int) -> Judgement:
        day = self.days[index]
        opens = day + self.definition.lead_days
        closes = opens + self.definition.horizon_days
        active = self.left >= day
        if self.running is not None:
            active = active & self.running.at(index)[0]
        in_lead = (self.left >= day) & (self.left < opens)
        return active, in_lead, (self.left >= opens) & (self.left < closes)


class _ByInactivity:
    def __init__(self, histories: Histories, definition: Definition, cutoffs: Sequence[date]):
        opens, grace = definition.lead_days, definition.grace_days
        before = Span.last(definition.active_days)
        window = Span(opens, opens + definition.horizon_days + grace)
        acts = activity(histories, definition.activity)
        # Who is a customer is judged by what was known then, the label by what is known now.
        self.customers = histories.customers
        self.active = _acted(histories, acts, cutoffs, before)
        self.acts_in_window = _acted(histories, acts.drop("available_at"), cutoffs, window)

    def at(self, index: int) -> Judgement:
        nobody = np.zeros(self.customers, dtype=bool)
        return self.active[index], nobody, ~self.acts_in_window[index]


def _acted(
    histories: Histories, acts: ibis.Table, cutoffs: Sequence[date], span: Span
) -> np.ndarray:
    """Whether each customer acted in a span of each cutoff: one row a cutoff."""
    shape = (len(cutoffs), histories.customers)
    everyone = Points(*(axis.ravel().astype(np.int32) for axis in np.indices(shape)))

    def reads(present: Present) -> dict[str, Read]:
        return {"activity": Roll(acts, "occurred_at", [count()])}

    def columns(past: Past) -> Iterator[Column]:
        yield _ACTS, past.rolled("activity").over("count", span)

    found = compute(
        histories, NO_PLAN, Timeline(cutoffs, [span]), everyone, [Family("", reads, columns)]
    )
    return found[0][1].reshape(shape) > 0


_ACTS = Feature("acts", "what counts as activity", "events", "usage", "usage")
_JUDGES: dict[str, Any] = {
    "subscription": _BySubscription,
    "inactivity": _ByInactivity,
    "event": _ByEvent,
}


def activity(histories: Histories, names: Sequence[str]) -> ibis.Table:
    """What counts as activity: rows of these tables; of payments, those that were paid."""
    import ibis

    parts = []
    for name in names:
        rows = histories.tables.get(name)
        if rows is None:
            continue
        if name == "payments":
            # Without a status, what goes back to the customer is a negative payment.
            rows = rows.filter((rows["status"] == "paid") & (rows["amount"] >= 0))
        time = "opened_at" if name == "tickets" else "occurred_at"
        late = "available_at" in rows.columns
        known = rows["available_at"] if late else ibis.null("timestamp(6)")
        parts.append(rows.select(CUSTOMER, occurred_at=rows[time], available_at=known))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _fetch(histories: Histories, rows: ibis.Table) -> Any:
    return histories.engine.to_pyarrow(rows)
