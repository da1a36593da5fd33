"""`churn check --leaks`: vectors are computed again from histories with another future.

Whatever lies at and after a cutoff, or was filled in then, is deleted, changed, added to and
masked in copies of the tables; who is a customer at the cutoff, and every vector, must stay the
same. Large histories are put to the proof by a sample of their customers.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.alterations import ALTERATIONS, altered, spared_at
from features.casting import Casts
from features.catalogue import Feature
from features.cut import Points
from features.errors import ContractBroken, TooLittleData
from features.histories import Histories, read_histories
from features.plan import Plan, make_plan
from features.points import (
    UNKNOWN,
    LabelledPoints,
    labelled_cutoffs,
    make_points,
    refuse_future,
)
from features.sources import Source
from features.vectors import KEYS, build_vectors
from pipeline.config import Config
from pipeline.opening import definition_of, source_of
from pipeline.progress import Progress

if TYPE_CHECKING:
    import ibis
    import pandas as pd

MOST_CUSTOMERS = 20_000
MOST_ROWS = 5_000_000
"""Larger histories are sampled: so many customers, or rows, tell what all of them would."""
ALTERED = "altered"
"""The folder of altered tables, beside the sampled ones."""
A_CUSTOMER = "is a customer"
"""In place of a feature's name: whether somebody is a customer at the cutoff at all."""
LEVELS = "kinds of"
"""Before the name of a column: which of its values get features of their own."""
SEVERAL = "several"
"""In place of a table's name, where only tables altered together make a difference."""


@dataclass(frozen=True)
class Leak:
    """A feature that saw the future: which alteration of which table it felt, and where."""

    cutoff: date
    perturbation: str
    table: str
    feature: str
    vectors: int
    example: dict[str, Any]

    @property
    def told(self) -> str:
        """The example in words."""
        who = f"customer {self.example['customer_id']}: " if self.example["customer_id"] else ""
        return f"{who}{_told(self.example['before'])} became {_told(self.example['after'])}"


@dataclass(frozen=True)
class Trial:
    """One alteration of all tables at one cutoff: rows altered by table, vectors compared."""

    cutoff: date
    perturbation: str
    rows: dict[str, int]
    vectors: int
    features: int
    differences: int


@dataclass(frozen=True)
class Proof:
    """What came of it: all trials, and the leaks that were found."""

    cutoffs: tuple[date, ...]
    customers: int
    of_customers: int
    trials: tuple[Trial, ...]
    leaks: tuple[Leak, ...]
    undated: tuple[str, ...]

    @property
    def perturbations(self) -> tuple[str, ...]:
        return tuple(ALTERATIONS)

    @property
    def features(self) -> int:
        return max(trial.features for trial in self.trials)

    def rows(self, perturbation: str, table: str) -> int:
        """Rows of a table that were altered so, over all cutoffs."""
        trials = [trial for trial in self.trials if trial.perturbation == perturbation]
        return sum(trial.rows.get(table, 0) for trial in trials)

    def differing(self, perturbation: str) -> set[str]:
        """The features that felt an alteration."""
        return {leak.feature for leak in self.leaks if leak.perturbation == perturbation}

    def as_json(self) -> dict[str, Any]:
        return {
            "leaks": [asdict(leak) for leak in self.leaks],
            "proof": {
                "cutoffs": self.cutoffs,
                "customers": self.customers,
                "of_customers": self.of_customers,
                "not_provable": self.undated,
                "trials": [asdict(trial) for trial in self.trials],
            },
        }

    def refusal(self) -> ContractBroken:
        """The first leak as an error, for the exit status."""
        first = self.leaks[0]
        features = len({leak.feature for leak in self.leaks})
        return ContractBroken(
            f"What was not known yet changes vectors: {features:,} of {self.features:,} features "
            f"at {len({leak.cutoff for leak in self.leaks})} of {len(self.cutoffs)} cutoffs.",
            where=f"{first.feature} at {first.cutoff}, when {first.table} is {first.perturbation}",
            value=first.told,
            allowed="the same vectors, whatever happens at and after their cutoff",
            fix="give the rows of the table the time at which they became known (available_at, "
            "valid_from), or leave the column out; see docs/point_in_time.md",
        )


