"""What a team can do for a customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lever:
    """An action of the team.

    Attributes
    ----------
    drivers
        The driver groups that it fits.
    cost, incentive
        Money for a contact, and given away to everybody who stays.
    success_rate
        The share of those kept who would have left.
    evidence
        How many such customers the rate is worth: with few of them it is little more than a guess.
    capacity
        The most contacts with this action; None is no limit.

    Raises
    ------
    ValueError
        When a number is negative, no number, or a rate above 1.
    """

    name: str
    drivers: tuple[str, ...]
    cost: float
    incentive: float
    success_rate: float
    evidence: float = 20.0
    capacity: int | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "incentive"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} of {self.name}: {getattr(self, name)!r} is no amount")
        if not 0 <= self.success_rate <= 1:
            raise ValueError(
                f"success_rate of {self.name}: {self.success_rate!r} is not within 0..1"
            )
        if not self.evidence > 0:
            raise ValueError(f"evidence of {self.name}: {self.evidence!r} is not above 0")
        if self.capacity is not None and self.capacity < 0:
            raise ValueError(f"capacity of {self.name}: {self.capacity!r} is below 0")

    @property
    def outlay(self) -> float:
        """Money to be set aside for a contact: everybody may take the incentive."""
        return self.cost + self.incentive

    @property
    def certain(self) -> bool:
        """Whether nobody doubts the success rate."""
        return self.success_rate in {0.0, 1.0} or np.isinf(self.evidence)
