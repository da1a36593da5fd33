"""Where all levers look: each customer at each cutoff, what was known then and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features import failures, payments, profile, subscription, tickets, usage
from features.churn import Definition
from features.compute import Family
from features.histories import Histories
from features.plan import Plan, make_plan
from features.points import LabelledPoints, labelled_cutoffs, make_points
from features.prices import several_currencies
from features.revenue import monthly_revenue
from features.vectors import build_vectors
from models.exposure import Excess, excess, prior_risk
from models.value import remaining_margin
from pipeline.config import Config
from pipeline.lever_factors import factors
from pipeline.opening import definition_of

if TYPE_CHECKING:
    import pandas as pd

SEVERAL_CURRENCIES = "amounts in several currencies have no sum"
NO_AMOUNTS = "neither prices of subscriptions nor payments are on record"
"""Why levers are not told in money."""
MOST_CUTOFFS = 24
MOST_POINTS = 100_000
"""Of more points a sample of the customers is looked at: it tells as much, in some seconds."""
SHORT_MONTH = 3
WINDOW = 30
CHURNERS_A_FACTOR = 3
"""Of those compared, so that each factor can be weighed among them."""
FAMILIES = (
    Family("customers", profile.reads, profile.columns),
    Family("subscriptions", subscription.reads, subscription.columns),
    Family("usage", usage.reads, usage.columns),
    Family("payments", payments.reads, payments.columns),
    Family("payments", failures.reads, failures.columns),
    Family("tickets", tickets.reads, tickets.columns),
)
Part = tuple[str, np.ndarray]
"""What some points have in common, and which they are."""


@dataclass(frozen=True)
class Panel:
    """Customers at cutoffs, as the model sees them too.

    Attributes
    ----------
    frame
        Vectors over the last 30 days, in the order of the points.
    values
        Expected remaining margin of each point's customer; None where there is no money.
    horizon_days
        Churn counts within so many days of a cutoff.
    share
        Of all customers, how many are looked at.
    no_money
        Why there are no values; empty where there are.
    """

    histories: Histories
    definition: Definition
    plan: Plan
    points: LabelledPoints
    frame: pd.DataFrame
    values: np.ndarray | None
    horizon_days: int
    share: float = 1.0
    no_money: str = ""

    @property
    def churned(self) -> np.ndarray:
        return self.points.churned

    @property
    def customers(self) -> np.ndarray:
        return self.points.points.customer

    @property
    def cutoffs(self) -> tuple[date, ...]:
        return self.points.cutoffs

    def column(self, name: str) -> np.ndarray | None:
        """A feature as float64; None where the histories do not tell it."""
        if name not in self.frame.columns:
            return None
        return self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def has(self, *names: str) -> bool:
        return all(name in self.frame.columns for name in names)

    @cached_property
    def texts(self) -> dict[str, np.ndarray]:
        """Attributes of customers and their plan: the text features, as objects."""
        names = [one for one in self.frame if self.frame[one].dtype == "category"]
        return {name: self.frame[name].astype(object).to_numpy() for name in names}

    def parts_of(self, name: str) -> Iterator[Part]:
        """The values of a text feature, in order of their names."""
        values = self.texts[name]
        for value in sorted({str(one) for one in values if isinstance(one, str)}):
            yield value, values == value

    def excess(
        self, exposed: np.ndarray, others: np.ndarray, *, without: tuple[str, ...]
    ) -> Excess | None:
        """Excess churn of exposed points over others, adjusted by all factors but some groups.

        With few churners among the others the factors become one, the prior risk.
        """
        chosen = exposed | others
        covariates = self._factors_without(without)
        if self.churned[others].sum() < CHURNERS_A_FACTOR * covariates.shape[1]:
            covariates = prior_risk(covariates, self.churned, ~exposed)[:, None]
        found = excess(
            self.churned[chosen],
            exposed[chosen],
            covariates[chosen],
            self.customers[chosen],
            values=None if self.values is None else self.values[chosen],
        )
        return None if found is None else found.of_sample(self.share)

    def _factors_without(self, groups: tuple[str, ...]) -> np.ndarray:
        if groups not in self._factors:
            self._factors[groups] = factors(self.frame, self.horizon_days, without=groups)
        return self._factors[groups]

    @cached_property
    def _factors(self) -> dict[tuple[str, ...], np.ndarray]:
        """Those that were asked for: one lever asks many times."""
        return {}

    @property
    def years(self) -> float:
        """How long the label windows of all cutoffs together are, gaps between them left out."""
        return len(self.cutoffs) * self.horizon_days / 365.25

    @property
    def told(self) -> str:
        first, last = self.cutoffs[0], self.cutoffs[-1]
        sample = f" ({self.share:.1%} of all customers)" if self.share < 1 else ""
        return (
            f"{len(self.points):,} points{sample} from {first} to {last}, churn within "
            f"{self.horizon_days} days"
        )


def apart(cutoffs: Sequence[date], horizon_days: int) -> tuple[date, ...]:
    """The newest cutoff and those before it whose label windows hardly overlap.

    Nobody's departure is counted twice, but in the last days of a window from a short month.
    """
    kept: list[date] = []
    for cutoff in sorted(cutoffs, reverse=True):
        if not kept or (kept[-1] - cutoff).days >= horizon_days - SHORT_MONTH:
            kept.append(cutoff)
    return tuple(reversed(kept))


def panel_of(config: Config, histories: Histories) -> Panel:
    """The newest labelled cutoffs with their vectors.

    Raises
    ------
    TooLittleData
        When no label is known yet, or nobody is a customer at any cutoff.
    """
    definition = definition_of(config)
    asked = config.points
    cutoffs = apart(
        labelled_cutoffs(
            histories, definition, every=asked.every, first=asked.first, last=asked.last
        ),
        definition.horizon_days,
    )[-MOST_CUTOFFS:]
    points = make_points(histories, definition, cutoffs, min_tenure_days=asked.min_tenure_days)
    points, share = sampled(points, histories.customers)
    plan = make_plan(histories, windows=[WINDOW], known_before=histories.observed_until.date())
    vectors = build_vectors(histories, plan, points, labels=False, families=FAMILIES)
    values, why = _values(config, histories, plan, points)
    return Panel(
        histories=histories,
        definition=definition,
        plan=plan,
        points=points,
        frame=vectors.frame,
        values=values,
        horizon_days=definition.horizon_days,
        share=share,
        no_money=why,
    )


def _values(
    config: Config, histories: Histories, plan: Plan, points: LabelledPoints
) -> tuple[np.ndarray | None, str]:
    """At one churn rate for all: no model is there to tell how long each of them stays.

    Without values, why.
    """
    if several_currencies(histories):
        return None, SEVERAL_CURRENCIES
    revenue = monthly_revenue(histories, plan, points)
    if revenue is None:
        return None, NO_AMOUNTS
    values = remaining_margin(
        revenue,
        margin=config.value.margin,
        churn_rate=float(points.churned.mean()),
        churn_days=config.churn.horizon_days,
        horizon_months=config.value.horizon_months,
        discount_rate=config.value.discount_rate,
    )
    return values, ""


def sampled(
    points: LabelledPoints, customers: int, most: int = MOST_POINTS
) -> tuple[LabelledPoints, float]:
    """All points of some customers, so many that there are not too many; and their share."""
    if len(points) <= most:
        return points, 1.0
    share = most / len(points)
    drawn = np.random.default_rng(customers).random(customers) < share
    return points.some(drawn[points.points.customer]), float(drawn.mean())