def prove(
    config: Config,
    histories: Histories,
    progress: Progress,
    *,
    cutoffs: Sequence[date] = (),
    most_customers: int = MOST_CUSTOMERS,
) -> Proof:
    """Compute vectors at some cutoffs again and again, each time with another future.

    Without ``cutoffs``: the first, the middle and the newest labelled one at which there are
    customers, on the grid that training uses.

    Raises
    ------
    TooLittleData
        When there is no labelled cutoff, or nobody is a customer.
    """
    refuse_future(histories, cutoffs)
    with tempfile.TemporaryDirectory(prefix="churn-risk-proof-") as folder:
        with progress.stage("taking a sample"):
            write_sample(histories, Path(folder), most_customers)
        prover = _Prover(config, Path(folder))
        with prover.reading({}) as sample:
            chosen = tuple(cutoffs) or prover.spread_cutoffs(histories, sample)
            trials, leaks = [], []
            with progress.stage("computing vectors with other futures") as stage:
                for cutoff in chosen:
                    stage.detail(str(cutoff))
                    expected = prover.seen(sample, cutoff)
                    for how in ALTERATIONS:
                        stage.detail(f"{cutoff}, {how}")
                        trial, found = prover.trial(sample, cutoff, how, expected)
                        trials.append(trial)
                        leaks += found
            return Proof(
                cutoffs=chosen,
                customers=sample.customers,
                of_customers=histories.customers,
                trials=tuple(trials),
                leaks=tuple(leaks),
                undated=tuple(_undated(histories)),
            )


