"""What running subscriptions bring in a month, in whole cents, as their versions told it then.

When a subscription began and ended is what its newest version says, as for customers' spells; what
it cost at a time is what the version said that held then. A year's price is that of twelve months,
rounded to whole cents for each subscription by itself, so that sums and differences of whatever
is counted are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import days, indices, values
from features.churn import NEVER
from features.departures import KNOWN_FROM, KNOWN_UNTIL, in_turn, latest_versions, versions_of
from features.histories import Histories
from features.subscription import MONTHS
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis

CENTS = 100
BEGAN, ENDED, PLACE = "began_at", "left_at", "version_place"


@dataclass(frozen=True)
class Terms:
    """Terms on which subscriptions ran, by price, then newest start: the main one comes last.

    Attributes
    ----------
    customers
        How many customers there are.
    customer, start, end
        Per term the customer's index, and days since 1970: it ran at the cutoff D when
        start < D <= end.
    cents
        Per term, cents a month; int64, 0 without a price.
    priced
        Per term, whether it has a price.
    plan
        Per term, the plan's place in `plans`; -1 without one.
    currency
        Per term, the currency's place in `currencies`.
    """

    customers: int
    customer: np.ndarray
    start: np.ndarray
    end: np.ndarray
    cents: np.ndarray
    priced: np.ndarray
    plan: np.ndarray
    plans: tuple[str, ...]
    currency: np.ndarray
    currencies: tuple[str | None, ...]

    def at(self, day: date, currency: int) -> np.ndarray:
        """Cents a month of each customer's running subscriptions in a currency; int64."""
        runs = self._runs(day) & (self.currency == currency)
        return summed(self.customer[runs], self.cents[runs], self.customers)

    def main_plan(self, day: date) -> np.ndarray:
        """Per customer the plan of its main running subscription, the dearest; -1 without one."""
        runs = self._runs(day)
        found = np.full(self.customers, -1)
        # Of several running ones the last to be written stays.
        found[self.customer[runs]] = self.plan[runs]
        return found

    def without_price(self, day: date) -> int:
        """How many subscriptions run without a price."""
        return int((self._runs(day) & ~self.priced).sum())

    def _runs(self, day: date) -> np.ndarray:
        number = day_number(day)
        return (self.start < number) & (self.end >= number)


def summed(owner: np.ndarray, cents: np.ndarray, customers: int) -> np.ndarray:
    """Cents by customer, added up as whole numbers."""
    found = np.zeros(customers, dtype=np.int64)
    np.add.at(found, owner, cents)
    return found


def terms_of(histories: Histories) -> Terms | None:
    """The terms of all subscriptions; None without subscriptions."""
    if "subscriptions" not in histories.tables:
        return None
    rows = histories.engine.to_pyarrow(_in_order(histories, _dated(histories)))
    monthly, priced = _monthly(rows)
    plan, plans = coded(rows, "plan")
    currency, currencies = currencies_of(rows)
    first = indices(rows[PLACE]) == 0
    known = np.where(first, -NEVER, days(rows[KNOWN_FROM], null=-NEVER))
    until = days(rows[KNOWN_UNTIL], null=NEVER)
    return Terms(
        customers=histories.customers,
        customer=indices(rows[CUSTOMER]),
        start=np.maximum(days(rows[BEGAN], null=NEVER), known),
        end=np.minimum(days(rows[ENDED], null=NEVER), until),
        cents=monthly,
        priced=priced,
        plan=plan,
        plans=plans,
        currency=currency,
        currencies=currencies,
    )


def _dated(histories: Histories) -> ibis.Table:
    """Every version, with the owner, start and end that the newest version tells."""
    import ibis

    given = histories.tables["subscriptions"]
    rows = versions_of(given)
    if "valid_from" not in given.columns:
        place = ibis.literal(0, "int64")
        return rows.mutate(**{PLACE: place, BEGAN: rows["started_at"], ENDED: rows["ended_at"]})
    rows = rows.mutate(**{PLACE: ibis.row_number().over(in_turn(rows))}).drop(CUSTOMER)
    newest = latest_versions(given)
    newest = newest.select(
        "subscription_id",
        CUSTOMER,
        **{BEGAN: newest["started_at"], ENDED: newest["ended_at"]},
    )
    return rows.join(newest, "subscription_id")


def _in_order(histories: Histories, rows: ibis.Table) -> ibis.Table:
    """What is read of the versions, the main one of a customer's running ones last."""
    import ibis

    order: list[Any] = [ibis.asc("price", nulls_first=True)] if "price" in rows.columns else []
    by_id = histories.engine.by_id(rows["subscription_id"])
    order += [ibis.asc("started_at"), ibis.desc(by_id), ibis.asc(PLACE)]
    wanted = ("price", "billing_period", "plan", "currency")
    kept = [name for name in wanted if name in rows.columns]
    times = (KNOWN_FROM, KNOWN_UNTIL, BEGAN, ENDED)
    return rows.order_by(order).select(CUSTOMER, PLACE, *times, *kept)


def _monthly(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Cents a month, and where there is a price."""
    if "price" not in rows.column_names:
        return np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
    price = values(rows["price"])
    months = np.ones(len(rows))
    if "billing_period" in rows.column_names:
        periods = values(rows["billing_period"])
        months = np.array([MONTHS.get(period, 1) for period in periods], dtype=np.float64)
    priced = ~np.isnan(price)
    return whole_cents(np.where(priced, price, 0.0), months), priced


def whole_cents(amount: np.ndarray, months: np.ndarray | float = 1.0) -> np.ndarray:
    """Money for so many months as whole cents a month; half a cent is rounded away from zero."""
    cents = np.round(np.abs(amount) * CENTS / months, 6)
    return (np.sign(amount) * np.floor(cents + 0.5)).astype(np.int64)


def currencies_of(rows: Any) -> tuple[np.ndarray, tuple[str | None, ...]]:
    """The place of each row's currency, and the currencies; one without a name where none is."""
    codes, names = coded(rows, "currency", upper=True)
    if len(names) and not (codes < 0).any():
        return codes, names
    return codes + 1, (None, *names)


def several_currencies(histories: Histories) -> bool:
    """Whether prices and payments are in more than one currency, so that they have no sum."""
    found: set[str | None] = set()
    for name in ("subscriptions", "payments"):
        rows = histories.tables.get(name)
        if rows is not None and "currency" in rows.columns:
            each = histories.engine.to_pyarrow(rows.select("currency").distinct())
            found |= set(currencies_of(each)[1])
    return len(found) > 1


def coded(rows: Any, column: str, *, upper: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """Texts as places in the sorted list of those that there are; -1 without one."""
    if column not in rows.column_names:
        return np.full(len(rows), -1), ()
    import pandas as pd

    codes, found = pd.factorize(values(rows[column]))
    told = [text.strip().upper() if upper else text for text in found]
    names = sorted({text for text in told if text})
    place = {text: n for n, text in enumerate(names)}
    # Where there is no text the code is -1: the last one.
    return np.array([*(place.get(text, -1) for text in told), -1])[codes], tuple(names)
