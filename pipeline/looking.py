"""What a notebook looks at: a model in charge, and the customers that it is asked about.

Two sets of points are looked at. Those of the test and later ones were never learned from and
their outcome is known: by them the model is judged, and told what drives customers on the whole.
The newest cutoff and those before it tell what became a reason of late, and who is to be called;
nobody knows their outcome yet.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.errors import UsageError
from features.histories import Histories
from features.plan import Plan
from features.points import (
    LabelledPoints,
    earlier_cutoffs,
    labelled_cutoffs,
    make_points,
    newest_cutoff,
)
from features.vectors import KEYS, build_vectors
from models.drivers import Drivers
from models.model import ChurnModel
from models.reliability import wilson
from pipeline.config import Config, load
from pipeline.explaining import Global, explain_all, reasons_over_time
from pipeline.guarding import model_and_histories
from pipeline.opening import definition_of
from pipeline.progress import Progress
from pipeline.steadying import drivers_of

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 10_000
"""So many points are explained of each set; of more, evenly spread ones."""
LATELY = 12
"""Cutoffs that are looked at for what became a reason, the newest included."""


@dataclass(frozen=True)
class Look:
    """A model and the vectors of the customers it is asked about.

    Attributes
    ----------
    label
        The model's name and version.
    counts
        A row per labelled cutoff: `points`, `churned`, `churn_rate` and its 95 % interval `low`,
        `high`, and how many are no customers then, by the reason why.
    tested
        Vectors with outcomes that the model did not learn from.
    lately
        Vectors of the newest cutoff and of those before it, without outcomes.
    """

    config: Config
    label: str
    model: ChurnModel
    counts: pd.DataFrame
    tested: pd.DataFrame
    lately: pd.DataFrame

    @cached_property
    def drivers(self) -> Drivers:
        """Of the tested points."""
        return drivers_of(self.model, self.tested)

    @cached_property
    def probability(self) -> np.ndarray:
        """Of the tested points."""
        return self.model.predict(self.tested)

    @cached_property
    def overall(self) -> Global:
        """What drives the tested points; but why customers are at risk over time, of late."""
        found = explain_all(self.drivers, seed=self.config.model.seed)
        return replace(found, reasons=reasons_over_time(drivers_of(self.model, self.lately)))

    @property
    def newest(self) -> pd.DataFrame:
        """The vectors of the newest cutoff."""
        cutoffs = self.lately[KEYS[1]]
        return self.lately[cutoffs == cutoffs.max()].reset_index(drop=True)

    @property
    def as_of(self) -> date:
        """The newest cutoff."""
        newest: date = self.lately[KEYS[1]].max().date()
        return newest

    @property
    def riskiest(self) -> str:
        """The customer who is most likely to leave, as of the newest cutoff."""
        newest = self.newest
        return str(newest[KEYS[0]].iloc[int(self.model.predict(newest).argmax())])

    def of_customer(self, customer_id: str) -> Drivers:
        """The drivers of one customer at the newest cutoff.

        Raises
        ------
        UsageError
            When nobody of that id is looked at.
        """
        newest = self.newest
        own = newest[newest[KEYS[0]].astype(str) == customer_id].reset_index(drop=True)
        if own.empty:
            raise UsageError(
                "This customer is not looked at.",
                where="the notebook's customer",
                value=customer_id,
                allowed=f"one of the {len(newest):,} customers at {self.as_of}",
                fix="choose another one, such as look.riskiest",
            )
        return drivers_of(self.model, own)


def look_at(file: Path, model: str | None = None) -> Look:
    """What a notebook shows of a config's business.

    Parameters
    ----------
    model
        An MLflow URI or a folder; by default the model in charge.

    Raises
    ------
    UserError
        When there is no model, or the histories have nobody to look at.
    """
    _without_widgets()
    config, progress = load(file), plain_progress()
    with model_and_histories(config, model, progress) as (churn_model, label, histories):
        eyes = _Eyes(config, histories, churn_model, progress)
        tested, lately = eyes.tested(), eyes.lately()
        return Look(config, label, churn_model, eyes.counts(), tested, lately)


def plain_progress() -> Progress:
    """Tells in plain lines, among what the cells print: a spinner leaves traces in a notebook."""
    import sys

    from rich.console import Console

    return Progress(Console(file=sys.stdout, force_terminal=False, force_jupyter=False, width=100))


def _without_widgets() -> None:
    """Libraries report progress by tqdm, which in a notebook asks for widgets; nothing of ours."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        importlib.import_module("tqdm.auto")


@dataclass(frozen=True)
class _Eyes:
    """Open histories as a model sees them."""

    config: Config
    histories: Histories
    model: ChurnModel
    progress: Progress

    @cached_property
    def labelled(self) -> LabelledPoints:
        """Everybody at every cutoff whose outcome is known, as training takes them."""
        points = self.config.points
        cutoffs = labelled_cutoffs(
            self.histories,
            definition_of(self.config),
            every=points.every,
            first=points.first,
            last=points.last,
        )
        return make_points(
            self.histories,
            definition_of(self.config),
            cutoffs,
            min_tenure_days=points.min_tenure_days,
        )

    def counts(self) -> pd.DataFrame:
        import pandas as pd

        found = pd.DataFrame([asdict(one) for one in self.labelled.counts]).set_index("cutoff")
        found = found[found["points"] > 0]
        found.index = pd.to_datetime(found.index)
        edges = [wilson(*row) for row in zip(found["churned"], found["points"], strict=True)]
        rate = found["churned"] / found["points"]
        found.insert(3, "churn_rate", rate)
        found.insert(4, "low", [low for low, _ in edges])
        found.insert(5, "high", [high for _, high in edges])
        return found

    def tested(self) -> pd.DataFrame:
        points = self.labelled
        since = date.fromisoformat(min(self.model.context["test_cutoffs"]))
        later = [number for number, cutoff in enumerate(points.cutoffs) if cutoff >= since]
        kept = np.flatnonzero(np.isin(points.points.cutoff, later))
        if not len(kept):
            self.progress.warn(
                f"No outcome since {since} is known, when the model's test began: what follows "
                "is judged by the newest cutoff, which the model may have learned from."
            )
            kept = np.flatnonzero(points.points.cutoff == points.points.cutoff.max())
        return self._vectors(points.some(_spread(kept, MOST_POINTS)), labels=True)

    def lately(self) -> pd.DataFrame:
        newest, definition = newest_cutoff(self.histories), definition_of(self.config)
        earlier = earlier_cutoffs(
            self.histories, definition, newest, every=self.config.points.every, most=LATELY - 1
        )
        points = make_points(self.histories, definition, [*earlier, newest], labels=False)
        now = points.points.cutoff == len(points.cutoffs) - 1
        parts = [_spread(np.flatnonzero(part), MOST_POINTS) for part in (~now, now)]
        return self._vectors(points.some(np.concatenate(parts)), labels=False)

    def _vectors(self, points: LabelledPoints, *, labels: bool) -> pd.DataFrame:
        plan = Plan.from_dict(self.model.context["plan"])
        with self.progress.stage("computing vectors") as stage:
            vectors = build_vectors(
                self.histories, plan, points, labels=labels, progress=stage.detail
            )
        return vectors.frame


def _spread(places: np.ndarray, most: int) -> np.ndarray:
    """Evenly spread ones, at most so many."""
    return places[:: max(1, -(-len(places) // most))]
