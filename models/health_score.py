"""A points score by hand: the health score that companies try first.

Nobody fits these points; they are what a customer success team would write down, and can be set in
the config by the rules' names. A rule whose feature the histories do not have is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

USUAL_DAYS = 30
"""Of several windows the one next to a month is looked at."""


@dataclass(frozen=True)
class Rule:
    """Points for customers whose feature lies on one side of a limit (the limit included).

    In the feature's name ``{}`` stands for the days of a window; `name` is the rule's own.
    """

    name: str
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
    Rule("usage_halved", "usage_count_trend_{}d", "up to", float(-np.log(2)), 3),
    # A long silence, in days, and against the customer's own rhythm.
    Rule("silent_two_weeks", "usage_days_since_last", "from", 14, 2),
    Rule("silent_a_month", "usage_days_since_last", "from", 30, 2),
    Rule("payments_overdue", "payments_days_since_last_vs_gap", "from", 2, 2),
    # Payments fail.
    Rule("payment_failed_lately", "payments_failed_count_{}d", "from", 1, 2),
    Rule("payment_open", "payments_last_failed", "from", 1, 3),
    # Support: something is open, or there was much to ask.
    Rule("ticket_open", "tickets_open_count", "from", 1, 1),
    Rule("many_tickets", "tickets_opened_count_{}d", "from", 3, 1),
    # Dissatisfaction: of five points two, of ten a detractor's six.
    Rule("ticket_csat_low", "tickets_csat_last", "up to", 2, 2),
    Rule("survey_csat_low", "surveys_csat_last_score", "up to", 2, 2),
    Rule("nps_detractor", "surveys_nps_last_score", "up to", 6, 2),
    # New customers leave more often.
    Rule("new_customer", "customers_tenure_days", "up to", 90, 2),
    # The term is about to end, does not renew itself, or notice was given.
    Rule("term_ends_soon", "subscriptions_days_to_renewal", "up to", 14, 1),
    Rule("ends_unless_renewed", "subscriptions_days_to_end_unless_renewed", "up to", 30, 3),
    Rule("renewal_off", "subscriptions_auto_renew", "up to", 0, 1),
    Rule("notice_given", "subscriptions_notice_given", "from", 1, 6),
)


def weighted(points: Mapping[str, int]) -> tuple[Rule, ...]:
    """The rules with other points, by their names; those that are not named keep theirs."""
    return tuple(replace(rule, points=points.get(rule.name, rule.points)) for rule in RULES)


def health_score(frame: pd.DataFrame, rules: Sequence[Rule] = RULES) -> np.ndarray | None:
    """The points of each customer, more are riskier; None where no rule finds its feature."""
    found = dict(applying(frame, rules))
    if not found:
        return None
    points = {rule.name: rule.points for rule in rules}
    return np.sum([points[name] * applies for name, applies in found.items()], axis=0)


def applying(
    frame: pd.DataFrame, rules: Sequence[Rule] = RULES
) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each rule that finds its feature, and where it applies: 1 or 0 by customer."""
    for rule in rules:
        column = _column(rule, list(frame.columns))
        if column is not None:
            values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
            yield rule.name, rule.applies(values).astype(np.float64)


def _column(rule: Rule, names: Sequence[str]) -> str | None:
    """The column that a rule is about: of several windows the one next to a month."""
    pattern = re.compile(re.escape(rule.feature).replace(re.escape("{}"), r"(\d+)"))
    found = [(match, name) for name in names if (match := pattern.fullmatch(name))]
    if not found:
        return None
    days = [(abs(int(match[1]) - USUAL_DAYS) if match.groups() else 0) for match, _ in found]
    return found[int(np.argmin(days))][1]
