"""`churn features`: the vectors of every customer active at some cutoffs, as a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import UsageError
from features.histories import Histories
from features.plan import make_plan
from features.points import make_points, refuse_future
from features.vectors import KEYS, Vectors, build_vectors
from pipeline.config import Config
from pipeline.files import refuse_unwritable, whole_file, write_parquet
from pipeline.opening import definition_of, open_histories
from pipeline.progress import Progress


@dataclass(frozen=True)
class Written:
    """The vectors that were written."""

    path: Path
    rows: int
    features: int

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "rows": self.rows, "features": self.features}


def write_vectors(
    config: Config, progress: Progress, *, cutoffs: Sequence[date], out: Path, labels: bool
) -> Written:
    """Compute vectors and write them to `out`, whole or not at all.

    Event types get columns of their own by what was common before the earliest cutoff, so no
    column depends on anything later.
    """
    refuse_unwritable(out.parent)
    if out.is_dir():
        raise UsageError(
            "The file to write is a folder.",
            where="--out",
            value=str(out),
            allowed="a file such as vectors.parquet",
            fix=f"name a file: --out {out / 'vectors.parquet'}",
        )
    source = (config.folder / config.data.source).resolve()
    if source in out.resolve().parents:
        raise UsageError(
            "The vectors would be written among the histories.",
            where="--out",
            value=str(out),
            allowed=f"a file outside of {config.data.source}",
            fix="choose another folder",
        )
    histories = open_histories(config, progress)
    try:
        vectors = _vectors(config, histories, progress, cutoffs, labels=labels)
    finally:
        histories.close()
    frame = vectors.frame.assign(**{KEYS[1]: vectors.frame[KEYS[1]].dt.date})
    with whole_file(out) as draft:
        write_parquet(frame, draft)
    return Written(out, len(frame), len(vectors.catalogue))


def _vectors(
    config: Config,
    histories: Histories,
    progress: Progress,
    cutoffs: Sequence[date],
    *,
    labels: bool,
) -> Vectors:
    refuse_future(histories, cutoffs)
    points = make_points(
        histories,
        definition_of(config),
        cutoffs,
        labels=labels,
    )
    for count in points.counts:
        if not count.points:
            progress.warn(f"Nobody is a customer at the cutoff {count.cutoff}.")
        elif labels and count.churned is None:
            progress.warn(
                f"The labels at {count.cutoff} are not known yet: the histories end on "
                f"{histories.observed_until:%Y-%m-%d}."
            )
    plan = make_plan(
        histories, windows=config.features.windows_days, known_before=min(points.cutoffs)
    )
    with progress.stage("computing vectors") as stage:
        return build_vectors(histories, plan, points, labels=labels, progress=stage.detail)
