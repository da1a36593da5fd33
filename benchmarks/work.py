"""The same work for everybody: what it is, and the proof that all did it.

For each customer whose subscription runs at each of twelve monthly cutoffs, from the usage strictly
before the cutoff (a window of d days is [cutoff - d, cutoff)):

- over 7, 30, 90 and 365 days: events, distinct days with an event, sum, mean and largest of the
  values, events of each of the six kinds; and of as many days before those, events and sum of
  values, for trends: 13 columns a window;
- over all history: events, days since the last event and days since the first.

These 55 columns carry all that most of our columns of usage are made from: ratios, trends and
breadth are arithmetic on them. Ours computes more in the same time: active days before the window,
the first days after sign-up, and what subscriptions tell; that work the others are spared.

The others get the customers and cutoffs as a table, `points.parquet`; the check compares their
numbers with our columns, customer by customer and cutoff by cutoff.
"""

from __future__ import annotations

WINDOWS = (7, 30, 90, 365)
CUTOFFS = 12
KINDS = ("view", "search", "login", "export", "share", "api")


def columns() -> list[str]:
    """The columns of the work, in order; the keys aside."""
    named = [name for days in WINDOWS for name in of_window(days)]
    return [*named, "count_ever", "days_since_last", "days_since_first"]


def of_window(days: int) -> list[str]:
    """The columns of one window; those of the days before it last."""
    measures = ["count", "active_days", "value_sum", "value_mean", "value_max"]
    measures += [f"{kind}_count" for kind in KINDS]
    return [f"{name}_{days}d" for name in (*measures, "count_before", "value_sum_before")]
