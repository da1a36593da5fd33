"""The code that MLflow keeps with a registered model: scores vectors without this project.

It is logged as text and run when the model is loaded ("models from code"), so no pickle is
involved, and it may import nothing of ours. The artefacts are ``booster_0.txt`` and so on, and
``model.json``, as `models.model` writes them; the arithmetic is that of `models.calibration`, the
rules are those of `models.numbers`, `models.matrix` and `models.guards`.
"""

import json
import logging
from decimal import Decimal
from numbers import Real
from pathlib import Path

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd

FARTHEST = float(np.finfo(np.float32).max)
FEWEST_ROWS, CHANCE, MOST_LOST, MOST_UNSEEN = 20, 1e-6, 0.25, 0.05
MOST_NAMED = 5

log = logging.getLogger("churn_risk")


class ChurnRisk(mlflow.pyfunc.PythonModel):
    """Vectors in, a column ``churn_probability`` out."""

    def load_context(self, context):
        folder = Path(context.artifacts["model"])
        values = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.boosters = [
            lgb.Booster(model_file=str(folder / f"booster_{number}.txt"))
            for number in range(values["boosters"])
        ]
        self.names = [feature["name"] for feature in values["features"]]
        self.levels = values["levels"]
        self.calibration = values["calibration"]
        self.missing = values["missing"]
        gained = sum(each.feature_importance(importance_type="gain") for each in self.boosters)
        self.gains = dict(zip(self.names, gained / (gained.sum() or 1.0), strict=True))

    def predict(self, context, model_input: pd.DataFrame, params=None):
        missing = [name for name in self.names if name not in model_input.columns]
        if missing:
            raise ValueError(f"the vectors lack features of the model: {some(missing)}")
        matrix = np.empty((len(model_input), len(self.names)), dtype=np.float32)
        for position, name in enumerate(self.names):
            column = model_input[name]
            levels = self.levels.get(name)
            matrix[:, position] = numbers(column) if levels is None else codes(column, levels)
        self.guard(model_input, np.isnan(matrix))
        raw = np.mean([each.predict(matrix, raw_score=True) for each in self.boosters], axis=0)
        log_odds = np.clip(self.calibrated(raw), -12.0, 12.0)
        return pd.DataFrame({"churn_probability": 1 / (1 + np.exp(-log_odds))})

    def guard(self, frame, gaps):
        """Refuse what would be made up, and log what should be known."""
        empty = [name for name, full in zip(self.names, gaps.all(axis=0), strict=True) if full]
        lost = [n for n in empty if self.gains[n] and self.missing[n] ** len(frame) < CHANCE]
        share = sum(self.gains[name] for name in lost)
        told = f"no row has a value that the model knows of {some(lost)}"
        told = f"{told}: {share:.0%} of what it learned"
        if share > MOST_LOST and len(frame) >= FEWEST_ROWS:
            raise ValueError(f"{told}; at most {MOST_LOST:.0%} may be lost")
        if lost and len(frame):
            log.warning(told)
        for position, name in enumerate(self.names):
            read = name in self.levels and self.gains[name] > 0
            there = frame[name].notna().to_numpy() if read else np.zeros(0, bool)
            if there.any() and gaps[there, position].mean() > MOST_UNSEEN:
                log.warning(f"{name} holds texts that the model has not learned")

    def calibrated(self, raw):
        """Log-odds that came true on later points."""
        given = self.calibration
        if given["kind"] in ("platt", "shift"):
            return given["slope"] * raw + given["intercept"]
        if given["kind"] == "beta":
            left, stayed = -np.logaddexp(0, -raw), np.logaddexp(0, raw)
            return given["a"] * left + given["b"] * stayed + given["c"]
        if given["kind"] == "isotonic":
            return np.interp(raw, given["raw"], given["mended"])
        return raw


def numbers(column):
    """Values of any type as float32, where each is a finite number or none."""
    if getattr(column.dtype, "kind", "O") in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.array([number(column, each) for each in column.astype(object)], np.float64)
    if np.isinf(values).any():
        raise ValueError(f"the feature {column.name} holds infinity")
    return np.clip(values, -FARTHEST, FARTHEST).astype(np.float32)


def number(column, value):
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    try:
        if isinstance(value, Real | Decimal | np.bool_):
            return float(value)
        if isinstance(value, str) and not set(value) - set("0123456789+-.eE "):
            return float(value)
    except ValueError:
        pass
    told = f"{value!r} (type {column.dtype}), which is no number"
    raise ValueError(f"the feature {column.name} holds {told}")


def codes(column, levels):
    """Positions of texts in `levels`; NaN for others and none. 3 and 3.0 are the text "3"."""
    found, values = pd.factorize(column.astype(object))
    place = {text: float(code) for code, text in enumerate(levels)}
    texts = [place.get(as_text(value), np.nan) for value in values]
    return np.array([*texts, np.nan], np.float32)[found]


def as_text(value):
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return str(value)
    return f"{value:.0f}" if float(value).is_integer() else f"{float(value):.15g}"


def some(names):
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


mlflow.models.set_model(ChurnRisk())
