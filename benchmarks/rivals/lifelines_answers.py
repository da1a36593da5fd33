"""What lifelines says of its own data sets: the file that our estimates are tested against.

lifelines 0.30 needs an older pandas than ours, so this runs in an environment of its own:

    python -m venv side && side/bin/pip install lifelines==0.30.3
    side/bin/python benchmarks/rivals/lifelines_answers.py > tests/models/lifelines.json

The rows are those that lifelines ships (MIT licence, Cameron Davidson-Pilon): the life spans of
Walton's flies, convicts of Rossi and others, and the AIDS cohort of Klein and Moeschberger, in
which people are seen from a later moment on. Times are whole numbers, its years times 1,000.
"""

from __future__ import annotations

import json

import lifelines
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_multicenter_aids_cohort_study, load_rossi, load_waltons
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import median_survival_times, restricted_mean_survival_time


def rows_of(name: str) -> pd.DataFrame:
    """Entry, exit, left and group of each subject."""
    if name == "waltons":
        given = load_waltons()
        return pd.DataFrame({"exit": given["T"], "left": given["E"], "group": given["group"]})
    if name == "rossi":
        given = load_rossi()
        group = given["fin"].astype(str) + given["wexp"].astype(str)
        return pd.DataFrame({"exit": given["week"], "left": given["arrest"], "group": group})
    given = load_multicenter_aids_cohort_study()
    times = (given[["W", "T"]] * 1000).round().astype(int)
    return pd.DataFrame(
        {"entry": times["W"], "exit": times["T"], "left": given["D"], "group": "all"}
    )


def answers(rows: pd.DataFrame) -> dict[str, object]:
    """The curve of all, its median, its restricted mean, and the comparison of the groups."""
    entry = rows.get("entry")
    fitted = KaplanMeierFitter().fit(rows["exit"], rows["left"], entry=entry)
    interval = fitted.confidence_interval_
    until = int(rows["exit"].max() * 0.8)
    bounds = median_survival_times(interval).to_numpy()[0].tolist()
    found: dict[str, object] = {
        "ages": fitted.timeline.astype(int).tolist(),
        "share": fitted.survival_function_.iloc[:, 0].tolist(),
        "low": interval.iloc[:, 0].tolist(),
        "high": interval.iloc[:, 1].tolist(),
        "median": [fitted.median_survival_time_, *bounds],
        "until": until,
        "mean": float(restricted_mean_survival_time(fitted, until)),
    }
    if entry is None:
        test = multivariate_logrank_test(rows["exit"], rows["group"], rows["left"])
        found |= {"statistic": test.test_statistic, "p_value": test.p_value}
    return found


def main() -> None:
    """Print the file."""
    found: dict[str, object] = {"lifelines": lifelines.__version__}
    for name in ("waltons", "rossi", "multicenter_aids_cohort"):
        rows = rows_of(name)
        given = {column: rows[column].tolist() for column in rows}
        found[name] = {"rows": given, "answers": answers(rows)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
