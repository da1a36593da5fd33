"""Drivers and reasons as a risk list tells them: names of groups, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.wording import Wording
from models.drivers import LEAST_PUSH, MOST_DRIVERS, Drivers
from models.stability import STEADY
from models.telling import NOTHING, told_features

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reasons:
    """What is told of each point.

    Attributes
    ----------
    drivers, reasons
        The groups that raise its risk, strongest first, and a sentence for each; filled up with
        None.
    unsteady
        Whether it is warned that another draw of customers might name another driver first.
    """

    drivers: list[list[str | None]]
    reasons: list[list[str | None]]
    unsteady: np.ndarray


def reasons_of(drivers: Drivers, wording: Wording, at_risk: np.ndarray) -> Reasons:
    """The reasons of every point; those at risk are warned of where the first is not steady."""
    told, columns = told_features(drivers), Columns(drivers.explanation.frame)
    unsteady = at_risk & ~steady(drivers) & _led_by_levers(drivers)
    sentences = []
    for row, places in enumerate(told):
        values = Row(columns, row)
        found = [sentence(drivers, wording, values, place) for place in places if place != NOTHING]
        if unsteady[row]:
            found[0] = warned(drivers, wording, row, found[0])
        sentences.append(_filled(found))
    return Reasons(named_drivers(drivers), sentences, unsteady)


def named_drivers(drivers: Drivers) -> list[list[str | None]]:
    """Per point, the groups that raise its risk, strongest first; filled up with None."""
    return [_filled([drivers.groups[place] for place in ranked]) for ranked in drivers.ranked]


def table_of(drivers: Drivers, customer_ids: np.ndarray) -> pd.DataFrame:
    """What each driver adds to each customer's probability.

    A row per customer: ``customer_id, churn_probability, usual_probability``, a column per driver
    group with the probability that it adds (they add up to the difference of the two), and
    ``driver_agreement``, the share of refits expected to name the same top driver.
    """
    import pandas as pd

    shares = steadiness(drivers)
    added = drivers.usual_probability + drivers.in_probability.sum(axis=1)
    return pd.DataFrame(
        {
            "customer_id": customer_ids,
            "churn_probability": added,
            "usual_probability": drivers.usual_probability,
            **{g: drivers.in_probability[:, place] for place, g in enumerate(drivers.groups)},
            "driver_agreement": np.nan if shares is None else shares,
        }
    )


def _led_by_levers(drivers: Drivers) -> np.ndarray:
    """Whether each point's first driver is one to act on: refits are asked for no other."""
    led = [bool(set(places[:1]) & set(drivers.levers)) for places in drivers.ranked]
    return np.array(led, dtype=bool)


def steady(drivers: Drivers) -> np.ndarray:
    """Whether refits would name the same top driver of each point; so where nobody knows."""
    shares = steadiness(drivers)
    return np.ones(len(drivers.pushes), dtype=bool) if shares is None else shares >= STEADY


def steadiness(drivers: Drivers) -> np.ndarray | None:
    """The share of refits expected to name the same top driver of each point, if it is known."""
    known = drivers.explanation.model.stability
    return None if known is None else known.share(drivers.gap)


def sentence(drivers: Drivers, wording: Wording, values: Row, place: int) -> str:
    """What one feature says of one point."""
    model = drivers.explanation.model
    return wording.reason(model.features[place], values, model.typical)


def warned(drivers: Drivers, wording: Wording, row: int, told: str) -> str:
    """A reason that is not steady, with what weighs nearly as much, if anything does."""
    pushes = drivers.pushes[row]
    first, *others = sorted(drivers.levers, key=lambda place: -pushes[place])
    if not others:
        return told
    if pushes[others[0]] >= max(LEAST_PUSH, pushes[first] / 2):
        second = wording.driver(drivers.groups[others[0]])
        return wording.text("not_steady", reason=told, driver=second)
    return wording.text("not_sure", reason=told)


def _filled(found: list[str]) -> list[str | None]:
    return [*found, *[None] * (MOST_DRIVERS - len(found))]


class Columns(dict[str, np.ndarray]):
    """The columns of a frame, each made an array when it is first asked for.

    To read cell by cell from a frame takes three times as long as all the sentences.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    def __missing__(self, name: str) -> np.ndarray:
        self[name] = self.frame[name].to_numpy()
        return self[name]


class Row(Mapping[str, Any]):
    """One row of a frame by column, read only where it is asked for."""

    def __init__(self, columns: Columns, row: int) -> None:
        self._columns, self._row = columns, row

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.frame.columns)

    def __len__(self) -> int:
        return len(self._columns.frame.columns)
