"""Failed invoices: when each first failed, how often it was tried, and how it ended.

A payment belongs to the invoice it names; without a name a run of failures up to the next payment
is taken for one. What counts is what is known now: this tells of the past, and is no feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import days, indices, values
from features.churn import NEVER, Definition
from features.departures import departures_of, latest_versions
from features.histories import Histories
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis

OTHER = "(none)"
FAR = 2**22
"""More days than calendars have, to either side of 1970."""


@dataclass(frozen=True)
class FailedInvoices:
    """Invoices that failed once at least, ordered by customer and first failure.

    Attributes
    ----------
    customer
        Index.
    failed
        Day of the first failure, since 1970.
    days
        From then to the payment that settled it, to the departure of the customer, or to the end
        of the histories, whichever came first.
    recovered, left
        Whether it was settled, or the customer left before; neither: it is open to this day.
    amount
        Of the first failed attempt.
    method
        By which it first failed; ``(none)`` where that is not told.
    attempt
        The number of the attempt that settled it (the first failure is 1), 0 where none did.
    tried
        How many attempts there were up to then.
    """

    customer: np.ndarray
    failed: np.ndarray
    days: np.ndarray
    recovered: np.ndarray
    left: np.ndarray
    amount: np.ndarray
    method: np.ndarray
    attempt: np.ndarray
    tried: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)


def failed_invoices(histories: Histories, definition: Definition) -> FailedInvoices | None:
    """Every failed invoice with its end; None without payments, or where none ever failed."""
    if "payments" not in histories.tables:
        return None
    found = histories.engine.to_pyarrow(_invoices(histories.tables["payments"]))
    if not found.num_rows:
        return None
    customer, failed = indices(found[CUSTOMER]), days(found["failed_at"], null=0)
    paid = days(found["paid_at"], null=NEVER)
    gone = next_departure(histories, definition, customer, failed)
    end = day_number(histories.observed_until.date())
    recovered = (paid <= end) & (paid <= gone)
    left = ~recovered & (gone < end)
    last = np.where(recovered, paid, np.where(left, gone, end))
    tried = indices(found["tried"])
    return FailedInvoices(
        customer=customer,
        failed=failed,
        days=np.maximum(last - failed, 0),
        recovered=recovered,
        left=left,
        amount=np.abs(values(found["amount"])),
        method=found["method"].to_numpy(zero_copy_only=False).astype(object),
        attempt=np.where(recovered, tried, 0),
        tried=tried,
    )


def _invoices(payments: ibis.Table) -> ibis.Table:
    """A row per failed invoice; attempts up to its first payment after the first failure."""
    import ibis

    tried = _keyed(payments)
    each = [CUSTOMER, "invoice"]
    failed = tried.filter(~tried["paid"]).group_by(each).agg(failed_at=ibis._["occurred_at"].min())
    both = tried.join(failed, each)
    after = both.filter(both["occurred_at"] >= both["failed_at"])
    # Of attempts at one moment the failed one came first.
    moment = after["paid"].ifelse(after["occurred_at"], None)
    settled = after.group_by(each).agg(
        failed_at=after["failed_at"].min(),
        paid_at=moment.min(),
        amount=after["amount"].cast("float64").argmin(after["turn"]),
        method=after["method"].argmin(after["turn"]),
    )
    back = after.join(settled.select(*each, "paid_at"), each)
    counted = back.filter(back["paid_at"].isnull() | (back["occurred_at"] <= back["paid_at"]))
    counts = counted.group_by(each).agg(tried=counted.count())
    return settled.join(counts, each).order_by([CUSTOMER, "failed_at", "invoice"])


def _keyed(payments: ibis.Table) -> ibis.Table:
    """Attempts with their turn, and the invoice, or run of failures, that each belongs to."""
    import ibis

    # A payment below zero is money that went back, and settles nothing.
    paid = (payments["status"] == "paid") & (payments["amount"] >= 0)
    rows = payments.filter(paid | (payments["status"] == "failed"))
    method = rows["method"].fill_null(OTHER) if "method" in rows.columns else ibis.literal(OTHER)
    given = (
        rows["invoice_id"].cast("string") if "invoice_id" in rows.columns else ibis.null("string")
    )
    rows = rows.select(
        CUSTOMER, "occurred_at", "amount", method=method, given=given, paid=rows["status"] == "paid"
    )
    order: Any = ["occurred_at", rows["paid"].cast("int32"), "amount"]
    turn = ibis.window(group_by=CUSTOMER, order_by=order)
    rows = rows.mutate(turn=ibis.row_number().over(turn), before=rows["paid"].lag().over(turn))
    begins = (~rows["paid"] & rows["before"].fill_null(True)).cast("int32")
    so_far = ibis.cumulative_window(group_by=CUSTOMER, order_by="turn")
    rows = rows.mutate(begins=begins)
    run = ibis.literal("run ") + rows["begins"].sum().over(so_far).cast("string")
    return rows.mutate(invoice=rows["given"].fill_null(run)).drop("given", "before", "begins")


def next_departure(
    histories: Histories, definition: Definition, customer: np.ndarray, since: np.ndarray
) -> np.ndarray:
    """The day on which each customer next left from a day on; `NEVER` where it did not."""
    return next_of(*_departures(histories, definition), customer, since)


def next_of(
    owner: np.ndarray, left: np.ndarray, customer: np.ndarray, since: np.ndarray
) -> np.ndarray:
    """Of days with their owners the next one of each customer from a day on; else `NEVER`."""
    if not len(owner):
        return np.full(len(customer), NEVER)
    order = np.lexsort((left, owner))
    keys = owner[order] * (2 * FAR) + left[order]
    place = np.searchsorted(keys, customer * (2 * FAR) + np.minimum(since, FAR - 1))
    inside = np.minimum(place, len(keys) - 1)
    same = (place < len(keys)) & (owner[order][inside] == customer)
    return np.where(same, left[order][inside], NEVER)


def _departures(histories: Histories, definition: Definition) -> tuple[np.ndarray, np.ndarray]:
    """Customers and the days on which they left; of inactivity nothing tells a day."""
    if definition.kind == "event":
        rows = histories.tables["churned"]
        rows = rows.select(CUSTOMER, left_at=rows["churned_at"])
    elif "subscriptions" in histories.tables:
        rows = departures_of(
            latest_versions(histories.tables["subscriptions"]), definition.grace_days
        )
    else:
        nobody = np.empty(0, np.int64)
        return nobody, nobody
    found = histories.engine.to_pyarrow(rows)
    return indices(found[CUSTOMER]), days(found["left_at"], null=NEVER)
