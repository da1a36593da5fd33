"""Drivers by part of the points, and which of them became a reason to leave lately.

How much a driver group moves the risk differs between kinds of customers and from month to month.
`drivers_by_part` tells it of all points of a part; `reasons_by_time` looks at the customers at risk
alone: of how many is a group the first driver, and is that more than before?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import by_cutoff
from models.resampling import mean_intervals

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
FEWEST_AT_RISK = 20
"""Of fewer customers at risk, on either side, nothing is told beyond noise."""
FEWEST_POINTS = 100
MOST_FEATURES, MOST_LEVELS = 6, 8
PART_COLUMNS = ("of", "part", "points", "group", "mean_abs_shap", "low", "high", "mean_shap")
Masks = Mapping[str, np.ndarray]


def drivers_by_part(
    groups: Sequence[str],
    sums: np.ndarray,
    customers: np.ndarray,
    parts: Mapping[str, Masks],
    *,
    seed: int,
) -> pd.DataFrame:
    """How much each driver group moves the risk within each part of the points.

    A row per part and group, in the order given:

    ``of``, ``part``, ``points``
        What the points are parted by, the part (``plan``, ``basic``) and how many points it has.
    ``mean_abs_shap``, ``low``, ``high``
        Mean |contribution| of the group in log-odds, and its 95 % interval (customers are drawn
        from those of the part).
    ``mean_shap``
        The signed mean: whether the group raises or lowers the risk there.

    Parameters
    ----------
    sums
        Points x groups: what each group adds to the log-odds.
    parts
        Masks of the points by what they are parted by, and by part; empty parts are left out.
    """
    import pandas as pd

    frames = []
    for of, masks in parts.items():
        for part, mask in masks.items():
            if mask.any():
                own = sums[mask]
                low, high = mean_intervals(np.abs(own), customers[mask], seed=seed)
                values = {"of": of, "part": part, "points": int(mask.sum()), "group": groups}
                values |= {"mean_abs_shap": np.abs(own).mean(axis=0), "low": low, "high": high}
                frames.append(pd.DataFrame({**values, "mean_shap": own.mean(axis=0)}))
    columns = list(PART_COLUMNS)
    return (
        pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    )


def attribute_parts(
    frame: pd.DataFrame, features: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, np.ndarray]]:
    """Masks of the common values of texts, and of attributes that are true or false.

    At most `MOST_LEVELS` values of at most `MOST_FEATURES` features, each with `FEWEST_POINTS`
    points at least; of a feature with only one such value nothing. Of many features those are taken
    whose values cover most points (ties in the order of the features).
    """
    found = {}
    for feature in features:
        is_flag = feature["unit"] == "0 or 1" and feature["group"] == "profile"
        if feature["unit"] == "text" or is_flag:
            levels = _levels(frame[feature["name"]], is_flag=is_flag)
            if len(levels) > 1:
                found[feature["name"]] = levels
    covered = {name: sum(int(mask.sum()) for mask in found[name].values()) for name in found}
    chosen = sorted(found, key=lambda name: -covered[name])[:MOST_FEATURES]
    return {name: masks for name, masks in found.items() if name in chosen}


def _levels(column: pd.Series, *, is_flag: bool) -> dict[str, np.ndarray]:
    values = column.astype(object)
    counted = sorted(values.dropna().value_counts().items(), key=lambda i: (-i[1], str(i[0])))
    return {
        ("yes" if value else "no") if is_flag else str(value): (values == value).to_numpy(bool)
        for value, count in counted[:MOST_LEVELS]
        if count >= FEWEST_POINTS
    }


@dataclass(frozen=True)
class Change:
    """Of how many customers at risk a group is the first driver, lately and before.

    Attributes
    ----------
    now, before
        The share at the newest time, and at all times before it together.
    change, low, high
        Their difference and its interval, as wide as so many comparisons need: all intervals of a
        table hold together with 95 %.
    beyond_noise
        Whether the interval leaves out 0, and there are customers enough to say so.
    """

    group: str
    now: float
    before: float
    change: float
    low: float
    high: float
    beyond_noise: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Reasons:
    """The first drivers of the customers at risk, over time.

    Attributes
    ----------
    times
        The cutoffs with customers at risk, ascending, as text; and how many there were.
    shares
        By group, a share for each time; the rest has no driver that raises the risk.
    changes
        By group what changed, what rose most first; empty where there are no two times.
    """

    times: Mapping[str, int]
    shares: Mapping[str, Sequence[float]]
    changes: Sequence[Change]

    @property
    def became(self) -> list[Change]:
        """What became a reason: first driver of more customers than before, beyond noise."""
        return [one for one in self.changes if one.beyond_noise and one.change > 0]

    def as_dict(self) -> dict[str, Any]:
        return {
            "times": dict(self.times),
            "shares": {group: list(shares) for group, shares in self.shares.items()},
            "changes": [one.as_dict() for one in self.changes],
        }


def reasons_by_time(
    groups: Sequence[str], sums: np.ndarray, customers: np.ndarray, times: np.ndarray
) -> Reasons:
    """Which group is the first driver of how many customers at risk, and what changed lately.

    Parameters
    ----------
    sums
        A row for each customer at risk at a time, a column per group, in log-odds.
    customers, times
        Whose row it is, and of which cutoff (datetime64).
    """
    first, parts = first_drivers(sums), by_cutoff(times)
    shares = {
        group: [float(np.mean(first[part] == number)) for part in parts.values()]
        for number, group in enumerate(groups)
    }
    changes = []
    if len(parts) > 1:
        newest = [*parts.values()][-1]
        changes = [
            _change(group, first == number, newest, customers, len(groups))
            for number, group in enumerate(groups)
        ]
    counts = {time: int(part.sum()) for time, part in parts.items()}
    return Reasons(counts, shares, sorted(changes, key=lambda one: (-one.change, one.group)))


def first_drivers(sums: np.ndarray) -> np.ndarray:
    """By row the position of the group that raises the risk most; -1 where none raises it."""
    if not sums.size:
        return np.full(len(sums), -1)
    return np.where(sums.max(axis=1) > 0, sums.argmax(axis=1), -1)


def _change(
    group: str, led: np.ndarray, newest: np.ndarray, customers: np.ndarray, compared: int
) -> Change:
    """The difference of two shares, with errors over customers.

    Two customers are added to each side, one of which the group leads (Agresti and Caffo 2000):
    without them the interval of a group that led nobody would be no wider than nothing.
    """
    sides = (newest, ~newest)
    counts = [int(side.sum()) for side in sides]
    now, before = (float(led[side].mean()) for side in sides)
    parts, added, middle = np.zeros(len(led)), 0.0, 0.0
    for side, count, sign in zip(sides, counts, (1, -1), strict=True):
        share = (led[side].sum() + 1) / (count + 2)
        parts[side] = sign * (led[side] - share) / (count + 2)
        added += (share**2 + (1 - share) ** 2) / (count + 2) ** 2
        middle += sign * share
    _, index = np.unique(customers, return_inverse=True)
    error = float(np.sqrt(np.sum(np.bincount(index, weights=parts) ** 2) + added))
    wide = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / compared) * error
    low, high = middle - wide, middle + wide
    return Change(
        group=group,
        now=now,
        before=before,
        change=now - before,
        low=low,
        high=high,
        beyond_noise=min(counts) >= FEWEST_AT_RISK and not low <= 0 <= high,
    )
