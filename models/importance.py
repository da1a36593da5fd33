"""What moves the risk of churn on the whole: features and driver groups by mean |SHAP|.

The values of one customer at several cutoffs are no independent evidence, so the intervals are of
a bootstrap over customers (`models.resampling`). They tell how much the sample could be another
one; the model is taken as it is, and another training could share the weight of features that tell
the same in another way. Driver groups suffer less from that: what is shared stays in the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.drivers import Drivers
from models.explanation import Explanation
from models.resampling import mean_intervals

if TYPE_CHECKING:
    import pandas as pd

FEATURE_COLUMNS = ("name", "group", "mean_abs_shap", "low", "high", "direction")
MOST_RANKED = 2_000
"""Points whose ranks tell the direction: its sign and size need no more."""
DRIVER_COLUMNS = ("group", "mean_abs_shap", "low", "high", "mean_shap")


def feature_importance(explained: Explanation, customers: np.ndarray, *, seed: int) -> pd.DataFrame:
    """Every feature of the model, the most important first (ties by name).

    ``name``, ``group``
        The feature and its driver group.
    ``mean_abs_shap``, ``low``, ``high``
        Mean |contribution| in log-odds and its 95 % interval; NaN without points.
    ``direction``
        Spearman's correlation of value and contribution, over points that have a value (evenly
        spread ones where they are many): above 0 where larger values raise the risk. NaN for
        texts, and where one of both never varies.

    Parameters
    ----------
    customers
        Whose point each row is.
    """
    import pandas as pd

    sizes = np.abs(explained.contributions)
    low, high = mean_intervals(sizes, customers, seed=seed)
    model = explained.model
    frame = pd.DataFrame(
        {
            "name": model.names,
            "group": [feature["group"] for feature in model.features],
            "mean_abs_shap": _means(sizes),
            "low": low,
            "high": high,
            "direction": _directions(explained),
        },
        columns=list(FEATURE_COLUMNS),
    )
    return frame.sort_values(["mean_abs_shap", "name"], ascending=[False, True], ignore_index=True)


def driver_importance(drivers: Drivers, customers: np.ndarray, *, seed: int) -> pd.DataFrame:
    """Every driver group of the model, the most important first (ties by name).

    What a group adds to a point is the sum of its features' contributions, against a usual customer
    (`models.drivers`): what they take from each other does not count. ``mean_shap`` is the signed
    mean: above 0 where the group makes these points riskier than a usual customer on the whole.
    """
    import pandas as pd

    groups, pushes = drivers.groups, drivers.pushes
    low, high = mean_intervals(np.abs(pushes), customers, seed=seed)
    frame = pd.DataFrame(
        {
            "group": groups,
            "mean_abs_shap": _means(np.abs(pushes)),
            "low": low,
            "high": high,
            "mean_shap": _means(pushes),
        },
        columns=list(DRIVER_COLUMNS),
    )
    return frame.sort_values(["mean_abs_shap", "group"], ascending=[False, True], ignore_index=True)


def _means(values: np.ndarray) -> np.ndarray:
    """By column; NaN without rows."""
    return values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)


def _directions(explained: Explanation) -> np.ndarray:
    model = explained.model
    step = max(1, -(-len(explained.frame) // MOST_RANKED))
    matrix, contributions = (
        model.matrix(explained.frame.iloc[::step]),
        explained.contributions[::step],
    )
    return np.array(
        [
            np.nan
            if name in model.levels
            else _spearman(matrix[:, position], contributions[:, position])
            for position, name in enumerate(model.names)
        ]
    )


def _spearman(values: np.ndarray, contributions: np.ndarray) -> float:
    """The correlation of the ranks (ties share theirs); NaN where there is none to tell."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    values, contributions = values[known], contributions[known]
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(contributions) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(values), rankdata(contributions))[0, 1])
