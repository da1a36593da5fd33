"""Demo histories for a config whose data folder does not exist yet."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import Config
from pipeline.progress import Progress

CUSTOMERS, MONTHS, SEED = 8_000, 24, 7


def simulate_if_missing(config: Config, progress: Progress) -> Path | None:
    """Simulate demo histories into the config's data folder where there is none.

    Only a folder below the config's own is filled: a source that lies elsewhere is somebody's
    data, and its absence is a mistake to tell.

    Returns
    -------
    Path or None
        The folder that was filled, if one was.
    """
    if "://" in config.data.source:
        return None
    folder = (config.folder / config.data.source).resolve()
    if folder.exists() or config.folder.resolve() not in folder.parents:
        return None
    from pipeline.simulate import simulate

    progress.warn(
        f"{config.data.source} does not exist yet: simulating {CUSTOMERS:,} customers over "
        f"{MONTHS} months into it."
    )
    with progress.stage("simulating demo histories"):
        simulate(folder, customers=CUSTOMERS, months=MONTHS, seed=SEED)
    return folder
