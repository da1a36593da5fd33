"""Suspects of leaks: columns and tables that may hold what was not known yet at a cutoff.

Features are cut at their dates, but no date tells when an attribute of a customer was written. A
column that was filled in later shows in its name, in telling those who left from those who stayed
better than anything known at sign-up can, or in what its table lacks. Each suspect comes with its
evidence; whether it is a leak is for people to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import indices, values
from features.churn import Definition, activity
from features.contract import ENDS
from features.departures import ends_of, latest_versions
from features.histories import Histories
from features.tables import CUSTOMER

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

# fmt: off
OUTCOME_WORDS = (
    "churn", "churned", "churner", "attrition", "cancel", "canceled", "cancelled",
    "cancellation", "terminated", "termination", "lapsed", "deactivated", "inactive",
    "dormant", "unsubscribed", "retained",
)
LATER_WORDS = (
    "recency", "lifetime", "ltv", "clv", "tenure",
)
FIRST_LATER_WORDS = ("last", "latest", "total")
# fmt: on
FEWEST = 20
"""Customers of each kind, and with a value, below which nothing is told from chance."""
MOST_COHORTS = 100
COHORT = 20
"""Customers in a cohort at least: fine enough to tell a leak from the week of the sign-up."""
MOST_BINS = 20
BIN = "within a twentieth of the values"
PERFECT_AUC = 0.9
PURE = 0.97
MOST_EXPECTED = 0.9
SURE = 25.0
"""Natural logarithm of how unlikely a value's leavers must be by chance."""
MUCH = 0.2
MANY_LEAVERS = 0.01
NOT_VERSIONED = ("plan", "auto_renew")


@dataclass(frozen=True)
class Suspect:
    """A column, or a table's rows, that may hold what was not known yet; with the evidence."""

    table: str
    column: str
    evidence: str


def suspects(histories: Histories, definition: Definition) -> list[Suspect]:
    """All suspects, by table and column."""
    found = [
        *_attributes(histories, definition),
        *_not_versioned(histories),
        *_after_the_end(histories),
        *_known_late(histories),
    ]
    return sorted(found, key=lambda suspect: (suspect.table, suspect.column))


def _who_left(histories: Histories, definition: Definition) -> np.ndarray:
    """By customer, whether it has left by the end of the histories."""
    left = np.zeros(histories.customers, dtype=bool)
    if definition.kind == "inactivity":
        import ibis

        acts = activity(histories, definition.activity)
        since = histories.observed_until.replace(microsecond=0)
        recent = ibis.timestamp(str(since)) - ibis.interval(days=definition.horizon_days)
        there = acts.filter(acts["occurred_at"] >= recent).select(CUSTOMER).distinct()
        left[:] = True
        left[indices(histories.engine.to_pyarrow(there)[CUSTOMER])] = False
        return left
    ends = _ends(histories)
    if ends is not None:
        left[indices(histories.engine.to_pyarrow(ends)[CUSTOMER])] = True
    return left


def _ends(histories: Histories) -> ibis.Table | None:
    import ibis

    tables = histories.tables
    if "churned" not in tables and "subscriptions" not in tables:
        return None
    ends = ends_of(tables.get("churned"), tables.get("subscriptions"))
    until = histories.observed_until.replace(microsecond=0)
    return ends.filter(ends[ENDS] <= ibis.timestamp(str(until)))


