"""Businesses to try things on: simulated ones, and the examples whose data are on this machine."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pages import ROOT
from features.churn import Definition
from features.histories import Histories
from features.points import make_points
from features.vectors import FAMILIES, Vectors, build_vectors
from models.split import Split
from pipeline.config import Config, from_values
from pipeline.opening import definition_of, open_histories, plan_features
from pipeline.parting import choose_points, date_of
from pipeline.progress import Progress
from pipeline.simulate import simulate

WORLDS = {f"simulated {seed}": seed for seed in (101, 202, 303)}
"""Simulated businesses by seed; the demo has another one."""

CUSTOMERS, MONTHS = 6_000, 24


def there() -> list[str]:
    """The names of all."""
    found = list(WORLDS)
    for file in sorted((ROOT / "examples").glob("*.toml")):
        source = tomllib.loads(file.read_text(encoding="utf-8"))["data"]["source"]
        if (file.parent / source).is_dir():
            found.append(file.stem)
    return found


def config_of(name: str, folder: Path, *, engine: str = "duckdb") -> Config:
    """The config of one, whose outputs and simulated histories go to a folder."""
    file = ROOT / ("churn.toml" if name in WORLDS else f"examples/{name}.toml")
    values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    data = folder / "data"
    if name in WORLDS:
        if not data.is_dir():
            simulate(data, customers=CUSTOMERS, months=MONTHS, seed=WORLDS[name])
        values["data"]["source"] = str(data)
    else:
        values["data"]["source"] = str((file.parent / values["data"]["source"]).resolve())
    values["data"]["engine"] = engine
    values["output"] = {"dir": "out"}
    return from_values(values, folder / "churn.toml")


@dataclass(frozen=True)
class Business:
    """One whose histories are open."""

    config: Config
    histories: Histories
    definition: Definition

    def split(self) -> Split:
        """Its cutoffs, those to train on and those to test on."""
        return choose_points(self.config, self.histories, self.definition)[1]

    def vectors(
        self, days: Sequence[int], *, known_before: int, families: Sequence[Any] = FAMILIES
    ) -> Vectors:
        """Vectors at cutoffs, given as days since 1970; what is a feature was known before one."""
        cutoffs = [date_of(int(day)) for day in days]
        points = make_points(self.histories, self.definition, cutoffs)
        plan = plan_features(
            self.config, self.histories, Progress(), known_before=date_of(int(known_before))
        )
        return build_vectors(self.histories, plan, points, families=families)


@contextmanager
def opened(name: str, folder: Path, *, engine: str = "duckdb") -> Iterator[Business]:
    """One with its histories, which are closed in the end."""
    config = config_of(name, folder, engine=engine)
    histories = open_histories(config, Progress())
    try:
        yield Business(config, histories, definition_of(config))
    finally:
        histories.close()
