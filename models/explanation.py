"""Why a probability is what it is: exact SHAP values, in log-odds and in probability.

SHAP values of trees add up in log-odds (TreeSHAP, Lundberg et al. 2020). Calibration and the
logistic function carry them on by one rule (`models.scales.carried`): a monotone map moves the
whole way from the expected value to the customer's, and each feature keeps its share of the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.calibration import probabilities
from models.groups import group_sums
from models.model import ChurnModel
from models.scales import to_probability

if TYPE_CHECKING:
    import pandas as pd
    import shap

Scale = Literal["log-odds", "probability"]


@dataclass(frozen=True)
class Explanation:
    """Contributions to the log-odds of churn.

    Attributes
    ----------
    contributions
        Points x features; positive ones raise the risk. ``expected + contributions.sum(axis=1)``
        is a point's calibrated log-odds.
    expected
        The log-odds before anything is known of a customer.
    """

    model: ChurnModel
    frame: pd.DataFrame
    contributions: np.ndarray
    expected: float

    @cached_property
    def log_odds(self) -> np.ndarray:
        """The calibrated log-odds of each point."""
        return np.asarray(self.expected + self.contributions.sum(axis=1))

    @property
    def expected_probability(self) -> float:
        """The probability before anything is known of a customer."""
        return float(probabilities(np.array([self.expected]))[0])

    @cached_property
    def in_probability(self) -> np.ndarray:
        """Points x features: contributions to the probability.

        ``expected_probability + in_probability.sum(axis=1)`` is the predicted probability.
        """
        return to_probability(self.contributions, self.expected, self.log_odds)

    def importance(self) -> dict[str, float]:
        """Mean |SHAP| by feature, the largest first."""
        names = self.model.names
        means = np.abs(self.contributions).sum(axis=0) / max(len(self.contributions), 1)
        order = sorted(range(len(names)), key=lambda i: (-means[i], names[i]))
        return {names[i]: float(means[i]) for i in order}

    def by_group(self) -> tuple[list[str], np.ndarray]:
        """Driver groups, and points x groups: what each group adds to the log-odds."""
        return group_sums(self.model.features, self.frame, self.contributions)

    def for_plots(self, scale: Scale = "log-odds") -> shap.Explanation:
        """The same as an Explanation of the `shap` package, for its plots, on either scale.

        Its data are the model's matrix; what is told of a customer are texts, not their codes.
        """
        import shap

        likely = scale == "probability"
        base = self.expected_probability if likely else self.expected
        matrix = self.model.matrix(self.frame)
        return shap.Explanation(
            values=self.in_probability if likely else self.contributions,
            base_values=np.full(len(self.contributions), base),
            data=matrix,
            display_data=_with_texts(matrix, self.model),
            feature_names=self.model.names,
        )


def explain(model: ChurnModel, frame: pd.DataFrame) -> Explanation:
    """Exact TreeSHAP of every row."""
    found = model.contributions(frame)
    expected = float(found[0, -1]) if len(found) else 0.0
    return Explanation(model, frame, found[:, :-1], expected)


def _with_texts(matrix: np.ndarray, model: ChurnModel) -> np.ndarray:
    """The matrix with the texts that its codes stand for."""
    shown = matrix.astype(object)
    for name, texts in model.levels.items():
        codes = matrix[:, model.names.index(name)]
        known = ~np.isnan(codes)
        told = np.array(texts, dtype=object)[codes[known].astype(np.int64)]
        shown[known, model.names.index(name)] = told
    return shown
