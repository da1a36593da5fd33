"""What was collected of each customer, month by month: paid, less refunds, in whole cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from features.arrays import days, indices, values
from features.churn import NEVER
from features.histories import Histories
from features.prices import CENTS, currencies_of, summed
from features.tables import CUSTOMER
from features.timeline import day_number

MONTH = "month"


@dataclass(frozen=True)
class Collected:
    """Money by customer, month and currency.

    Attributes
    ----------
    customers
        How many customers there are.
    customer, month, cents
        Per row the customer's index, the month's first day (days since 1970), and what was paid
        less refunds, which may be negative; int64.
    paid
        Per row, whether anything was paid.
    currency
        Per row, the currency's place in `currencies`.
    """

    customers: int
    customer: np.ndarray
    month: np.ndarray
    cents: np.ndarray
    paid: np.ndarray
    currency: np.ndarray
    currencies: tuple[str | None, ...]

    def between(self, start: date, end: date, currency: int) -> np.ndarray:
        """Cents by customer in whole months from start up to, without it, end; int64."""
        rows = (self.month >= day_number(start)) & (self.month < day_number(end))
        rows &= self.currency == currency
        return summed(self.customer[rows], self.cents[rows], self.customers)

    def paid_before(self, day: date, currency: int) -> np.ndarray:
        """Who had paid before a month began; a mask over customers."""
        rows = self.paid & (self.month < day_number(day)) & (self.currency == currency)
        mask = np.zeros(self.customers, dtype=bool)
        mask[self.customer[rows]] = True
        return mask


def collected_of(histories: Histories) -> Collected | None:
    """Payments by customer and month; None without payments.

    A refund goes back whatever its sign is, a failed attempt is nothing, and a paid amount below
    zero is money that went back.
    """
    if "payments" not in histories.tables:
        return None
    rows = histories.tables["payments"]
    # Never null: what the contract lets through is a number.
    cents = (rows["amount"].cast("float64") * CENTS).round().cast("int64")
    net = (rows["status"] == "paid").ifelse(
        cents, (rows["status"] == "refunded").ifelse(-cents.abs(), 0)
    )
    keys = [CUSTOMER, MONTH, *(["currency"] if "currency" in rows.columns else [])]
    rows = rows.mutate(
        cents=net,
        counts=(net > 0).cast("int32"),
        **{MONTH: rows["occurred_at"].truncate("M").cast("timestamp(6)")},
    )
    by_month = rows.group_by(keys).agg(cents=rows["cents"].sum(), paid=rows["counts"].max())
    found = histories.engine.to_pyarrow(by_month.order_by(keys))
    currency, currencies = currencies_of(found)
    return Collected(
        customers=histories.customers,
        customer=indices(found[CUSTOMER]),
        month=days(found[MONTH], null=NEVER),
        cents=indices(found["cents"]),
        paid=values(found["paid"]) > 0,
        currency=currency,
        currencies=currencies,
    )
