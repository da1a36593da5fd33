"""The lever of prices: churn in the weeks after a rise, against customers without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.exposure import Excess
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, Rate, fields_of, rate_of

WEEKS = (4, 8, 12)
SIZES = ((0.0, 0.10), (0.10, 0.20), (0.20, np.inf))
EVIDENCE = Evidence(
    ASSOCIATION,
    "Customers whose price rose are compared with customers of the same day, tenure, plan, use, "
    "payments and contract whose price did not. Whose price was raised is the company's choice; "
    "what it chose by and the histories do not hold stays in the difference. A fall in use that "
    "the rise brought about is not in it either.",
)


@dataclass(frozen=True)
class Rise:
    """Churn within the horizon of points whose price rose lately.

    Attributes
    ----------
    what
        In words: how long ago, or by how much.
    """

    what: str
    churn: Rate
    excess: Excess | None

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Prices:
    """Churn after price rises.

    Attributes
    ----------
    by_weeks
        By the weeks since the rise: up to 4, 4 to 8, 8 to 12.
    within
        All those whose price rose within the last 8 and 12 weeks.
    by_size
        Rises of the last 12 weeks by their size.
    others
        Churn of points without a rise in that time.
    """

    by_weeks: tuple[Rise, ...]
    within: tuple[Rise, ...]
    by_size: tuple[Rise, ...]
    others: Rate
    told: str
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


def prices(panel: Panel) -> Prices | None:
    """None where the histories do not tell when prices changed, or none rose."""
    since = panel.column("subscriptions_days_since_price_change")
    size = panel.column("subscriptions_last_price_change")
    if since is None or size is None:
        return None
    rose, others = risen(panel), unchanged(panel)
    if not rose.any():
        return None

    # 24.00 after 20.00 is 20 %, whatever binary fractions make of it.
    size = np.round(size, 6)

    def of(what: str, exposed: np.ndarray) -> Rise:
        found = panel.excess(exposed, others, without=("price",))
        return Rise(what, rate_of(panel.churned, exposed), found)

    return Prices(
        by_weeks=tuple(
            of(f"{first} to {first + 4} weeks ago", weeks_ago(panel, first, first + 4))
            for first in (0, 4, 8)
        ),
        within=tuple(of(f"within {last} weeks", weeks_ago(panel, 0, last)) for last in WEEKS[1:]),
        by_size=tuple(
            of(_named(low, high), rose & (size >= low) & (size < high)) for low, high in SIZES
        ),
        others=rate_of(panel.churned, others),
        told=panel.told,
    )


def risen(panel: Panel) -> np.ndarray:
    """Points whose price rose within the last 12 weeks."""
    return weeks_ago(panel, 0, WEEKS[-1])


def weeks_ago(panel: Panel, first: int, last: int) -> np.ndarray:
    """Points whose last change of price was a rise so many weeks ago."""
    since = panel.column("subscriptions_days_since_price_change")
    size = panel.column("subscriptions_last_price_change")
    if since is None or size is None:
        return np.zeros(len(panel.points), bool)
    # A rise on the day before the cutoff is less than a day old.
    return (since >= 7 * first) & (since < 7 * last) & (size > 0)


def unchanged(panel: Panel) -> np.ndarray:
    """Points whose price has not changed in the last 12 weeks, and 4 more for an echo to fade."""
    since = panel.column("subscriptions_days_since_price_change")
    if since is None:
        return np.zeros(len(panel.points), bool)
    return np.nan_to_num(since, nan=np.inf) >= 7 * (WEEKS[-1] + 4)


def _named(low: float, high: float) -> str:
    if not low:
        return f"below {high:.0%}"
    return f"{low:.0%} and more" if np.isinf(high) else f"{low:.0%} to {high:.0%}"
