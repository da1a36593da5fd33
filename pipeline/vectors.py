"""`churn features`: the vectors of every customer active at some cutoffs, or what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.catalogue import Feature
from features.errors import UsageError
from features.histories import Histories
from features.listing import list_features
from features.points import make_points, newest_cutoff, refuse_future
from features.vectors import KEYS, Vectors, build_vectors
from pipeline.config import Config
from pipeline.files import refuse_unwritable, whole_file, write_parquet
from pipeline.opening import definition_of, open_histories, plan_features
from pipeline.progress import Progress


@dataclass(frozen=True)
class Written:
    """The vectors that were written."""

    path: Path
    rows: int
    features: int

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "rows": self.rows, "features": self.features}


@dataclass(frozen=True)
class Catalogue:
    """The features of some histories; event types and texts are those common before a date."""

    features: tuple[Feature, ...]
    known_before: date

    def as_json(self) -> dict[str, Any]:
        return {
            "known_before": self.known_before,
            "features": [feature.as_dict() for feature in self.features],
        }


def list_catalogue(config: Config, progress: Progress, *, cutoffs: Sequence[date]) -> Catalogue:
    """The features that vectors at these cutoffs have; without any, at the end of the histories.

    No vector is computed.
    """
    histories = open_histories(config, progress)
    try:
        refuse_future(histories, cutoffs)
        known_before = min(cutoffs, default=newest_cutoff(histories))
        plan = plan_features(config, histories, progress, known_before=known_before)
        return Catalogue(list_features(histories.tables, plan), known_before)
    finally:
        histories.close()


def refuse_writing(*, out: Path | None, labels: bool) -> None:
    """Stop where a list is asked for and a file as well: only one of them can be meant."""
    if out is not None or labels:
        raise UsageError(
            "A list of the features writes no vectors.",
            where="--list",
            value=f"--out {out}" if out is not None else "--labels",
            allowed="--list alone, or with --cutoff, --json and --config",
            fix="leave out --list to write vectors, or the other option to list the features",
        )


def file_to_write(cutoffs: Sequence[date], out: Path | None) -> Path:
    """The file of the vectors.

    Raises
    ------
    UsageError
        When no cutoff or no file is given, or the file is no Parquet file by its name.
    """
    if not cutoffs or out is None:
        raise UsageError(
            "Vectors need a cutoff and a file to be written to.",
            where="--out" if cutoffs else "--cutoff",
            value="none given",
            allowed="--cutoff 2026-01-01 --out vectors.parquet, with as many cutoffs as you like",
            fix="add it; or list the features: churn features --list",
        )
    if out.suffix.lower() != ".parquet" and not out.is_dir():
        raise UsageError(
            "Vectors are written as Parquet.",
            where="--out",
            value=str(out),
            allowed="a file whose name ends in .parquet",
            fix=f"--out {out.with_suffix('.parquet') if out.name else 'vectors.parquet'}",
        )
    return out


def write_vectors(
    config: Config, progress: Progress, *, cutoffs: Sequence[date], out: Path, labels: bool
) -> Written:
    """Compute vectors and write them to `out`, whole or not at all.

    Event types get columns of their own by what was common before the earliest cutoff that has a
    customer, so no column depends on anything later.
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
    known_before = min(count.cutoff for count in points.counts if count.points)
    plan = plan_features(config, histories, progress, known_before=known_before)
    with progress.stage("computing vectors") as stage:
        return build_vectors(histories, plan, points, labels=labels, progress=stage.detail)
