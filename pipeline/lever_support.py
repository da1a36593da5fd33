"""The lever of support: churn after tickets that wait or were slow, against those solved well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.problems import LIMITS, problems_at
from models.exposure import Excess, Range
from pipeline.lever_panel import Panel
from pipeline.lever_words import ASSOCIATION, Evidence, Rate, fields_of, rate_of

EVIDENCE = Evidence(
    ASSOCIATION,
    "Customers with a problem that waits are compared with customers whose problem was solved, of "
    "the same use, payments, contract and tenure. A hard problem may be a reason to leave however "
    "fast it is solved; what faster support would keep is shown by an experiment alone.",
)
MEANING = (
    f"open for more than {LIMITS.waiting_days} days, or closed in the last {LIMITS.recent_days} "
    f"days after more than {LIMITS.slow_days} days or with a satisfaction of "
    f"{LIMITS.poor_csat:.0f} or less"
)
MOST_CATEGORIES = 12


@dataclass(frozen=True)
class Problem:
    """A category of tickets that went badly.

    Attributes
    ----------
    points
        Points with such a problem.
    churn
        Their churn.
    """

    category: str
    points: int
    churn: Rate
    excess: Excess | None

    @property
    def leavers(self) -> Range | None:
        return None if self.excess is None else self.excess.leavers

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


@dataclass(frozen=True)
class Support:
    """What problems that wait cost.

    Attributes
    ----------
    bad, solved
        Churn after problems that wait or were badly solved, and after those that were solved.
    excess
        The first over the second, of customers alike; None: too few to tell.
    by_category
        The costliest first.
    """

    bad: Rate
    solved: Rate
    excess: Excess | None
    by_category: tuple[Problem, ...]
    told: str
    meaning: str = MEANING
    evidence: Evidence = EVIDENCE

    def as_json(self) -> dict[str, Any]:
        return fields_of(self)


def support(panel: Panel) -> Support | None:
    """None where the histories have no tickets, or none that are closed."""
    bad, good, categories = problems(panel)
    if not bad.any() and not good.any():
        return None
    return Support(
        bad=rate_of(panel.churned, bad),
        solved=rate_of(panel.churned, good),
        excess=panel.excess(bad, good, without=("support",)),
        by_category=_by_category(panel, categories, good),
        told=panel.told,
    )


def problems(panel: Panel) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Points with a problem, points whose tickets were all solved well, problems by category."""
    nobody = np.zeros(len(panel.points), bool)
    found = problems_at(panel.histories, panel.cutoffs)
    closed = panel.column("tickets_closed_count_30d")
    if found is None or closed is None:
        return nobody, nobody, {}
    # Where each point stands, by cutoff and customer.
    place = np.full((len(panel.cutoffs), panel.histories.customers), -1)
    place[panel.points.points.cutoff, panel.customers] = np.arange(len(panel.points))
    where = place[found.cutoff, found.customer]
    bad = _mask(nobody, where)
    by_category = {
        str(kind): _mask(nobody, where[found.category == kind])
        for kind in sorted(set(found.category.tolist()))
    }
    return bad, ~bad & (closed > 0), by_category


def _mask(nobody: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The points at these places; -1 is none."""
    found = nobody.copy()
    found[places[places >= 0]] = True
    return found


def _by_category(
    panel: Panel, categories: dict[str, np.ndarray], good: np.ndarray
) -> tuple[Problem, ...]:
    """The commonest categories; a point may have problems of several."""
    common = sorted(categories, key=lambda kind: (-int(categories[kind].sum()), kind))
    found = []
    for kind in common[:MOST_CATEGORIES]:
        here = categories[kind]
        if here.any():
            more = panel.excess(here, good, without=("support",))
            rate = rate_of(panel.churned, here)
            found.append(Problem(kind, int(here.sum()), rate, more))
    return tuple(sorted(found, key=lambda one: -_cost(one)))


def _cost(one: Problem) -> float:
    """Money where it is known, else leavers."""
    if one.excess is None:
        return -np.inf
    return (one.excess.money or one.excess.leavers).estimate
