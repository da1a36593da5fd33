"""Parts of the customers: each one's rate, and all together everybody."""

from __future__ import annotations

from datetime import date

import pytest

from features.errors import UsageError
from pipeline.kpi_parts import parts_of
from pipeline.kpi_periods import periods_of

CUSTOMERS = """
customer_id | signed_up_at | channel
a           | 2024-10-01   | web
b           | 2025-01-01   | web
c           | 2025-01-01   | shop
d           | 2025-02-10   |
"""
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | plan  | price
a           | 1               | 2025-01-01 | 2025-02-10 | basic | 10
b           | 2               | 2025-01-01 |            | pro   | 20
c           | 3               | 2025-01-01 |            | basic | 10
d           | 4               | 2025-02-15 |            | pro   | 20
"""
TABLES = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS}


@pytest.fixture
def by(business):
    """Part -> its figures in February, by one column."""

    def of(*names):
        asked = business(TABLES, observed_until=date(2025, 3, 1), by=names)
        found = parts_of(asked).figures
        return asked, {
            name: {one.part: one for one in rows if one.period.start == date(2025, 2, 1)}
            for name, rows in found.items()
        }

    return of


def test_each_part_has_its_rate_and_money(by):
    _, found = by("channel", "plan", "tenure")
    counts = {
        name: {part: (one.rate.there, one.rate.gone) for part, one in parts.items()}
        for name, parts in found.items()
    }
    assert counts == {
        "channel": {"web": (2, 1), "shop": (1, 0), None: (0, 0)},
        "plan": {"basic": (2, 1), "pro": (1, 0), None: (0, 0)},
        "tenure": {"0-3 months": (2, 0), "3-12 months": (1, 1)},
    }
    web = found["channel"]["web"].revenue[0].movements
    assert (web.start, web.churned, web.end, web.gross_retention) == (3000, 1000, 2000, 2 / 3)
    # Who comes in February had no plan at its start.
    assert found["plan"][None].revenue[0].movements.new == 2000


def test_all_parts_together_are_everybody(by):
    asked, found = by("channel", "plan", "tenure")
    february = periods_of(asked).figures[1]
    for parts in found.values():
        assert sum(one.rate.there for one in parts.values()) == february.rate.there
        assert sum(one.rate.gone for one in parts.values()) == february.rate.gone
        for name in ("start", "new", "expansion", "contraction", "churned", "reactivated", "end"):
            whole = getattr(february.revenue[0].movements, name)
            assert sum(getattr(p.revenue[0].movements, name) for p in parts.values()) == whole


def test_without_a_column_there_are_no_parts(business):
    assert parts_of(business(TABLES, observed_until=date(2025, 3, 1))).as_json() == {}


def test_an_unknown_column_is_refused(business):
    asked = business(TABLES, observed_until=date(2025, 3, 1), by=("chanel",))
    with pytest.raises(UsageError, match="chanel") as caught:
        parts_of(asked)
    assert caught.value.fix == "--by channel"
