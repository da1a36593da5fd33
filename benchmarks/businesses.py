"""Businesses to try things on: simulated ones, and the examples whose data are on this machine."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from benchmarks.quality import ROOT
from pipeline.config import Config, from_values
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
