"""Reasons beside the truth, which only simulated histories have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.vectors import KEYS
from models.drivers import Drivers
from pipeline.config import Config
from pipeline.explaining import at_risk

if TYPE_CHECKING:
    import pandas as pd

TRUTH, CAUSE = "truth.parquet", "cause_"


def truth_of(config: Config) -> Path | None:
    """The file that a simulation leaves beside its histories; None of any other history."""
    file = config.folder / config.data.source / TRUTH
    return file if file.is_file() else None


def causes_of(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """What truly drives each point of a frame, row by row; no values where the truth is not told.

    `pipeline.simulate.simulate` says what the columns are.
    """
    import pandas as pd

    truth = pd.read_parquet(file)
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    keys = frame[list(KEYS)].assign(customer_id=frame[KEYS[0]].astype(str))
    found = keys.merge(truth, on=list(KEYS), how="left", validate="1:1")
    return found.assign(cause_clear=found["cause_clear"].eq(True))


def causes_named(drivers: Drivers, causes: pd.DataFrame) -> pd.DataFrame:
    """How often the top driver is the true main cause, of points at risk whose cause is clear.

    By true main cause, the commonest first, and last of ``all``:

    ``points``
        How many there are.
    ``named``
        The share whose top driver it is.
    ``instead``
        Which driver is named most often where it is not; none where it always is.
    """
    import pandas as pd

    rows = np.flatnonzero(at_risk(drivers) & causes["cause_clear"].to_numpy(bool))
    found = pd.DataFrame(
        {
            "cause": causes["main_cause"].to_numpy(object)[rows],
            "top": np.array(drivers.groups, dtype=object)[drivers.top[rows]],
        }
    )
    parts = [(str(cause), part) for cause, part in found.groupby("cause", sort=True)]
    parts.sort(key=lambda part: -len(part[1]))
    told = [_told(name, part) for name, part in [*parts, ("all", found)] if len(part)]
    return pd.DataFrame(told, columns=["cause", "points", "named", "instead"]).set_index("cause")


def weights(drivers: Drivers, causes: pd.DataFrame) -> pd.DataFrame:
    """How much each cause adds to the log-odds of points at risk: by the model, and in truth."""
    import pandas as pd

    known = at_risk(drivers) & causes["main_cause"].notna().to_numpy()
    rows = np.flatnonzero(known)
    names = [name for name in causes if name.startswith(CAUSE) and name != f"{CAUSE}clear"]
    truth = causes.iloc[rows][names].mean().fillna(0.0).rename(lambda n: n.removeprefix(CAUSE))
    ours = drivers.importance(rows)
    found = pd.DataFrame({"model": [ours.get(n, 0.0) for n in truth.index], "truth": truth})
    found.index.name = "cause"
    return found.sort_values("truth", ascending=False, kind="stable")


def _told(cause: str, part: pd.DataFrame) -> tuple[str, int, float, str | None]:
    right = part["cause"] == part["top"]
    # Ties go to the first by name.
    others = (
        part.loc[~right, "top"]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    return cause, len(part), float(right.mean()), None if others.empty else str(others.index[0])
