"""The points score of the config: `[health_score]`, a number of points for each of its rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from features.vectors import KEYS
from models.health_score import Rule, weighted
from pipeline.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from models.evaluation import Prediction

Points = Annotated[int, Field(ge=-1000, le=1000)]


class HealthScore(Section):
    """Points for what looks like leaving, as a team would set them; 0: the rule does not count.

    What each rule looks at stands in `models.health_score.RULES`.
    """

    usage_halved: Points = 3
    silent_two_weeks: Points = 2
    silent_a_month: Points = 2
    payments_overdue: Points = 2
    payment_failed_lately: Points = 2
    payment_open: Points = 3
    ticket_open: Points = 1
    many_tickets: Points = 1
    ticket_csat_low: Points = 2
    survey_csat_low: Points = 2
    nps_detractor: Points = 2
    new_customer: Points = 2
    term_ends_soon: Points = 1
    ends_unless_renewed: Points = 3
    renewal_off: Points = 1
    notice_given: Points = 6

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules with these points."""
        return weighted(self.model_dump())


def points_score(
    score: HealthScore,
    model: Prediction,
    simpler: Mapping[str, Prediction],
    kinds: Mapping[str, Mapping[str, np.ndarray]],
    train: pd.DataFrame,
    labels: np.ndarray,
) -> dict[str, Any] | None:
    """The points score beside the model by segment, and the weights that each segment would need.

    None where no rule finds its feature.

    Parameters
    ----------
    kinds
        Masks of the test points by feature and value.
    train, labels
        What weights are fitted to: the training points, with their keys.
    """
    from models.score_parts import by_part, fitted_weights

    if "points_score" not in simpler:
        return None
    everybody = {"all points": {"all": np.ones(len(model.labels), dtype=bool)}}
    customers = np.unique(train[KEYS[0]].to_numpy(), return_inverse=True)[1]
    weights = fitted_weights(train, labels, score.rules, _same(kinds, train), customers)
    return {
        "by_segment": by_part(model, simpler["points_score"], {**everybody, **kinds}),
        "weights": weights.by_rule,
        "apart": [one.as_json() for one in weights.apart],
    }


def _same(
    kinds: Mapping[str, Mapping[str, np.ndarray]], train: pd.DataFrame
) -> dict[str, dict[str, np.ndarray]]:
    """The same segments among the training points, of features that are there."""
    found = {}
    for name, values in kinds.items():
        if name in train.columns:
            texts = train[name].astype(object)
            found[name] = {value: (texts == value).to_numpy(bool) for value in values}
    return found
