"""Money that came in, by customer and day: what values are held against afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from features.histories import Histories
from features.tables import CUSTOMER
from features.timeline import day_number

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Receipts:
    """Payments that were made, less refunds: an entry per customer and day.

    Attributes
    ----------
    customer
        Index of the customer (see `histories.CUSTOMER`).
    day
        In days since 1970.
    net
        Money; negative where more was given back than paid.
    """

    customer: np.ndarray
    day: np.ndarray
    net: np.ndarray


def net_amount(rows: Any) -> Any:
    """Of payments: what was paid, less what was refunded; failed ones are nothing."""
    value = rows["amount"].cast("float64")
    return (rows["status"] == "paid").ifelse(
        value, (rows["status"] == "refunded").ifelse(-value.abs(), 0.0)
    )


def receipts(histories: Histories, since: date, until: date) -> Receipts | None:
    """What came in on the days [since, until); None without a table of payments.

    It looks at what happened, whenever it became known: for judging, never for predicting.
    """
    import ibis

    if "payments" not in histories.tables:
        return None
    rows = histories.tables["payments"]
    time = rows["occurred_at"]
    begin, end = (ibis.timestamp(f"{day} 00:00:00") for day in (since, until))
    rows = rows.filter((time >= begin) & (time < end))
    # Exact decimals: a sum that does not depend on the order of the rows.
    exact = net_amount(rows).cast("decimal(38, 9)")
    daily = rows.mutate(day=rows["occurred_at"].date(), exact=exact).group_by([CUSTOMER, "day"])
    found = daily.agg(net=lambda t: t["exact"].sum().cast("float64"))
    return _arrays(histories, found.order_by([CUSTOMER, "day"]))


def _arrays(histories: Histories, rows: ibis.Table) -> Receipts:
    table = histories.engine.to_pyarrow(rows)
    return Receipts(
        customer=table[CUSTOMER].to_numpy().astype(np.int64),
        day=table["day"].to_numpy().astype("datetime64[D]").astype(np.int64),
        net=table["net"].to_numpy().astype(np.float64),
    )


def by_month(
    receipts: Receipts,
    customers: np.ndarray,
    cutoff: date,
    months: int,
    *,
    covers_days: np.ndarray,
    month_days: float,
) -> np.ndarray:
    """Money in each of the months after a cutoff, by customer: customers x months.

    Parameters
    ----------
    customers
        Indices, each once.
    covers_days
        By customer the days that a payment pays for, from the day on which it is made: it is
        spread over these, so that who pays for a year in advance brings a twelfth a month. 0:
        money counts on its day.
    """
    most = max(int(each.max(initial=-1)) for each in (customers, receipts.customer))
    own = np.full(most + 1, -1)
    own[customers] = np.arange(len(customers))
    row = own[receipts.customer]
    here = row >= 0
    row, net = row[here], receipts.net[here]
    begin = (receipts.day[here] - day_number(cutoff)).astype(np.float64)
    # A payment of one day at least: it falls into the month of that day.
    length = np.maximum(covers_days[row], 1.0)
    found = np.zeros((len(customers), months))
    for month in range(months):
        first, after = month * month_days, (month + 1) * month_days
        inside = np.minimum(begin + length, after) - np.maximum(begin, first)
        share = np.clip(inside, 0, None) / length
        found[:, month] = np.bincount(row, net * share, minlength=len(customers))
    return found
