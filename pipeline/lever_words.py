"""What all levers say of themselves: what was compared, and what that can and cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.exposure import Range
from models.reliability import wilson

ASSOCIATION, TESTED = "association", "tested"


@dataclass(frozen=True)
class Evidence:
    """How a lever's figures are known, and what they mean because of that."""

    kind: str
    means: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "means": self.means}


@dataclass(frozen=True)
class Rate:
    """A share of some, with its interval by Wilson (1927); None where there are none."""

    part: int
    whole: int

    @property
    def range(self) -> Range | None:
        return rate_range(self.part / self.whole, self.whole) if self.whole else None

    def as_json(self) -> dict[str, Any]:
        found = self.range
        return {"part": self.part, "whole": self.whole, "share": found and found.as_json()}


def rate_range(share: float, points: float) -> Range:
    """A share of so many points with its interval by Wilson."""
    low, high = wilson(share * points, points)
    return Range(share, min(low, share), max(high, share))


def rate_of(churned: np.ndarray, points: np.ndarray) -> Rate:
    """How many of the points in a mask churned."""
    return Rate(int(churned[points].sum()), int(points.sum()))


def json_of(value: Any) -> Any:
    """Results within results as JSON values."""
    if hasattr(value, "as_json"):
        return value.as_json()
    if isinstance(value, dict):
        return {str(key): json_of(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [json_of(one) for one in value]
    return value


def fields_of(result: Any) -> dict[str, Any]:
    """The fields of a frozen dataclass as JSON values."""
    return {name: json_of(getattr(result, name)) for name in result.__dataclass_fields__}
