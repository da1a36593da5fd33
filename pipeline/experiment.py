"""What is known of contacts and of what came of them, as it was known before them and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.contacted import Contacted, paid_after
from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints
from features.vectors import build_vectors
from models.drivers import Drivers
from models.model import ChurnModel
from models.risk import risk_bands
from models.segments import MOST_FEATURES, levels_of
from pipeline.config import Config
from pipeline.holdouts import share_treated
from pipeline.known_before import model_before
from pipeline.learning import own_fits
from pipeline.parting import date_of
from pipeline.progress import Progress
from pipeline.steadying import drivers_of
from pipeline.worth import values_of

if TYPE_CHECKING:
    import pandas as pd

NO_DRIVER = NO_ACTION = "none"
FEWEST_IN_PART = 30
"""A part needs so many customers: of fewer nothing could be told."""


@dataclass(frozen=True)
class Experiment:
    """Customers in campaigns whose outcome is known; arrays have an entry for each.

    Attributes
    ----------
    model
        The model that tells `probability`.
    rows
        ``customer, day, campaign, action, treated, cost, churned``, as `Contacted` tells.
    spent
        Money for each contact, the incentive included; 0 for who was held out.
    on_record
        Whether each row's cost is on record; where it is not, the config's is taken.
    probability
        Of leaving, by a model that knew nothing of what came after the first contact; None where
        too little was known by then.
    value
        Expected remaining margin before the contact; None without money, or without a model.
    margin
        Of what was paid within the horizon after it; None without payments.
    fits
        How well the action fitted, as the list would have judged it then.
    parts
        Masks to judge apart: by what, and by which value of it.
    """

    model: ChurnModel | None
    rows: pd.DataFrame
    spent: np.ndarray
    on_record: np.ndarray
    probability: np.ndarray | None
    value: np.ndarray | None
    margin: np.ndarray | None
    fits: np.ndarray
    parts: Mapping[str, Mapping[str, np.ndarray]]

    @property
    def treated(self) -> np.ndarray:
        return self.rows["treated"].to_numpy(dtype=bool)

    @property
    def churned(self) -> np.ndarray:
        return self.rows["churned"].to_numpy(dtype=float)

    @property
    def share_treated(self) -> np.ndarray:
        """Of each row's batch of campaigns: who pools them must hold it alike."""
        return share_treated(self.rows)


def experiment_of(
    config: Config, histories: Histories, found: Contacted, progress: Progress
) -> Experiment:
    """What came of matured contacts, with what was known of these customers before.

    Parameters
    ----------
    found
        Rows whose outcome is known, at least one.
    """
    days = found.rows["day"].to_numpy()
    model = model_before(config, histories, date_of(int(days.min())), progress)
    paid = paid_after(histories, found.points, within=config.churn.horizon_days)
    margin = None if paid is None else paid * config.value.margin
    money = {"spent": spent_on(found.rows, config), "on_record": _on_record(found.rows)}
    actions = {"action": _masks(found.rows["action"])}
    if model is None:
        everywhere = np.ones(len(found))
        return Experiment(
            model=None,
            rows=found.rows,
            **money,
            probability=None,
            value=None,
            margin=margin,
            fits=everywhere,
            parts=actions,
        )
    with progress.stage("looking at them as they were before"):
        seen = Seen(config, histories, found.points_to_see, model)
        return Experiment(
            model=model,
            rows=found.rows,
            **money,
            probability=seen.probability,
            value=seen.value,
            margin=margin,
            fits=own_fits(config, histories, found, seen.drivers),
            parts={**actions, **seen.parts()},
        )


def spent_on(rows: pd.DataFrame, config: Config) -> np.ndarray:
    """What each contact cost: as recorded, or else as the config says of its action.

    A cost below 0 is none: nobody is paid for calling.
    """
    told, usual = rows["cost"].to_numpy(dtype=float), _usual_price(rows, config)
    found = np.where(_on_record(rows), told, usual)
    return np.where(rows["treated"].to_numpy(dtype=bool), np.nan_to_num(found), 0.0)


def without_price(rows: pd.DataFrame, config: Config) -> dict[str, int]:
    """By action, contacts that have no cost on record and none in the config: they count as free.

    Contacts without an action are told as ``none``.
    """
    free = ~_on_record(rows) & np.isnan(_usual_price(rows, config))
    names = rows["action"][free & rows["treated"].to_numpy(dtype=bool)].fillna(NO_ACTION)
    return {str(name): int(count) for name, count in names.value_counts().sort_index().items()}


def _on_record(rows: pd.DataFrame) -> np.ndarray:
    return rows["cost"].to_numpy(dtype=float) >= 0


def _usual_price(rows: pd.DataFrame, config: Config) -> np.ndarray:
    """What the config says of each row's action; NaN where it does not know it."""
    price = {one.name: one.cost + one.incentive for one in config.outreach.actions}
    return rows["action"].map(price).to_numpy(dtype=float)


class Seen:
    """Customers on the days of their contacts, as a model of before saw them."""

    def __init__(
        self, config: Config, histories: Histories, points: LabelledPoints, model: ChurnModel
    ) -> None:
        self.config, self.histories, self.points, self.model = config, histories, points, model
        self.plan = Plan.from_dict(model.context["plan"])
        self.frame = build_vectors(histories, self.plan, self.points, labels=False).frame
        self.probability = model.predict(self.frame)

    @cached_property
    def value(self) -> np.ndarray | None:
        return values_of(
            self.config, self.histories, self.points, model=self.model, frame=self.frame
        )

    @cached_property
    def drivers(self) -> Drivers:
        return drivers_of(self.model, self.frame)

    def parts(self) -> dict[str, dict[str, np.ndarray]]:
        """By the driver that was the strongest, by risk band, and by segment."""
        import pandas as pd

        drivers = self.drivers
        top = [drivers.groups[places[0]] if len(places) else NO_DRIVER for places in drivers.ranked]
        bands = risk_bands(self.probability, self.model.base_rate)
        texts = [one["name"] for one in self.model.features if one["unit"] == "text"]
        found = {name: _masks(self.frame[name]) for name in texts}
        told = {name: masks for name, masks in found.items() if len(masks) > 1}
        return {
            "driver": _masks(pd.Series(top)),
            "risk_band": _masks(pd.Series(bands)),
            **dict(list(told.items())[:MOST_FEATURES]),
        }


def _masks(column: pd.Series) -> dict[str, np.ndarray]:
    """The commonest values with customers enough, each with its rows."""
    found = levels_of(column)
    return {text: mask for text, mask in found.items() if mask.sum() >= FEWEST_IN_PART}
