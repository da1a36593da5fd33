"""The code that MLflow keeps with a registered model: scores vectors without this project.

It is logged as text and run when the model is loaded ("models from code"), so no pickle is
involved, and it may import nothing of ours. The artefacts are ``booster.txt`` and ``model.json``
as `models.model` writes them.
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
        self.booster = lgb.Booster(model_file=str(folder / "booster.txt"))
        values = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.names = [feature["name"] for feature in values["features"]]
        self.levels = values["levels"]

    def predict(self, context, model_input: pd.DataFrame, params=None):
        matrix = np.empty((len(model_input), len(self.names)), dtype=np.float32)
        for position, name in enumerate(self.names):
            column = model_input[name]
            if name in self.levels:
                levels = pd.Index(self.levels[name], dtype=object)
                codes = levels.get_indexer(column.astype(object))
                matrix[:, position] = np.where(codes < 0, np.nan, codes)
            else:
                matrix[:, position] = column.to_numpy(dtype=np.float32, na_value=np.nan)
        return pd.DataFrame({"churn_probability": self.booster.predict(matrix)})


mlflow.models.set_model(ChurnRisk())
