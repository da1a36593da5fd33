"""What is usual: the median customer's contributions, which a driver is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.explanation import Explanation


@dataclass(frozen=True)
class Usual:
    """The median customer's contributions in training, in log-odds: what pushes are held against.

    Attributes
    ----------
    groups, features
        By driver group, and by feature.
    """

    groups: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(explanation: Explanation) -> Usual:
        """The medians of these points."""
        groups, sums = explanation.by_group()
        if not len(sums):
            return Usual({}, {})
        names = explanation.model.names
        return Usual(
            dict(zip(groups, np.median(sums, axis=0).tolist(), strict=True)),
            dict(zip(names, np.median(explanation.contributions, axis=0).tolist(), strict=True)),
        )

    def as_dict(self) -> dict[str, Any]:
        return {"groups": dict(self.groups), "features": dict(self.features)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Usual:
        """What `as_dict` wrote; nothing is usual where nothing was."""
        return Usual(values.get("groups", {}), values.get("features", {}))
