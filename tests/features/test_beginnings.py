"""The first days of customers, from a small visible table."""

from __future__ import annotations

from features.beginnings import beginnings

CUSTOMERS = """
customer_id | signed_up_at
a           | 2025-01-01 12:00:00
b           | 2025-01-10
c           | 2025-01-20
"""
USAGE = """
customer_id | occurred_at         | event
a           | 2025-01-01 12:00:00 | login
a           | 2025-01-01 18:00:00 | share
a           | 2025-01-15 11:59:59 | login
a           | 2025-01-15 12:00:00 | export
b           | 2025-01-10          | login
b           | 2025-02-10          | login
"""


def test_the_first_fourteen_days(read):
    """14 times 24 hours from the moment of sign-up: a's export comes just too late."""
    histories = read({"customers": CUSTOMERS, "usage": USAGE})
    found = beginnings(histories, 14)
    ids = histories.customer_ids().to_pylist()
    rows = zip(found.events, found.days, found.kinds, strict=True)
    assert dict(zip(ids, rows, strict=True)) == {"a": (3, 2, 2), "b": (1, 1, 1), "c": (0, 0, 0)}
    did = {
        name: [n for n, one in zip(ids, who, strict=True) if one] for name, who in found.did.items()
    }
    assert did == {"login": ["a", "b"], "share": ["a"]}
    assert list(found.did) == ["login", "share"]  # the commonest first


def test_without_usage_nothing_is_told(read):
    assert beginnings(read({"customers": CUSTOMERS}), 14) is None
