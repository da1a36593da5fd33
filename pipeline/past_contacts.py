"""Contacts of the past as they were known at a cutoff, and what a model says of their customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.contacted import Contacted, contacted
from features.histories import Histories
from features.plan import Plan
from features.timeline import day_number
from features.vectors import build_vectors
from models.model import ChurnModel
from pipeline.config import Config
from pipeline.holdouts import has_holdout
from pipeline.opening import definition_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PastContacts:
    """Contacts whose outcome was known; what is told of each row is computed once, when asked.

    Attributes
    ----------
    found
        The contacts.
    """

    config: Config
    histories: Histories
    model: ChurnModel
    found: Contacted

    @staticmethod
    def before(
        config: Config, histories: Histories, model: ChurnModel, cutoff: date
    ) -> PastContacts | None:
        """Those of which a cutoff knew what came of them; None where there is no such table."""
        found = known_contacts(config, histories, cutoff)
        return None if found is None else PastContacts(config, histories, model, found)

    def __len__(self) -> int:
        return len(self.found)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Their customers' vectors at the contact."""
        plan = Plan.from_dict(self.model.context["plan"])
        return build_vectors(self.histories, plan, self.found.points_to_see, labels=False).frame

    @cached_property
    def risk(self) -> np.ndarray:
        """The probability of churn that the model sees at the contact."""
        return self.model.predict(self.frame)

    @cached_property
    def compared(self) -> np.ndarray:
        """Which rows have a holdout to be compared with."""
        return has_holdout(self.found.rows)


def known_contacts(config: Config, histories: Histories, cutoff: date) -> Contacted | None:
    """The contacts known before a cutoff whose windows had closed; None without such a table."""
    found = contacted(histories, definition_of(config), known_before=cutoff)
    if found is None:
        return None
    closes = found.rows["day"].to_numpy() + config.churn.horizon_days + config.churn.grace_days
    return found.some(found.matured & (closes <= day_number(cutoff)))
