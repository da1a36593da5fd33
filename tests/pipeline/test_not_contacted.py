"""Whom the contacted of a campaign without a holdout are compared with."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np

from features.contacted import contacted
from pipeline.not_contacted import _contacted

CUSTOMERS = "customer_id | signed_up_at\n" + "\n".join(f"{n} | 2024-01-01" for n in range(1, 8))
SUBSCRIPTIONS = "customer_id | subscription_id | started_at | ended_at\n" + "\n".join(
    f"{n} | {n} | 2024-01-01 |" for n in range(1, 8)
)
CONTACTS = """
customer_id | occurred_at | campaign | action | group
1           | 2025-02-01  | a        | call   | treated
2           | 2025-02-01  | a        | call   | treated
2           | 2025-02-01  | b        | call   | treated
3           | 2025-01-20  | b        | call   | treated
3           | 2025-01-21  | b        | call   | holdout
4           | 2024-12-01  | b        | call   | treated
4           | 2025-01-25  | b        | call   | treated
5           | 2025-02-01  | b        | call   | holdout
6           | 2025-02-08  | a        | call   | treated
7           | 2025-02-08  | b        | call   | treated
"""


def test_nobody_who_was_contacted_counts_as_not_contacted(business):
    """2 was taken by two campaigns at once, 3 is in both groups, 4 was called again.

    6 is on the campaign's own list, a week later. 7 is not: who was called later by another one had
    to be there still, so to leave such customers out would leave too many leavers.
    """
    tables = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS, "contacts": CONTACTS}
    asked = business(tables, observed_until=date(2025, 5, 1), horizon_days=30)
    found = contacted(asked.histories, asked.definition)
    config = SimpleNamespace(churn=SimpleNamespace(horizon_days=30))
    day = int(np.datetime64("2025-02-01").astype(int))
    assert sorted(set(_contacted(config, found, "a", day).tolist())) == [0, 1, 2, 3, 5]
