"""The code that MLflow keeps with a registered model: scores vectors without this project.

It is logged as text and run when the model is loaded ("models from code"), so no pickle is
involved, and it may import nothing of ours. The artefacts are ``booster_0.txt`` and so on, and
``model.json``, as `models.model` writes them; the arithmetic is that of `models.calibration`.
"""

import json
from pathlib import Path

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd


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

    def predict(self, context, model_input: pd.DataFrame, params=None):
        missing = [name for name in self.names if name not in model_input.columns]
        if missing:
            raise ValueError(f"the vectors lack features of the model: {', '.join(missing[:5])}")
        matrix = np.empty((len(model_input), len(self.names)), dtype=np.float32)
        for position, name in enumerate(self.names):
            column = model_input[name]
            if name in self.levels:
                levels = pd.Index(self.levels[name], dtype=object)
                codes = levels.get_indexer(column.astype(object))
                matrix[:, position] = np.where(codes < 0, np.nan, codes)
            else:
                matrix[:, position] = column.to_numpy(dtype=np.float32, na_value=np.nan)
        raw = np.mean([each.predict(matrix, raw_score=True) for each in self.boosters], axis=0)
        log_odds = np.clip(self.calibrated(raw), -12.0, 12.0)
        return pd.DataFrame({"churn_probability": 1 / (1 + np.exp(-log_odds))})

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


mlflow.models.set_model(ChurnRisk())
