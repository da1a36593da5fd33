"""A points score by hand: the health score that companies try first.

Nobody fits these points; they are what a customer success team would write down. A rule whose
feature the histories do not have is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

USUAL_DAYS = 30
"""Of several windows the one next to a month is looked at."""


@dataclass(frozen=True)
class Rule:
    """Points for customers whose feature lies on one side of a limit (the limit included).

    In the feature's name ``{}`` stands for the days of a window.
    """

    feature: str
    side: Literal["from", "up to"]
    limit: float
    points: int

    def applies(self, values: np.ndarray) -> np.ndarray:
        """Where the rule gives points; a missing value gives none."""
        with np.errstate(invalid="ignore"):
            return values >= self.limit if self.side == "from" else values <= self.limit


RULES = (
    # Usage is falling: by half, compared with as many days before.
    Rule("usage_count_trend_{}d", "up to", float(-np.log(2)), 3),
    # A long silence, in days, and against the customer's own rhythm.
    Rule("usage_days_since_last", "from", 14, 2),
    Rule("usage_days_since_last", "from", 30, 2),
    Rule("payments_days_since_last_vs_gap", "from", 2, 2),
    # Payments fail.
    Rule("payments_failed_count_{}d", "from", 1, 2),
    Rule("payments_last_failed", "from", 1, 3),
    # Support: something is open, or there was much to ask.
    Rule("tickets_open_count", "from", 1, 1),
    Rule("tickets_opened_count_{}d", "from", 3, 1),
    # Dissatisfaction: of five points two, of ten a detractor's six.
    Rule("tickets_csat_last", "up to", 2, 2),
    Rule("surveys_csat_last_score", "up to", 2, 2),
    Rule("surveys_nps_last_score", "up to", 6, 2),
    # New customers leave more often.
    Rule("customers_tenure_days", "up to", 90, 2),
    # The term is about to end, does not renew itself, or notice was given.
    Rule("subscriptions_days_to_renewal", "up to", 14, 1),
    Rule("subscriptions_days_to_end_unless_renewed", "up to", 30, 3),
    Rule("subscriptions_auto_renew", "up to", 0, 1),
    Rule("subscriptions_notice_given", "from", 1, 6),
)


def health_score(frame: pd.DataFrame, rules: Sequence[Rule] = RULES) -> np.ndarray | None:
    """The points of each customer, more are riskier; None where no rule finds its feature."""
    found = None
    for rule in rules:
        name = _column(rule, list(frame.columns))
        if name is None:
            continue
        values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        points = rule.points * rule.applies(values).astype(np.float64)
        found = points if found is None else found + points
    return found


def _column(rule: Rule, names: Sequence[str]) -> str | None:
    """The column that a rule is about: of several windows the one next to a month."""
    pattern = re.compile(re.escape(rule.feature).replace(re.escape("{}"), r"(\d+)"))
    found = [(match, name) for name in names if (match := pattern.fullmatch(name))]
    if not found:
        return None
    days = [(abs(int(match[1]) - USUAL_DAYS) if match.groups() else 0) for match, _ in found]
    return found[int(np.argmin(days))][1]
