"""A churn model: a booster with everything needed to score by it, kept without any pickle.

On disk it is a folder: ``booster.txt`` (LightGBM's text format) and ``model.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.matrix import to_matrix

if TYPE_CHECKING:
    import lightgbm as lgb
    import pandas as pd

BOOSTER_FILE = "booster.txt"
MODEL_FILE = "model.json"


@dataclass(frozen=True)
class ChurnModel:
    """A trained model.

    Attributes
    ----------
    booster_text
        The booster in LightGBM's text format.
    features
        What each column of the matrix means, in order: dicts with name, meaning, unit, group.
    levels
        By text feature, the texts in the order of their codes.
    typical
        By numeric feature, its median in training: what a customer's number is compared with.
    base_rate
        Share of churners among the training points.
    context
        What the model belongs to, as JSON values: churn definition, feature plan, fingerprints.
    """

    booster_text: str
    features: tuple[Mapping[str, Any], ...]
    levels: Mapping[str, list[str]]
    typical: Mapping[str, float | None]
    base_rate: float
    context: Mapping[str, Any]

    @cached_property
    def booster(self) -> lgb.Booster:
        import lightgbm as lgb

        return lgb.Booster(model_str=self.booster_text)

    @property
    def names(self) -> list[str]:
        return [feature["name"] for feature in self.features]

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """The vectors as the matrix this model reads."""
        return to_matrix(frame, self.names, self.levels)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """The probability of churn of each vector."""
        return np.asarray(self.booster.predict(self.matrix(frame)))

    def contributions(self, frame: pd.DataFrame) -> np.ndarray:
        """Exact SHAP values in log-odds: a column per feature, and last the expected value.

        A row's sum is the log-odds of its probability (TreeSHAP, Lundberg et al. 2020).
        """
        return np.asarray(self.booster.predict(self.matrix(frame), pred_contrib=True))

    def save(self, folder: Path) -> None:
        """Write the model into a folder, which is made where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BOOSTER_FILE).write_text(self.booster_text, encoding="utf-8")
        values = {
            "features": list(self.features),
            "levels": dict(self.levels),
            "typical": dict(self.typical),
            "base_rate": self.base_rate,
            "context": dict(self.context),
        }
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (folder / MODEL_FILE).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> ChurnModel:
        """Read a model that `save` wrote."""
        values = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return ChurnModel(
            booster_text=(folder / BOOSTER_FILE).read_text(encoding="utf-8"),
            features=tuple(values["features"]),
            levels=values["levels"],
            typical=values["typical"],
            base_rate=values["base_rate"],
            context=values["context"],
        )
