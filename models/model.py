"""A churn model: boosters with everything needed to score by them, kept without any pickle.

On disk it is a folder: ``booster_0.txt`` and so on (LightGBM's text format), ``survival.txt`` where
it knows how long customers stay, and ``model.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration import Calibrator, Identity, bounded, from_dict, probabilities
from models.matrix import to_matrix
from models.scales import carried
from models.stability import Stability
from models.survival import Survival
from models.treeshap import shap_values
from models.usual import Usual

if TYPE_CHECKING:
    import lightgbm as lgb
    import pandas as pd

MODEL_FILE = "model.json"
SURVIVAL_FILE = "survival.txt"

ROWS_AT_A_TIME = 32_768
"""Rows that are explained together: what lies between matrix and contributions stays small."""


def booster_file(number: int) -> str:
    """The name of a booster's file."""
    return f"booster_{number}.txt"


@dataclass(frozen=True)
class ChurnModel:
    """A trained model: the mean of its boosters' log-odds, calibrated.

    Attributes
    ----------
    boosters_text
        The boosters in LightGBM's text format.
    features
        What each column of the matrix means, in order: dicts with name, meaning, unit, group.
    levels
        By text feature, the texts in the order of their codes.
    typical
        By numeric feature, its median in training: what a customer's number is compared with.
    missing
        By feature, the share of training points without a value.
    others
        By text feature, the share of its texts in training that stood for all others.
    base_rate
        Share of churners among the training points.
    context
        What the model belongs to, as JSON values: churn definition, feature plan, fingerprints.
    calibrator
        From the boosters' log-odds to those that came true on later points.
    usual
        What is usual in training: what a driver is held against.
    stability
        How far refits agree on the top driver; None where that is not known.
    survival
        How long those stay who stay now; None where that is not known.
    """

    boosters_text: tuple[str, ...]
    features: tuple[Mapping[str, Any], ...]
    levels: Mapping[str, list[str]]
    typical: Mapping[str, float | None]
    base_rate: float
    context: Mapping[str, Any]
    missing: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)
    calibrator: Calibrator = field(default_factory=Identity)
    usual: Usual = field(default_factory=Usual)
    stability: Stability | None = None
    survival: Survival | None = None

    @cached_property
    def boosters(self) -> tuple[lgb.Booster, ...]:
        import lightgbm as lgb

        return tuple(lgb.Booster(model_str=text) for text in self.boosters_text)

    @property
    def names(self) -> list[str]:
        return [feature["name"] for feature in self.features]

    @cached_property
    def gains(self) -> Mapping[str, float]:
        """By feature, its share of what all splits gained in training."""
        gained = sum(b.feature_importance(importance_type="gain") for b in self.boosters)
        total = float(np.sum(gained)) or 1.0
        return dict(zip(self.names, (np.asarray(gained) / total).tolist(), strict=True))

    @cached_property
    def used(self) -> frozenset[str]:
        """The features that decide anything: a split of its boosters looks at them."""
        own = frozenset(name for name, gain in self.gains.items() if gain > 0)
        return own | (self.survival.used if self.survival else frozenset())

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """The vectors as the matrix this model reads."""
        return to_matrix(frame, self.names, self.levels)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """The probability of churn of each vector."""
        return self.probability(self.matrix(frame))

    def probability(self, matrix: np.ndarray) -> np.ndarray:
        """The probability of churn of each row of the model's matrix."""
        return self.calibrated(self.raw_log_odds(matrix))

    def calibrated(self, raw: np.ndarray) -> np.ndarray:
        """The probabilities that the boosters' log-odds stand for."""
        return probabilities(self.calibrator.log_odds(raw))

    def raw_log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """The mean of the boosters' log-odds, before calibration."""
        found = [np.asarray(each.predict(matrix, raw_score=True)) for each in self.boosters]
        return np.asarray(np.mean(found, axis=0))

    def contributions(self, frame: pd.DataFrame) -> np.ndarray:
        """Exact SHAP values in log-odds: a column per feature, and last the expected value.

        A row's sum is the log-odds of its probability (TreeSHAP, Lundberg et al. 2020; the values
        of a mean are the mean of the values), carried through the calibration (see `carried`).
        """
        found = np.empty((len(frame), len(self.features) + 1))
        for start in range(0, len(frame), ROWS_AT_A_TIME):
            part = slice(start, start + ROWS_AT_A_TIME)
            found[part] = self._contributions(self.matrix(frame.iloc[part]))
        return found

    def _contributions(self, matrix: np.ndarray) -> np.ndarray:
        of_all = (shap_values(text, matrix) for text in self.boosters_text)
        found = np.asarray(sum(of_all)) / len(self.boosters_text)
        raw, expected = found.sum(axis=1), found[:, -1]
        told = carried(found[:, :-1], expected, raw, self._told)
        return np.column_stack([told, self._told(expected)])

    def _told(self, raw: np.ndarray) -> np.ndarray:
        """The log-odds that are told, of the boosters'."""
        return bounded(self.calibrator.log_odds(raw))

    def save(self, folder: Path) -> None:
        """Write the model into a folder, which is made where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(self.boosters_text):
            (folder / booster_file(number)).write_text(text, encoding="utf-8")
        values = {
            "boosters": len(self.boosters_text),
            "calibration": self.calibrator.as_dict(),
            "features": list(self.features),
            "levels": dict(self.levels),
            "typical": dict(self.typical),
            "missing": dict(self.missing),
            "others": dict(self.others),
            "base_rate": self.base_rate,
            "context": dict(self.context),
            "usual": self.usual.as_dict(),
            "stability": self.stability and self.stability.as_dict(),
            "survival": self.survival and self.survival.as_dict(),
        }
        if self.survival is not None:
            text = self.survival.booster_text
            (folder / SURVIVAL_FILE).write_text(text, encoding="utf-8")
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (folder / MODEL_FILE).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> ChurnModel:
        """Read a model that `save` wrote."""
        values = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return ChurnModel(
            boosters_text=tuple(
                (folder / booster_file(number)).read_text(encoding="utf-8")
                for number in range(values["boosters"])
            ),
            features=tuple(values["features"]),
            levels=values["levels"],
            typical=values["typical"],
            missing=values["missing"],
            others=values["others"],
            base_rate=values["base_rate"],
            context=values["context"],
            calibrator=from_dict(values["calibration"]),
            # Models of before these were known hold their drivers against the mean of all.
            usual=Usual.from_dict(values.get("usual") or {}),
            stability=Stability.from_dict(values.get("stability")),
            survival=_survival(folder, values.get("survival")),
        )


def _survival(folder: Path, values: Mapping[str, Any] | None) -> Survival | None:
    """How long customers stay; older models do not know."""
    if not values:
        return None
    return Survival.from_dict(values, (folder / SURVIVAL_FILE).read_text(encoding="utf-8"))
