"""How long customers were customers, as it is known now: what key figures count by.

A spell covers the days after `start` up to and with `end`: who holds one is a customer at the
cutoff D when start < D <= end, as `features.churn.Standings` has it. What differs is knowledge: a
standing is what was known at its cutoff, a spell what is known today, ends that were dated back
included. Returns within the grace leave no gap, so that they are no churn here either.

- subscription: subscriptions that overlap, or follow within the grace, in their newest version;
- inactivity: days of activity, each good for the `active_days` after it;
- event: from sign-up to the first recorded churn, as far as a subscription runs where there are
  subscriptions.

Nobody is a customer before it signed up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import days, indices
from features.churn import NEVER, Definition, activity
from features.departures import latest_versions, stays_of
from features.histories import Histories
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Spells:
    """Spells of all customers, by customer and start.

    Attributes
    ----------
    customers
        How many customers there are.
    customer, start, end
        Per spell the customer's index, and days since 1970; int64. Spells of a customer do not
        overlap; each is at least a day long.
    signed_up
        Per customer, the day of its sign-up.
    first
        Per customer, the start of its first spell; `NEVER` where it has none.
    """

    customers: int
    customer: np.ndarray
    start: np.ndarray
    end: np.ndarray
    signed_up: np.ndarray
    first: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        first = np.full(self.customers, NEVER)
        np.minimum.at(first, self.customer, self.start)
        object.__setattr__(self, "first", first)

    def at(self, day: date) -> np.ndarray:
        """Who is a customer at a cutoff; a mask over customers."""
        number = day_number(day)
        return self._mask((self.start < number) & (self.end >= number))

    def begun_by(self, day: date) -> np.ndarray:
        """Who has been a customer before a day; a mask over customers."""
        return self.first < day_number(day)

    def within(self, start: date, end: date) -> np.ndarray:
        """Whose spell began and ended within [start, end); a mask over customers."""
        opens, closes = day_number(start), day_number(end)
        return self._mask((self.start >= opens) & (self.end < closes))

    def interrupted(self, start: date, end: date) -> np.ndarray:
        """Who was no customer for a while after an end within [start, end) and came back in it."""
        opens, closes = day_number(start), day_number(end)
        same = self.customer[1:] == self.customer[:-1]
        inside = (self.end[:-1] >= opens) & (self.start[1:] < closes)
        return self._mask(np.append(same & inside, False))

    def _mask(self, chosen: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.customers, dtype=bool)
        mask[self.customer[chosen]] = True
        return mask


def spells_of(histories: Histories, definition: Definition) -> Spells:
    """When all customers were customers, by a churn definition."""
    customers = _fetch(histories, histories.tables["customers"].order_by(CUSTOMER))
    signed_up = days(customers["signed_up_at"], null=NEVER)
    if definition.kind == "inactivity":
        owner, start, end = _by_activity(histories, definition)
    elif "subscriptions" in histories.tables:
        owner, start, end = _by_subscription(histories, definition.grace_days)
    else:
        owner = np.arange(histories.customers)
        start, end = signed_up.copy(), np.full(histories.customers, NEVER)
    if definition.kind == "event":
        end = np.minimum(end, _recorded(histories)[owner])
    start = np.maximum(start, signed_up[owner])
    return Spells(histories.customers, *_joined(owner, start, end), signed_up)


def _joined(
    owner: np.ndarray, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spells in order; of those that cover no day none, of those that touch one.

    A subscription that ends in the morning and one that begins at noon leave no day between.
    """
    there = start < end
    owner, start, end = owner[there], start[there], end[there]
    order = np.lexsort((start, owner))
    owner, start, end = owner[order], start[order], end[order]
    begins = np.append(True, (owner[1:] != owner[:-1]) | (start[1:] > end[:-1]))[: len(owner)]
    first = np.flatnonzero(begins)
    latest = np.maximum.reduceat(end, first) if len(first) else end
    return owner[first], start[first], latest


def _by_subscription(histories: Histories, grace_days: int) -> tuple[np.ndarray, ...]:
    latest = latest_versions(histories.tables["subscriptions"])
    rows = _fetch(histories, stays_of(latest, grace_days))
    left = days(rows["left_at"], null=NEVER)
    return indices(rows[CUSTOMER]), days(rows["began_at"], null=NEVER), left


def _by_activity(histories: Histories, definition: Definition) -> tuple[np.ndarray, ...]:
    """Islands of active days, parted by silences longer than `active_days` and grace.

    Within a block of time as long as that no silence is too long, so a block's first and last
    moment are all that has to leave the engine.
    """
    reach = definition.active_days + definition.grace_days
    acts = activity(histories, definition.activity)
    block = (acts["occurred_at"].epoch_seconds() / (SECONDS_A_DAY * reach)).floor()
    acts = acts.mutate(block=block.cast("int64"))
    blocks = acts.group_by(CUSTOMER, "block").agg(
        first=acts["occurred_at"].min(), last=acts["occurred_at"].max()
    )
    rows = _fetch(histories, blocks)
    owner = indices(rows[CUSTOMER])
    first, last = days(rows["first"], null=NEVER), days(rows["last"], null=NEVER)
    order = np.lexsort((first, owner))
    owner, first, last = owner[order], first[order], last[order]
    apart = (owner[1:] != owner[:-1]) | (first[1:] - last[:-1] > reach)
    begins, ends = (edge[: len(owner)] for edge in (np.append(True, apart), np.append(apart, True)))
    return owner[begins], first[begins], last[ends] + definition.active_days


def _recorded(histories: Histories) -> np.ndarray:
    """Per customer the day of its first recorded churn."""
    churned = histories.tables["churned"]
    first = churned.group_by(CUSTOMER).agg(left_at=churned["churned_at"].min())
    rows = _fetch(histories, first)
    left = np.full(histories.customers, NEVER)
    left[indices(rows[CUSTOMER])] = days(rows["left_at"], null=NEVER)
    return left


def _fetch(histories: Histories, rows: ibis.Table) -> Any:
    return histories.engine.to_pyarrow(rows)