def write_sample(histories: Histories, folder: Path, most: int) -> None:
    """The raw tables of a sample of customers, chosen by a hash of their ids, as Parquet files."""
    rows = sum(account.rows for account in histories.accounts.values())
    one_in = max(-(-histories.customers // most), -(-rows // MOST_ROWS), 1)
    chosen = {
        name: _of_sample(histories, raw.rows, one_in) if one_in > 1 else raw.rows
        for name, raw in histories.raw.items()
    }
    for name, found in chosen.items():
        histories.engine.to_parquet(found, str(folder / f"{name}.parquet"))


def _of_sample(histories: Histories, rows: ibis.Table, one_in: int) -> ibis.Table:
    if "customer_id" in rows.columns:
        return rows.filter(_in_sample(rows["customer_id"], one_in))
    subscriptions = histories.raw["subscriptions"].rows
    owned = subscriptions.filter(_in_sample(subscriptions["customer_id"], one_in))
    ids = owned.select(owned=Casts().as_id(owned["subscription_id"]).cast("string"))
    return rows.filter(Casts().as_id(rows["subscription_id"]).cast("string").isin(ids["owned"]))


def _in_sample(ids: Any, one_in: int) -> Any:
    return Casts().as_id(ids).cast("string").hash() % one_in == 0


def spread(cutoffs: Sequence[date]) -> tuple[date, ...]:
    """The first, the middle and the last one, as far as there are so many."""
    return tuple(sorted({cutoffs[0], cutoffs[len(cutoffs) // 2], cutoffs[-1]}))


@dataclass(frozen=True)
class _Seen:
    """What is seen at a cutoff: the plan, who is a customer, and vectors by customer id."""

    plan: Plan
    customers: np.ndarray
    frame: pd.DataFrame
    catalogue: tuple[Feature, ...]


def _points(cutoffs: Sequence[date], customers: np.ndarray) -> LabelledPoints:
    """These customers at a single cutoff."""
    return LabelledPoints(
        cutoffs=tuple(cutoffs),
        points=Points(np.zeros(len(customers), dtype=np.int32), customers),
        churned=np.full(len(customers), UNKNOWN),
        counts=(),
    )


class _Prover:
    """Reads a folder of sampled tables, some of them altered, and compares what comes of it."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.definition = definition_of(config)
        given = source_of(config)
        self.source = Source(str(folder), timezone=given.timezone, memory_limit=given.memory_limit)
        (folder / ALTERED).mkdir()

    @contextmanager
    def reading(self, tables: dict[str, str]) -> Iterator[Histories]:
        """The histories in the folder; `tables` names the files of those that are altered."""
        histories = read_histories(
            replace(self.source, tables=tables),
            max_bad_share=1.0,
        )
        try:
            yield histories
        finally:
            histories.close()

    def spread_cutoffs(self, histories: Histories, sample: Histories) -> tuple[date, ...]:
        """The first, the middle and the newest labelled cutoff at which there are customers."""
        points = self.config.points
        labelled = labelled_cutoffs(
            histories, self.definition, every=points.every, first=points.first, last=points.last
        )
        counts = make_points(
            sample,
            self.definition,
            labelled,
            min_tenure_days=points.min_tenure_days,
            labels=False,
        ).counts
        return spread([count.cutoff for count in counts if count.points])

    def seen(self, histories: Histories, cutoff: date, expected: _Seen | None = None) -> _Seen:
        """What is seen at a cutoff; with the plan and for the customers of what is expected."""
        windows = self.config.features.windows_days
        own = make_plan(histories, windows=windows, known_before=cutoff)
        try:
            points = make_points(
                histories,
                self.definition,
                [cutoff],
                min_tenure_days=self.config.points.min_tenure_days,
                labels=False,
            )
        except TooLittleData:
            if expected is None:
                raise
            points = _points([cutoff], np.empty(0, dtype=np.int32))
        # Ids as text, since one more row may make text of numbers.
        ids = np.array([str(one) for one in histories.customer_ids().to_pylist()], dtype=object)
        customers = ids[points.points.customer]
        if expected is not None:
            wanted = np.isin(ids, expected.customers)
            points = _points([cutoff], np.flatnonzero(wanted).astype(np.int32))
        vectors = build_vectors(histories, expected.plan if expected else own, points, labels=False)
        frame = vectors.frame.drop(columns=list(KEYS)).set_axis(ids[points.points.customer])
        return _Seen(own, customers, frame, vectors.catalogue)

    def trial(
        self, sample: Histories, cutoff: date, how: str, expected: _Seen
    ) -> tuple[Trial, list[Leak]]:
        """Alter all tables at once; where that makes a difference, each on its own."""
        spared = spared_at(sample, cutoff)
        rows = {name: self._write_altered(sample, name, how, cutoff, spared) for name in sample.raw}
        touched = [name for name, count in rows.items() if count]
        found = self._differences(touched, cutoff, expected)
        leaks = [
            Leak(cutoff, how, table, feature, count, example)
            for feature, (table, count, example) in self._blamed(
                found, touched, cutoff, expected
            ).items()
        ]
        trial = Trial(
            cutoff=cutoff,
            perturbation=how,
            rows=rows,
            vectors=len(expected.frame),
            features=len(expected.catalogue),
            differences=len(leaks),
        )
        return trial, leaks

    def _write_altered(
        self, sample: Histories, name: str, how: str, cutoff: date, spared: Sequence[str]
    ) -> int:
        """Write a table with another future; how many of its rows are altered."""
        found = altered(sample, name, how, cutoff, timezone=self.source.timezone, spared=spared)
        count = sample.engine.to_pyarrow(found.touched).as_py() or 0
        if count:
            sample.engine.to_parquet(found.rows, str(self.folder / _file_of(name)))
        return int(count)

    def _differences(
        self, tables: Sequence[str], cutoff: date, expected: _Seen
    ) -> dict[str, tuple[int, dict[str, Any]]]:
        """By feature, for how many customers it differs when these tables are altered; one."""
        if not tables:
            return {}
        with self.reading({name: _file_of(name) for name in tables}) as histories:
            found = self.seen(histories, cutoff, expected)
        return _compared(expected, found)

    def _blamed(
        self,
        found: dict[str, tuple[int, dict[str, Any]]],
        tables: Sequence[str],
        cutoff: date,
        expected: _Seen,
    ) -> dict[str, tuple[str, int, dict[str, Any]]]:
        """By feature that differs, the first table that makes the difference on its own."""
        blamed: dict[str, tuple[str, int, dict[str, Any]]] = {}
        for name in tables if found else ():
            alone = self._differences([name], cutoff, expected) if len(tables) > 1 else found
            for feature, (count, example) in alone.items():
                blamed.setdefault(feature, (name, count, example))
        for feature, (count, example) in found.items():
            blamed.setdefault(feature, (SEVERAL, count, example))
        return blamed


def _undated(histories: Histories) -> Iterator[str]:
    """What vectors read although no column tells when it was written."""
    for name in histories.attributes:
        yield f"customers.{name}"
    rows = histories.tables.get("subscriptions")
    if rows is not None and "valid_from" not in rows.columns:
        undated = ("plan", "price", "billing_period", "auto_renew", "renews_at")
        yield from (f"subscriptions.{name}" for name in undated if name in rows.columns)


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _file_of(name: str) -> str:
    return f"{ALTERED}/{name}.parquet"


def _compared(expected: _Seen, found: _Seen) -> dict[str, tuple[int, dict[str, Any]]]:
    """By feature, how many customers' values differ, and one of them."""
    differences: dict[str, tuple[int, dict[str, Any]]] = {}
    others = np.setxor1d(expected.customers, found.customers)
    if len(others):
        was = bool(np.isin(others[0], expected.customers))
        differences[A_CUSTOMER] = (len(others), _example(others[0], was, not was))
    for column, levels in expected.plan.levels.items():
        now = found.plan.levels.get(column, ())
        if levels != now:
            differences[f"{LEVELS} {column}"] = (len(expected.frame), _example("", levels, now))
    both = expected.frame.index.intersection(found.frame.index)
    before, after = expected.frame.loc[both], found.frame.loc[both]
    for feature in expected.catalogue:
        was, now = (frame[feature.name].to_numpy(object) for frame in (before, after))
        differing = np.flatnonzero(~_same(was, now))
        if len(differing):
            at = differing[0]
            # The attributes of customers are theirs: none is shown.
            theirs = feature.table == "customers" and feature.name != "tenure_days"
            values = ("a value", "another one") if theirs else (was[at], now[at])
            differences[feature.name] = (len(differing), _example(both[at], *values))
    return differences


def _same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    import pandas as pd

    return (one == other) | (pd.isna(one) & pd.isna(other))


def _example(customer: str, before: object, after: object) -> dict[str, Any]:
    return {"customer_id": customer, "before": before, "after": after}