def _attributes(histories: Histories, definition: Definition) -> Iterator[Suspect]:
    names = list(histories.attributes)
    if not names:
        return
    left = _who_left(histories, definition)
    customers = histories.tables["customers"].order_by(CUSTOMER)
    rows = histories.engine.to_pyarrow(customers.select("signed_up_at", *names))
    cohorts = max(1, min(MOST_COHORTS, len(left) // COHORT))
    cohort = _bins(values(rows["signed_up_at"]), cohorts)
    for name in names:
        groups, labels = _groups(rows[name])
        evidence = [_by_name(name), _by_outcome(name, groups, labels, left, cohort)]
        if any(evidence):
            told = _how_it_lies(groups, labels, left)
            yield Suspect("customers", name, "; ".join([e for e in (*evidence, told) if e]))


def _by_name(name: str) -> str | None:
    words = [
        w for w in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if w
    ]
    if any(word in OUTCOME_WORDS for word in words) or words[-1:] == ["active"]:
        return "its name speaks of leaving, which nobody knows at sign-up"
    first = words[:1] and words[0] in FIRST_LATER_WORDS and "name" not in words
    if first or any(word in LATER_WORDS for word in words) or words[:2] == ["days", "since"]:
        return "its name speaks of what came after sign-up"
    return None


def _groups(given: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """The values of an attribute as groups: values that few have are one group, the last."""
    import pyarrow as pa

    codes, names = _coded_text(given) if pa.types.is_string(given.type) else _coded(values(given))
    sizes = np.bincount(codes, minlength=len(names))
    common = np.flatnonzero(sizes >= FEWEST)
    renumbered = np.full(len(names), len(common))
    renumbered[common] = np.arange(len(common))
    return renumbered[codes], [names[group] for group in common]


def _coded_text(given: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    encoded = given.combine_chunks().dictionary_encode(null_encoding="encode")
    names = ["nothing" if text is None else text for text in encoded.dictionary.to_pylist()]
    return encoded.indices.to_numpy().astype(np.int64), names


def _coded(given: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Numbers, in bins where there are many; those that are missing come first."""
    missing = np.isnan(given)
    distinct = np.unique(given[~missing])
    if len(distinct) > MOST_BINS:
        return _bins(given, MOST_BINS), ["nothing", *[BIN] * MOST_BINS]
    codes = np.where(missing, 0, np.searchsorted(distinct, given) + 1)
    return codes, ["nothing", *(f"{value:.15g}" for value in distinct)]


def _bins(given: np.ndarray, most: int) -> np.ndarray:
    """Numbers as bins with about as many customers each; those that are missing in bin 0."""
    there = given[~np.isnan(given)]
    edges = np.unique(np.quantile(there, np.arange(1, most) / most)) if len(there) else np.empty(0)
    return np.where(np.isnan(given), 0, np.searchsorted(edges, given, side="right") + 1)


def _by_outcome(
    name: str, groups: np.ndarray, labels: list[str], left: np.ndarray, cohort: np.ndarray
) -> str | None:
    """Evidence that an attribute tells who left, among customers of the same age."""
    if min(left.sum(), (~left).sum()) < FEWEST:
        return None
    expected = (np.bincount(cohort, left) / np.maximum(np.bincount(cohort), 1))[cohort]
    sizes = np.bincount(groups, minlength=len(labels) + 1)
    leavers = np.bincount(groups, left, minlength=len(labels) + 1)
    awaited = np.bincount(groups, expected, minlength=len(labels) + 1)
    for group, label in enumerate(labels):
        size = sizes[group]
        share, usual = leavers[group] / size, awaited[group] / size
        if share >= PURE and usual < MOST_EXPECTED and size * _surprise(share, usual) > SURE:
            return (
                f"{leavers[group]:,.0f} of {size:,} customers with {name} {label} left; "
                f"{awaited[group]:,.0f} would have by when they signed up"
            )
    excess = (leavers - awaited) / np.maximum(sizes, 1)
    auc = _auc_within(excess[groups], left, cohort)
    if auc >= PERFECT_AUC:
        return f"it tells who left almost perfectly: AUC {auc:.3f} among those of the same age"
    return None


def _surprise(share: float, usual: float) -> float:
    """Kullback and Leibler's divergence: n times it bounds the log-probability of such a share."""
    return sum(
        p * np.log(p / q) if p > 0 else 0.0
        for p, q in ((share, max(usual, 1e-9)), (1 - share, max(1 - usual, 1e-9)))
    )


def _auc_within(score: np.ndarray, left: np.ndarray, cohort: np.ndarray) -> float:
    """The chance that of a leaver and a stayer of one cohort the leaver scores higher."""
    wins = pairs = 0.0
    for number in np.unique(cohort):
        here = cohort == number
        leavers, stayers = score[here & left], np.sort(score[here & ~left])
        if len(leavers) and len(stayers):
            below = np.searchsorted(stayers, leavers, side="left")
            up_to = np.searchsorted(stayers, leavers, side="right")
            wins += float((below + up_to).sum()) / 2
            pairs += len(leavers) * len(stayers)
    return wins / pairs if pairs else 0.5


def _how_it_lies(groups: np.ndarray, labels: list[str], left: np.ndarray) -> str:
    """How many of the customers with each of the first values left."""
    told = [
        f"{label}: {int(left[groups == n].sum()):,} of {int((groups == n).sum()):,}"
        for n, label in enumerate(labels[:3])
        if label != BIN
    ]
    return "left by now: " + ", ".join(told) if told else ""


def _not_versioned(histories: Histories) -> Iterator[Suspect]:
    """Columns of subscriptions that change, in a table without versions."""
    rows = histories.tables.get("subscriptions")
    if rows is None or "valid_from" in rows.columns:
        return
    latest = latest_versions(rows)
    for name in NOT_VERSIONED:
        if name in rows.columns:
            evidence = "subscriptions has no valid_from, so this is what holds today, not then"
            if name == "auto_renew":
                evidence += _renewing(histories, latest)
            yield Suspect("subscriptions", name, evidence)


def _renewing(histories: Histories, latest: ibis.Table) -> str:
    running = latest["ended_at"].isnull()
    shares = latest.aggregate(
        running=latest["auto_renew"].cast("int32").mean(where=running),
        ended=latest["auto_renew"].cast("int32").mean(where=~running),
    )
    row: dict[str, Any] = histories.engine.to_pyarrow(shares).to_pylist()[0]
    if row["running"] is None or row["ended"] is None:
        return ""
    return f"; it is on for {row['running']:.0%} of those that run, {row['ended']:.0%} of the ended"


def _after_the_end(histories: Histories) -> Iterator[Suspect]:
    """Use after the end: the end may be back-dated, and was not known when it says."""
    account, rows = histories.accounts.get("usage"), histories.tables.get("usage")
    ends = _ends(histories)
    if account is None or rows is None or ends is None or not account.odd.get("after_end"):
        return
    import ibis

    joined = rows.select(CUSTOMER, "occurred_at").inner_join(ends, CUSTOMER)
    day_after = joined[ENDS].truncate("D") + ibis.interval(days=1)
    late = joined.filter(joined["occurred_at"] >= day_after)
    counts = ibis.union(
        ends.aggregate(n=ends.count()), late.aggregate(n=late[CUSTOMER].nunique()), distinct=False
    )
    leavers, active = sorted(histories.engine.to_pyarrow(counts)["n"].to_pylist(), reverse=True)
    if active >= max(FEWEST, MANY_LEAVERS * leavers):
        yield Suspect(
            "usage",
            "occurred_at",
            f"{account.odd['after_end']:,} rows of {active:,} customers are later than the day on "
            f"which these left ({leavers:,} did): their end may be dated back",
        )


def _known_late(histories: Histories) -> Iterator[Suspect]:
    for name, account in histories.accounts.items():
        late = account.odd.get("known_late", 0)
        if account.used and late > MUCH * account.used:
            yield Suspect(
                name,
                "available_at",
                f"{late:,} of {account.used:,} rows ({late / account.used:.0%}) became known more "
                "than a month after they happened: at most cutoffs they are not seen",
            )
