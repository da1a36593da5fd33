"""Drivers by part of the points, and which of them became a reason to leave lately.

How much a driver group moves the risk differs between kinds of customers and from month to month.
`drivers_by_part` tells it of all points of a part; `reasons_by_time` looks at customers at risk: of
how many is a group the first driver, and is that more than before?

More is meant of all customers. Of those at risk alone, every other reason gains a share where one
goes away: a price rise that is forgotten would make news of everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from models.drivers import LEAST_PUSH
from models.evaluation import by_cutoff
from models.resampling import mean_intervals

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
FEWEST = 20
"""Of fewer points, on either side, nothing is told beyond noise."""
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
        Mean |contribution| of the group in log-odds, and its 95 % interval.
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

    flat = [(of, part, mask) for of, masks in parts.items() for part, mask in masks.items()]
    flat = [one for one in flat if one[2].any()]
    if not flat:
        return pd.DataFrame(columns=list(PART_COLUMNS))
    within = np.column_stack([np.repeat(mask[:, None], len(groups), axis=1) for *_, mask in flat])
    sizes = np.tile(np.abs(sums), (1, len(flat)))
    low, high = mean_intervals(sizes, customers, within=within, seed=seed)
    counts = [int(mask.sum()) for *_, mask in flat]
    values = {
        "of": np.repeat([of for of, *_ in flat], len(groups)),
        "part": np.repeat([part for _, part, _ in flat], len(groups)),
        "points": np.repeat(counts, len(groups)),
        "group": [*groups] * len(flat),
        "mean_abs_shap": np.concatenate([np.abs(sums[mask]).mean(axis=0) for *_, mask in flat]),
        "low": low,
        "high": high,
        "mean_shap": np.concatenate([sums[mask].mean(axis=0) for *_, mask in flat]),
    }
    return pd.DataFrame(values, columns=list(PART_COLUMNS))


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
    """Of how many customers a group is the first driver of their being at risk, now and before.

    Attributes
    ----------
    now, before
        The share of all customers at the newest time, and at all times before it together.
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
    customers, at_risk
        By cutoff, ascending, how many customers there were, and how many of them at risk.
    shares
        By group its share of the customers at risk, by cutoff; the rest has no driver that raises
        the risk. 0 where nobody is at risk.
    changes
        By group what changed, what rose most first; empty where there are no two cutoffs.
    """

    customers: Mapping[str, int]
    at_risk: Mapping[str, int]
    shares: Mapping[str, Mapping[str, float]]
    changes: Sequence[Change]

    @property
    def became(self) -> list[Change]:
        """What became a reason: first driver of more customers than before, beyond noise."""
        return [one for one in self.changes if one.beyond_noise and one.change > 0]

    def as_dict(self) -> dict[str, Any]:
        return {
            "customers": dict(self.customers),
            "at_risk": dict(self.at_risk),
            "shares": {group: dict(shares) for group, shares in self.shares.items()},
            "changes": [one.as_dict() for one in self.changes],
            "became": [one.group for one in self.became],
        }


def reasons_by_time(
    groups: Sequence[str],
    sums: np.ndarray,
    at_risk: np.ndarray,
    customers: np.ndarray,
    times: np.ndarray,
) -> Reasons:
    """Which group is the first driver of how many customers at risk, and what changed lately.

    Parameters
    ----------
    sums
        Points x groups: what each group adds to the log-odds.
    at_risk
        Which points are at risk.
    customers, times
        Whose point it is, and of which cutoff (datetime64).
    """
    first, parts = np.where(at_risk, first_drivers(sums), -1), by_cutoff(times)
    led = {group: first == number for number, group in enumerate(groups)}
    counts = {time: int((part & at_risk).sum()) for time, part in parts.items()}
    shares = {
        group: {time: int(ours[part].sum()) / max(counts[time], 1) for time, part in parts.items()}
        for group, ours in led.items()
    }
    changes = []
    if len(parts) > 1:
        newest = [*parts.values()][-1]
        changes = [_change(group, led[group], newest, customers, len(groups)) for group in groups]
    return Reasons(
        customers={time: int(part.sum()) for time, part in parts.items()},
        at_risk=counts,
        shares=shares,
        changes=sorted(changes, key=lambda one: (-one.change, one.group)),
    )


def first_drivers(sums: np.ndarray) -> np.ndarray:
    """By row the position of the group that raises the risk most; -1 where none is a driver."""
    if not sums.size:
        return np.full(len(sums), -1)
    return np.where(sums.max(axis=1) >= LEAST_PUSH, sums.argmax(axis=1), -1)


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
    low, high = float(middle - wide), float(middle + wide)
    return Change(
        group=group,
        now=now,
        before=before,
        change=now - before,
        low=low,
        high=high,
        beyond_noise=min(counts) >= FEWEST and not low <= 0 <= high,
    )
