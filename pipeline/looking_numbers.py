"""What the notebook of the numbers looks at: key figures, and the points score beside a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.business import Business, Question
from pipeline.config import Config, load
from pipeline.evaluation_plots import points_score_plot
from pipeline.kpi_forecast import Forecasted
from pipeline.kpi_levers import Pulled, Recovered
from pipeline.kpi_parts import Parts, parts_of
from pipeline.kpi_pictures import plots_of
from pipeline.kpi_survival import Grouping, Survival
from pipeline.kpis import Kpis, answered
from pipeline.lever_recovery import Recovery
from pipeline.levers import LACKING, Levers
from pipeline.looking import plain_progress
from pipeline.looking_plots import in_words
from pipeline.opening import definition_of, open_histories
from pipeline.plotting import Picture, Plot
from pipeline.survival_plots import groups_plot

NOTHING = {
    "churn_rate": "No period had customers at its start.",
    "revenue": "No revenue is known: subscriptions without a price, and no payments.",
    "cohorts": "Nobody came while departures were on record.",
    "survival": "Nobody came into view.",
    "forecast": "There is no forecast.",
    "recovery": f"No payment recovery is told: {LACKING['recovery']}.",
    "renewals": f"Nothing is told of renewals: {LACKING['renewals']}.",
    "levers": "Too few to tell what goes with leaving.",
    "groups": "No attribute and no plan parts customers.",
    "score": "No training is on record here, or none of its rules finds its feature.",
}
"""What is said where there is nothing to draw or to list."""


@dataclass(frozen=True)
class Numbers:
    """The key figures of a config's business.

    Attributes
    ----------
    kpis
        All sections, the forecast and the levers among them.
    parts
        Rates by everything that survival is told by.
    score
        ``metrics["points_score"]`` of the newest training; None where there is none.
    """

    config: Config
    kpis: Kpis
    parts: Parts
    score: Mapping[str, Any] | None

    @cached_property
    def values(self) -> dict[str, Any]:
        """As ``kpis.json`` holds them."""
        return self.kpis.as_json()

    @cached_property
    def plots(self) -> dict[str, Plot]:
        """By name the plots that there are figures for."""
        return plots_of(self.kpis)

    @property
    def survival(self) -> Survival:
        found = self.kpis.answers["survival"]
        assert isinstance(found, Survival)
        return found

    @property
    def clearest(self) -> Grouping | None:
        """What parts customers most clearly by how long they stay."""
        known = [one for one in self.survival.groupings if one.p_value is not None]
        return min(known, key=lambda one: (one.p_value, -one.test.statistic), default=None)

    @property
    def forecast(self) -> Forecasted:
        found = self.kpis.answers["forecast"]
        assert isinstance(found, Forecasted)
        return found

    @property
    def recovery(self) -> Recovery | None:
        found = self.kpis.answers["payment_recovery"]
        assert isinstance(found, Recovered)
        return found.found

    @property
    def levers(self) -> Levers | None:
        found = self.kpis.answers["levers"]
        assert isinstance(found, Pulled)
        return found.found

    def plot(self, name: str) -> Picture:
        """A plot of `kpi_pictures.plots_of`: of a currency or a billing period the first one; or in
        words why there is none.
        """
        found = [self.plots.get(name)]
        found += [plot for told, plot in self.plots.items() if told.startswith(f"{name}_")]
        why = self.forecast.lacking if name == "forecast" else None
        plot = next((one for one in found if one is not None), None)
        return Picture((plot or in_words(why or NOTHING[name])).figure())

    def plot_groups(self) -> Picture:
        """How long customers stay, by what parts them most clearly."""
        found = self.clearest
        plot = in_words(NOTHING["groups"]) if found is None else groups_plot(found.as_json())
        return Picture(plot.figure())

    def plot_score(self) -> Picture:
        """The points score's AUC beside the model's, by segment."""
        plot = points_score_plot(self.score) if self.score else in_words(NOTHING["score"])
        return Picture(plot.figure())


def numbers_of(file: Path, every: str = "month") -> Numbers:
    """The key figures of a config's business; nothing is written.

    Raises
    ------
    UserError
        When the config or the histories do not allow it.
    """
    config, progress = load(file), plain_progress()
    question = Question(every, None, None, ())
    question.refuse_odd()
    histories = open_histories(config, progress)
    try:
        business = Business.of(histories, definition_of(config), question)
        kpis = answered(business, config, progress, forecast=True, levers=True)
        found = Numbers(config, kpis, Parts({}), _score(config))
        by = tuple(one.name for one in found.survival.groupings)
        parted = Business.of(histories, definition_of(config), replace(question, by=by))
        return replace(found, parts=parts_of(parted))
    finally:
        histories.close()


def _score(config: Config) -> Mapping[str, Any] | None:
    file = config.out / "train" / "metrics.json"
    if not file.is_file():
        return None
    found: Mapping[str, Any] | None = json.loads(file.read_text(encoding="utf-8"))["points_score"]
    return found
